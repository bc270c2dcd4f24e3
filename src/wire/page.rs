//! Pages of lists, read while their bytes come, so that neither a page nor its objects are ever whole in memory.
//!
//! What is around the objects is small and kept as text until the end. An object is read as soon as it is there; one that
//! is there in part is tried again when there is more.

use std::mem;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Error, Value};

use super::slim::{self, Slim};
use crate::domain::watch::Kind;

/// Bytes that come together before objects are looked for in them: an object that is there in part is read twice.
const ENOUGH: usize = 128 << 10;
/// The field that has the objects.
const ITEMS: &[u8] = b"\"items\"";

/// What a page of a list says of itself.
#[derive(Debug, Default, Deserialize)]
pub struct Page {
    /// The version that the list is of.
    #[serde(rename = "resourceVersion", default)]
    pub version: String,
    /// Where the next page begins; empty when there is none.
    #[serde(rename = "continue", default)]
    pub next: String,
}

/// Where in a page the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before or after the objects, in so many objects and lists, in a string or not.
    Around { depth: usize, quoted: bool, escaped: bool },
    /// At an object, at what separates two, or at the end of all.
    Items { is_first: bool, is_separated: bool },
}

/// A page of a list of one kind, as its bytes come.
#[derive(Debug)]
pub struct PageReader {
    kind: Kind,
    place: Place,
    /// What is around the objects.
    around: Vec<u8>,
    /// What was not looked at yet.
    left: Vec<u8>,
    /// So much must be there before it is looked at.
    enough: usize,
}

impl PageReader {
    /// Nothing came yet.
    pub fn new(kind: Kind) -> Self {
        let place = Place::Around {
            depth: 0,
            quoted: false,
            escaped: false,
        };
        Self {
            kind,
            place,
            around: Vec::new(),
            left: Vec::new(),
            enough: ENOUGH,
        }
    }

    /// Takes the next bytes; tells each object that is whole by now.
    ///
    /// # Errors
    ///
    /// When the text is no list.
    pub fn read(&mut self, text: &[u8], each: &mut dyn FnMut(&Value)) -> Result<(), Error> {
        self.left.extend_from_slice(text);
        if self.left.len() < self.enough {
            return Ok(());
        }
        self.look(each)?;
        // Of an object that is longer, twice as much must be there before it is tried again.
        self.enough = ENOUGH.max(2 * self.left.len());
        Ok(())
    }

    /// Nothing more comes: the last objects, and what the page says of itself.
    ///
    /// # Errors
    ///
    /// When the text is no list, or not a whole one.
    pub fn end(mut self, each: &mut dyn FnMut(&Value)) -> Result<Page, Error> {
        #[derive(Deserialize)]
        struct Envelope {
            #[serde(default)]
            metadata: Page,
            #[serde(rename = "items", default)]
            _items: Option<[(); 0]>,
        }
        self.look(each)?;
        if !self.around.trim_ascii_start().starts_with(b"{") {
            return Err(Error::custom("the answer is not an object"));
        }
        // What is cut off in an object ends in the list.
        let envelope: Envelope = serde_json::from_slice(&self.around)?;
        Ok(envelope.metadata)
    }

    /// Reads what can be read of what is left.
    fn look(&mut self, each: &mut dyn FnMut(&Value)) -> Result<(), Error> {
        let mut left = mem::take(&mut self.left);
        let mut rest = left.as_slice();
        while let Some((first, after)) = rest.split_first() {
            match self.place {
                Place::Around { .. } => {
                    self.pass(*first);
                    rest = after;
                }
                Place::Items { is_first, is_separated } => match first {
                    b' ' | b'\t' | b'\r' | b'\n' => rest = after,
                    b',' if !is_first && !is_separated => {
                        self.place = Place::Items {
                            is_first,
                            is_separated: true,
                        };
                        rest = after;
                    }
                    b']' if !is_separated => {
                        self.place = Place::Around {
                            depth: 2,
                            quoted: false,
                            escaped: false,
                        };
                    }
                    _ if is_first || is_separated => {
                        let Some((object, length)) = one(self.kind, rest)? else { break };
                        // More of a number may come.
                        if length == rest.len() && !b"{[\"".contains(first) {
                            break;
                        }
                        each(&object);
                        self.place = Place::Items {
                            is_first: false,
                            is_separated: false,
                        };
                        rest = rest.get(length..).unwrap_or_default();
                    }
                    _ => return Err(Error::custom("two items of a list are not separated")),
                },
            }
        }
        let looked_at = left.len() - rest.len();
        left.drain(..looked_at);
        self.left = left;
        Ok(())
    }

    /// Takes a byte from around the objects.
    fn pass(&mut self, byte: u8) {
        let Place::Around {
            mut depth,
            quoted,
            escaped,
        } = self.place
        else {
            return;
        };
        let begins = byte == b'[' && depth == 1 && !quoted && self.is_at_items();
        if !quoted {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        self.around.push(byte);
        self.place = if begins {
            Place::Items {
                is_first: true,
                is_separated: false,
            }
        } else {
            Place::Around {
                depth,
                quoted: quoted != (byte == b'"' && !escaped),
                escaped: quoted && byte == b'\\' && !escaped,
            }
        };
    }

    /// The value that comes next has the objects.
    fn is_at_items(&self) -> bool {
        let before = self.around.trim_ascii_end().strip_suffix(b":").map(<[u8]>::trim_ascii_end);
        let before = before.and_then(|before| before.strip_suffix(ITEMS));
        before.is_some_and(|before| !before.ends_with(b"\\"))
    }
}

/// The item at the beginning of a text, without what nobody looks at, and how long it is; `None` when it is not whole.
fn one(kind: Kind, text: &[u8]) -> Result<Option<(Value, usize)>, Error> {
    match kind {
        Kind::Cluster => first::<{ Kind::Cluster as u8 }>(text),
        Kind::Pod => first::<{ Kind::Pod as u8 }>(text),
        Kind::Database => first::<{ Kind::Database as u8 }>(text),
        Kind::ImageCatalog => first::<{ Kind::ImageCatalog as u8 }>(text),
        Kind::ClusterImageCatalog => first::<{ Kind::ClusterImageCatalog as u8 }>(text),
    }
}

fn first<const KIND: u8>(text: &[u8]) -> Result<Option<(Value, usize)>, Error> {
    let mut objects = serde_json::Deserializer::from_slice(text).into_iter::<Kept<KIND>>();
    match objects.next() {
        None => Ok(None),
        Some(Err(error)) if error.is_eof() => Ok(None),
        Some(Err(error)) => Err(error),
        Some(Ok(Kept(object))) => Ok(Some((object, objects.byte_offset()))),
    }
}

/// What is kept of an object. Only a reader of values that know their kind by their type says how long each is.
struct Kept<const KIND: u8>(Value);

impl<'de, const KIND: u8> Deserialize<'de> for Kept<KIND> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == KIND);
        let kind = kind.ok_or_else(|| D::Error::custom("a kind that is not watched"))?;
        serde::de::DeserializeSeed::deserialize(Slim(slim::kept(kind)), reader).map(Self)
    }
}
