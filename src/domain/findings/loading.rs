//! What to do about a library that is there and cannot be loaded.

use super::Code;
use crate::domain::classify::Failure;
use crate::domain::paths::mount_of;

/// The code and the remedy of a failure to load; `None` when the failure is another.
pub(super) fn advice(failure: &Failure) -> Option<(Code, String)> {
    let (code, text) = match failure {
        Failure::SystemLibrary { missing, .. } => (
            Code::SystemLibraryMissing,
            format!("Give the entry the ld_library_path that holds {missing}, and restart the cluster"),
        ),
        Failure::LibcTooOld { .. } => (
            Code::LibraryUnusable,
            "Use the image that is made for the distribution of the operand image, or a newer operand image".to_owned(),
        ),
        Failure::LibraryTooOld { found, .. } => (
            Code::LibraryUnusable,
            match mount_of(found) {
                Some(entry) => format!("Use images that are made for one distribution: {found} of the entry {entry} comes first"),
                None => "Use the image that is made for the distribution of the operand image".to_owned(),
            },
        ),
        Failure::NotExecutable { .. } => (
            Code::LibraryUnusable,
            "Let the nodes mount image volumes so that their files may be executed: look for noexec, and for what a security policy forbids"
                .to_owned(),
        ),
        Failure::NotReadable { .. } => (
            Code::LibraryUnusable,
            "Use an image whose files and directories every user may read".to_owned(),
        ),
        Failure::Symbol { symbol } => (
            Code::LibraryUnusable,
            format!("Use the image that is made for this minor version of PostgreSQL, or preload the library that has {symbol} before"),
        ),
        Failure::Function { .. } => (
            Code::LibraryUnusable,
            "Use an image whose library and scripts are of one version".to_owned(),
        ),
        Failure::WrongMajor { .. } | Failure::OtherProduct { .. } | Failure::NoModule { .. } | Failure::Architecture { .. } => (
            Code::LibraryUnusable,
            "Use the image that is made for this PostgreSQL and this machine".to_owned(),
        ),
        Failure::Unloadable { .. } => (Code::LibraryUnusable, "Use an image whose library can be loaded here".to_owned()),
        Failure::NotOffered
        | Failure::NoUpdatePath { .. }
        | Failure::LibraryMissing { .. }
        | Failure::Requires { .. }
        | Failure::NotPreloaded { .. }
        | Failure::ControlFile
        | Failure::SchemaAbsent { .. }
        | Failure::RoleAbsent { .. }
        | Failure::TablespaceAbsent { .. }
        | Failure::Needed
        | Failure::Privilege
        | Failure::FixedSchema { .. }
        | Failure::NotMovable
        | Failure::OtherDatabase { .. }
        | Failure::InTheWay
        | Failure::ScriptLacks
        | Failure::ManagedElsewhere { .. }
        | Failure::Locale
        | Failure::InUse => return None,
    };
    Some((code, text))
}
