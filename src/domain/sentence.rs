//! Sentences made for people. What they say is read by nobody but people.

use std::fmt;

use serde::{Serialize, Serializer};

/// A sentence made for people, without a full stop.
///
/// It is made last, of values that code can ask (a fault, a state, a key), and goes to a screen or a document. It cannot be
/// compared, searched or taken apart: two sentences about the same thing are a question for the values that they are made of.
/// Only the files that a test of the architecture lists may call [`Sentence::for_people`].
#[derive(Clone, Default)]
pub struct Sentence(String);

impl Sentence {
    /// The sentence that a value reads as.
    pub fn new(told: impl fmt::Display) -> Self {
        Self(told.to_string())
    }

    /// The same after a lead that says what it is about: `orders-1: not ready yet`.
    #[must_use]
    pub fn about(self, subject: impl fmt::Display) -> Self {
        Self(format!("{subject}: {}", self.0))
    }

    /// The same with more text behind it; the text brings its own blank or comma.
    #[must_use]
    pub fn followed_by(mut self, text: impl fmt::Display) -> Self {
        self.0.push_str(&text.to_string());
        self
    }

    /// The same with another sentence behind it.
    #[must_use]
    pub fn joined(mut self, between: &str, other: &Self) -> Self {
        self.0.push_str(between);
        self.0.push_str(&other.0);
        self
    }

    /// The text, for a screen, a document or a log.
    pub fn for_people(&self) -> &str {
        &self.0
    }

    /// Whether both read the same: whether a drawn line is out of date, and nothing else. What holds is told by values.
    pub(super) fn reads_like(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Sentence {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Sentence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does not compile when sentences have the trait, because it is ambiguous then which item is meant.
    macro_rules! sentences_lack {
        ($($lacking:path),+ $(,)?) => {$({
            trait Lacks<Which> {
                const SO: bool = true;
            }
            struct Has;
            impl<T> Lacks<()> for T {}
            impl<T: $lacking> Lacks<Has> for T {}
            assert!(<Sentence as Lacks<_>>::SO);
        })+};
    }

    #[test]
    fn a_sentence_is_not_read_by_code() {
        sentences_lack!(
            PartialEq,
            PartialEq<str>,
            PartialEq<&'static str>,
            PartialEq<String>,
            std::hash::Hash,
            std::ops::Deref,
            AsRef<str>,
            std::borrow::Borrow<str>,
            fmt::Display,
            Into<String>,
        );
    }

    #[test]
    fn a_sentence_is_put_together_and_never_taken_apart() {
        let sentence = Sentence::from("it waits").about("orders-2").followed_by(" still");
        let both = sentence.joined("; ", &Sentence::new("look at it"));
        assert_eq!(both.for_people(), "orders-2: it waits still; look at it");
        assert!(both.reads_like(&both.clone()) && !both.reads_like(&Sentence::default()));
    }
}
