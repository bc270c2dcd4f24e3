//! Texts that hold secrets: kubeconfig files and answers of credential plugins.
//!
//! What a library says about such a text may quote it, so none of its words are repeated: where it failed and why is told
//! in words of this file.

use std::fmt;

use http::HeaderValue;
use k8s_openapi::ByteString;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Error};

/// Where and why a text could not be read, without a word of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Line and column, both from 1, where they are known.
    place: Option<(u64, u64)>,
    reason: &'static str,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "line {line}, column {column}: {}", self.reason),
            None => f.write_str(self.reason),
        }
    }
}

impl Unreadable {
    fn new(reason: &'static str) -> Self {
        Self { place: None, reason }
    }
}

/// The documents of a YAML text, of which JSON is a part. Of a key that stands twice the last one counts, as for kubectl.
pub(super) fn yaml<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Unreadable> {
    let unreadable = match documents(text, false) {
        Ok(documents) => return Ok(documents),
        Err(error) => {
            let place = error.location().map(|at| (at.line(), at.column()));
            Unreadable {
                place: place.filter(|(line, _)| *line > 0),
                reason: reason(&error),
            }
        }
    };
    // Types that keep unknown fields refuse a key that stands twice by themselves; a tree has it once. There `y` is text.
    let trees: Vec<Value> = documents(text, true).unwrap_or_default();
    let documents: Option<Vec<T>> = trees.into_iter().map(|tree| serde_json::from_value(tree).ok()).collect();
    documents.filter(|documents| !documents.is_empty()).ok_or(unreadable)
}

fn documents<T: DeserializeOwned>(text: &str, strict_booleans: bool) -> Result<Vec<T>, Error> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
        strict_booleans: strict_booleans,
    };
    serde_saphyr::from_multiple_with_options(text, options)
}

fn reason(error: &Error) -> &'static str {
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => reason(error),
        Error::Eof { .. } => "the text ends too early",
        Error::DuplicateMappingKey { .. } => "a key is listed twice",
        Error::UnknownAnchor { .. } => "there is an alias without an anchor; a value that begins with * needs quotes",
        Error::InvalidUtf8Input => "it is not UTF-8",
        Error::NullIntoString { .. } => "there is nothing where text is wanted",
        Error::Budget { .. } => "it is too large or too deeply nested",
        Error::SerdeMissingField { .. } => "a field is missing",
        Error::Unexpected { .. } | Error::InvalidScalar { .. } | Error::SerdeInvalidType { .. } | Error::SerdeInvalidValue { .. } => {
            "a value is of another kind than is wanted"
        }
        _ => "it is not valid YAML",
    }
}

/// The text of a file as kubectl takes it: UTF-8 with or without a byte order mark, or UTF-16 with one.
pub(super) fn text(bytes: &[u8]) -> Result<String, Unreadable> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = rest.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        let text = String::from_utf16(&units).ok().filter(|_| odd.is_empty());
        text.ok_or_else(|| Unreadable::new("it is not UTF-16, although its byte order mark says so"))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => {
            let text = str::from_utf8(rest).map_err(|_| Unreadable::new("it is not UTF-8"))?;
            Ok(text.to_owned())
        }
    }
}

/// The header that a bearer token goes into, or what is wrong with the token.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, &'static str> {
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| "has a line break or another character that no header of a request can hold")?;
    header.set_sensitive(true);
    Ok(header)
}

/// The header of a request that a name and a password go into.
pub(super) fn basic(name: &str, password: &str) -> Option<HeaderValue> {
    let login = encoded(format!("{name}:{password}").as_bytes())?;
    let mut header = HeaderValue::try_from(format!("Basic {login}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// What base64 stands for, be it broken into lines.
pub(super) fn decoded(base64: &str) -> Option<Vec<u8>> {
    let line = base64.split_ascii_whitespace().collect();
    let bytes: ByteString = serde_json::from_value(Value::String(line)).ok()?;
    Some(bytes.0)
}

/// Bytes in base64.
pub(super) fn encoded(bytes: &[u8]) -> Option<String> {
    match serde_json::to_value(ByteString(bytes.to_vec())).ok()? {
        Value::String(base64) => Some(base64),
        _ => None,
    }
}

/// A PEM text has a certificate, and every part of it can be read.
pub(super) fn has_certificate(pem: &[u8]) -> bool {
    let mut certificates = CertificateDer::pem_slice_iter(pem);
    let first = certificates.next();
    first.is_some_and(|first| first.is_ok()) && certificates.all(|next| next.is_ok())
}

/// The certificates of a PEM text in base64.
pub(super) fn certificates(base64: &str) -> Vec<Vec<u8>> {
    let pem = decoded(base64).unwrap_or_default();
    let certificates = CertificateDer::pem_slice_iter(&pem);
    certificates.flatten().map(|certificate| certificate.to_vec()).collect()
}

/// The private key of a PEM text.
pub(super) fn key(pem: &[u8]) -> Option<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).ok()
}
