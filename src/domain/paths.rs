//! Effective paths, element by element, with the entry that contributes each.

use super::extension::{ExtensionEntry, MOUNT_ROOT};

/// A path that entries contribute to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathSetting {
    /// `extension_control_path`.
    ExtensionControlPath,
    /// `dynamic_library_path`.
    DynamicLibraryPath,
    /// `LD_LIBRARY_PATH` of the postmaster.
    LdLibraryPath,
    /// `PATH` of the postmaster.
    Path,
}

impl PathSetting {
    /// Name of the setting or variable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExtensionControlPath => "extension_control_path",
            Self::DynamicLibraryPath => "dynamic_library_path",
            Self::LdLibraryPath => "LD_LIBRARY_PATH",
            Self::Path => "PATH",
        }
    }
}

/// One element of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathElement {
    /// Its text, e.g. `$system` or `/extensions/foo/share`.
    pub text: String,
    /// The entry that contributes it; `None` for `$system`, `$libdir` and the user's own.
    pub entry: Option<String>,
}

/// The elements that the operator writes for these entries, in this order (CNPG `pkg/postgres/configuration.go`), with the
/// user's own value of the parameter last. Empty when there are no entries and no user value.
///
/// For `LD_LIBRARY_PATH` and `PATH` only what entries add: whatever the image sets stands before it.
pub fn expected(setting: PathSetting, entries: &[ExtensionEntry], user: Option<&str>) -> Vec<PathElement> {
    let mut elements = Vec::new();
    let prefix = match setting {
        PathSetting::ExtensionControlPath => Some("$system"),
        PathSetting::DynamicLibraryPath => Some("$libdir"),
        PathSetting::LdLibraryPath | PathSetting::Path => None,
    };
    if !entries.is_empty() {
        elements.extend(prefix.map(|text| PathElement {
            text: text.to_owned(),
            entry: None,
        }));
    }
    for entry in entries {
        elements.extend(of_entry(setting, entry).into_iter().map(|text| PathElement {
            text,
            entry: Some(entry.name.clone()),
        }));
    }
    if prefix.is_some() {
        elements.extend(split(user.unwrap_or_default()).map(|text| PathElement {
            text: text.to_owned(),
            entry: None,
        }));
    }
    elements
}

/// The elements that one entry contributes. What leaves the mount is left out, as the instance manager does.
pub fn of_entry(setting: PathSetting, entry: &ExtensionEntry) -> Vec<String> {
    let (own, default): (&[String], &[&str]) = match setting {
        PathSetting::ExtensionControlPath => (&entry.control_paths, &["share"]),
        PathSetting::DynamicLibraryPath => (&entry.library_paths, &["lib"]),
        PathSetting::LdLibraryPath => (&entry.ld_paths, &[]),
        PathSetting::Path => (&entry.bin_paths, &[]),
    };
    let mount = entry.mount_path();
    if own.is_empty() {
        default.iter().filter_map(|path| join(&mount, path)).collect()
    } else {
        own.iter().filter_map(|path| join(&mount, path)).collect()
    }
}

/// A path below the mount, cleaned as Go's `filepath.Join` does; `None` when it leaves the mount.
pub fn join(mount: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            // Leaving and coming back (`../foo/lib`) leaves, too: the operator compares with the mount.
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.iter().fold(mount.to_owned(), |joined, part| format!("{joined}/{part}")))
}

/// An element of a path is in the mount of an entry: the mount itself, which `.` and `/` of an entry mean, or below it.
pub fn is_in_mount(element: &str, entry: &str) -> bool {
    let below = element.strip_prefix(MOUNT_ROOT).and_then(|rest| rest.strip_prefix('/'));
    below
        .and_then(|rest| rest.strip_prefix(entry))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The entry whose mount an element of a path, or a file, is in.
pub fn mount_of(element: &str) -> Option<&str> {
    let below = element.strip_prefix(MOUNT_ROOT)?.strip_prefix('/')?;
    below.split('/').next().filter(|entry| !entry.is_empty())
}

/// The elements of a live value; empty ones mean nothing.
pub fn split(value: &str) -> impl Iterator<Item = &str> {
    value.split(':').map(str::trim).filter(|element| !element.is_empty())
}

/// How a live value compares with what is expected, element by element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRow {
    /// The element.
    pub element: PathElement,
    /// It is expected.
    pub expected: bool,
    /// It stands in the live value; `None` when that cannot be read.
    pub live: Option<bool>,
}

/// Compares expected elements with a live value (`None`: not readable). Expected elements come first, in their order;
/// what else is live follows. An expected element that stands out of order is not live where it belongs.
pub fn compare(expected: &[PathElement], live: Option<&str>) -> Vec<PathRow> {
    let Some(live) = live else {
        return expected
            .iter()
            .map(|element| PathRow {
                element: element.clone(),
                expected: true,
                live: None,
            })
            .collect();
    };
    let live: Vec<&str> = split(live).collect();
    let mut used = vec![false; live.len()];
    let mut from = 0;
    let mut rows: Vec<PathRow> = Vec::new();
    for element in expected {
        let found = live
            .iter()
            .enumerate()
            .skip(from)
            .find(|(_, text)| **text == element.text)
            .map(|(at, _)| at);
        if let Some(at) = found {
            from = at + 1;
            if let Some(used) = used.get_mut(at) {
                *used = true;
            }
        }
        rows.push(PathRow {
            element: element.clone(),
            expected: true,
            live: Some(found.is_some()),
        });
    }
    let others = live.iter().zip(&used).filter(|(_, used)| !**used).map(|(text, _)| PathRow {
        element: PathElement {
            text: (*text).to_owned(),
            entry: None,
        },
        expected: false,
        live: Some(true),
    });
    rows.extend(others);
    rows
}

