//! The words of the documents: values of the domain, each written by its `as_str`.

use serde::Serializer;

use crate::domain::check::{CheckCode, CheckResult};
use crate::domain::finding::{Code, Severity};
use crate::domain::ladder::{RungKind, RungState, Source};
use crate::domain::rollout::MountState;

/// A value that documents have as a word.
pub(in crate::cli) trait Word: Copy {
    /// The word.
    fn word(self) -> &'static str;
}

macro_rules! words {
    ($($value:ty),+ $(,)?) => {$(
        impl Word for $value {
            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )+};
}

words!(CheckCode, CheckResult, Code, MountState, RungKind, RungState, Severity, Source);

/// Writes a value as its word.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
pub(in crate::cli) fn word<T: Word, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.word())
}