/// Whether the wanted elements stand in a live value, in their order.
pub fn contains_in_order(live: &str, wanted: &[String]) -> bool {
    let mut live = split(live);
    wanted.iter().all(|element| live.any(|found| found == element))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(name: &str, control: &[&str], library: &[&str]) -> ExtensionEntry {
        ExtensionEntry {
            control_paths: control.iter().map(ToString::to_string).collect(),
            library_paths: library.iter().map(ToString::to_string).collect(),
            ..ExtensionEntry::new(name, "image")
        }
    }

    fn joined(setting: PathSetting, entries: &[ExtensionEntry], user: Option<&str>) -> String {
        let texts: Vec<String> = expected(setting, entries, user).into_iter().map(|element| element.text).collect();
        texts.join(":")
    }

    // The vectors of CNPG's `pkg/postgres/configuration_test.go`.
    #[test]
    fn the_operators_own_test_vectors_hold() {
        use PathSetting::{DynamicLibraryPath as Library, ExtensionControlPath as Control};
        let two = [entry("postgis", &[], &[]), entry("pgvector", &[], &[])];
        assert_eq!(joined(Control, &[], None), "");
        assert_eq!(
            joined(Control, &two, None),
            "$system:/extensions/postgis/share:/extensions/pgvector/share"
        );
        assert_eq!(
            joined(Library, &two, None),
            "$libdir:/extensions/postgis/lib:/extensions/pgvector/lib"
        );
        assert!(joined(Control, &two, Some("/my/extension/path")).ends_with("/pgvector/share:/my/extension/path"));
        assert!(joined(Library, &two, Some("/my/library/path")).ends_with("/pgvector/lib:/my/library/path"));
        let geo = [entry(
            "geo",
            &["postgis/share", "./pgrouting/share"],
            &["postgis/lib/", "/pgrouting/lib/"],
        )];
        assert_eq!(
            joined(Control, &geo, None),
            "$system:/extensions/geo/postgis/share:/extensions/geo/pgrouting/share"
        );
        assert_eq!(
            joined(Library, &geo, None),
            "$libdir:/extensions/geo/postgis/lib:/extensions/geo/pgrouting/lib"
        );
        let escaping = [entry("postgis", &["share", "../../etc"], &["lib", "../mount/lib"])];
        assert_eq!(joined(Control, &escaping, None), "$system:/extensions/postgis/share");
        assert_eq!(joined(Library, &escaping, None), "$libdir:/extensions/postgis/lib");
    }

    #[test]
    fn without_entries_only_the_users_own_value_counts() {
        assert_eq!(joined(PathSetting::DynamicLibraryPath, &[], Some("/my/path")), "/my/path");
    }

    #[test]
    fn underscores_stay_in_the_mount_path() {
        assert_eq!(
            joined(PathSetting::DynamicLibraryPath, &[entry("pg_ivm", &[], &[])], None),
            "$libdir:/extensions/pg_ivm/lib"
        );
    }

    #[test]
    fn an_element_out_of_order_is_not_live_where_it_belongs() {
        let wanted = expected(PathSetting::DynamicLibraryPath, &[entry("a", &[], &[]), entry("b", &[], &[])], None);
        let rows = compare(&wanted, Some("$libdir:/extensions/b/lib:/extensions/a/lib"));
        let told: Vec<(&str, bool, Option<bool>)> = rows.iter().map(|row| (row.element.text.as_str(), row.expected, row.live)).collect();
        assert_eq!(
            told,
            [
                ("$libdir", true, Some(true)),
                ("/extensions/a/lib", true, Some(true)),
                ("/extensions/b/lib", true, Some(false)),
                ("/extensions/b/lib", false, Some(true)),
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_neither_there_nor_missing() {
        let wanted = expected(PathSetting::DynamicLibraryPath, &[entry("a", &[], &[])], None);
        assert!(compare(&wanted, None).iter().all(|row| row.live.is_none()));
    }

    proptest! {
        #[test]
        fn a_joined_path_stays_below_the_mount(path in "[a-z./]{0,24}") {
            if let Some(joined) = join("/extensions/foo", &path) {
                // D18: what an entry contributes is in its own mount.
                prop_assert!(is_in_mount(&joined, "foo") && !is_in_mount(&joined, "fo"));
                prop_assert!(joined == "/extensions/foo" || joined.starts_with("/extensions/foo/"));
                prop_assert!(!joined.contains("/../") && !joined.ends_with("/..") && !joined.contains("//"));
            }
        }

        #[test]
        fn what_was_written_is_found_as_expected(names in proptest::collection::vec("[a-z][a-z0-9]{0,5}", 0..5)) {
            let entries: Vec<_> = names.iter().map(|name| entry(name, &[], &[])).collect();
            let wanted = expected(PathSetting::ExtensionControlPath, &entries, None);
            let live = joined(PathSetting::ExtensionControlPath, &entries, None);
            prop_assert!(compare(&wanted, Some(&live)).iter().all(|row| row.expected && row.live == Some(true)));
        }
    }
}
