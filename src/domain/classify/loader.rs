//! What the dynamic loader says about a library (glibc `elf/dl-load.c`, `elf/dl-version.c`, `elf/dl-lookup.c`; musl
//! `ldso/dynlink.c`).

use std::sync::LazyLock;

use regex::Regex;

use super::{Failure, groups, pattern};

static LOAD: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"could not load library "([^"]+)": ([^\n]+)"#));
static SQLSTATE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"^(.*?) ?\(SQLSTATE \w+\)"));
static NEEDS: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r#"^(?:(\S+): )?version [`'"‘]([^`'"’]+)['"’] not found(?: \(required by ([^)]+)\))?"#));
static LINKED: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"^(?:(\S+): )?symbol (\S+),? version (\S+) not defined in file (\S+) with link time reference"));
static SYMBOL: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"undefined symbol: ([^\s,]+)"));
static RELOCATING: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"^Error relocating (\S+): (\S+): symbol not found"));
static OPEN: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"^(\S+): cannot open shared object file: (.+)$"));
static LOADING: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"^Error loading shared library (\S+): (.+?)(?: \(needed by (\S+)\))?$"));

/// What the loader says in an error of PostgreSQL; `None` when the error is not of the loader. A reason of which nothing is
/// known is told as it is.
pub(super) fn classify(message: &str) -> Option<Failure> {
    let [library, why] = groups(&LOAD, message)?;
    let why = match groups(&SQLSTATE, &why) {
        Some([why]) => why,
        None => why,
    };
    let of = |blamed: &str| if blamed.is_empty() { library.clone() } else { blamed.to_owned() };
    if let Some([found, version, by]) = groups(&NEEDS, &why) {
        return Some(too_old(of(&by), found, version));
    }
    if let Some([by, _, version, found]) = groups(&LINKED, &why) {
        return Some(too_old(of(&by), found, version));
    }
    if let Some([symbol]) = groups(&SYMBOL, &why) {
        return Some(Failure::Symbol { symbol });
    }
    if let Some([_, symbol]) = groups(&RELOCATING, &why) {
        return Some(Failure::Symbol { symbol });
    }
    let blamed = why.split_once(": ").map_or("", |(blamed, _)| blamed);
    let says = |words: &[&str]| words.iter().any(|word| why.contains(word));
    // A mount with `noexec` refuses to map what is to be executed.
    if says(&["failed to map segment", "Operation not permitted"]) {
        return Some(Failure::NotExecutable { library: of(blamed) });
    }
    if says(&["wrong ELF class", "Exec format error"]) {
        return Some(Failure::Architecture { library: of(blamed) });
    }
    if says(&["invalid ELF header", "file too short", "cannot read file data"]) {
        return Some(Failure::NoModule { library: of(blamed) });
    }
    let opened = groups(&OPEN, &why).or_else(|| groups::<3>(&LOADING, &why).map(|[file, why, _]| [file, why]));
    if let Some([file, errno]) = opened {
        let is_absent = errno.contains("No such file");
        return Some(match file == library {
            // The server has seen the file: glibc says so of a file for another machine.
            true if is_absent => Failure::Architecture { library },
            false if is_absent => Failure::SystemLibrary { library, missing: file },
            _ if errno.contains("ermission denied") => Failure::NotReadable { library: file },
            _ => Failure::Unloadable { library, why },
        });
    }
    Some(Failure::Unloadable { library, why })
}

/// Versions of libc begin with its own name; those of any other library do not.
fn too_old(library: String, found: String, version: String) -> Failure {
    if version.starts_with("GLIBC_") {
        Failure::LibcTooOld { library, version }
    } else {
        Failure::LibraryTooOld { library, found, version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: &str = "/extensions/foo/lib/foo.so";

    fn said(why: &str) -> Option<Failure> {
        let plain = classify(&format!("FATAL:  could not load library \"{P}\": {why}"));
        let refused = classify(&format!(
            "while creating extension: ERROR: could not load library \"{P}\": {why} (SQLSTATE 58P01)"
        ));
        assert_eq!(plain, refused);
        plain
    }

    // C03: no path can help there.
    #[test]
    fn c03_newer_glibc_is_no_missing_library() {
        for (file, version) in [("libc.so.6", "GLIBC_2.34"), ("libm.so.6", "GLIBC_2.38")] {
            let why = format!("/lib/x86_64-linux-gnu/{file}: version `{version}' not found (required by {P})");
            let (library, version) = (P.to_owned(), version.to_owned());
            assert_eq!(said(&why), Some(Failure::LibcTooOld { library, version }));
        }
    }

    #[test]
    fn a_system_library_that_is_found_first_and_too_old_is_named() {
        let too_old = |by: &str, found: &str, version: &str| {
            let [library, found, version] = [by, found, version].map(str::to_owned);
            Some(Failure::LibraryTooOld { library, found, version })
        };
        let why =
            "/lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /extensions/foo/system/libgeos.so.3)";
        assert_eq!(
            said(why),
            too_old(
                "/extensions/foo/system/libgeos.so.3",
                "/lib/x86_64-linux-gnu/libstdc++.so.6",
                "GLIBCXX_3.4.32"
            )
        );
        let why = "/extensions/foo/lib/foo.so: symbol curl_easy_nextheader, version CURL_OPENSSL_4 not defined in file libcurl.so.4 with link time reference";
        assert_eq!(said(why), too_old(P, "libcurl.so.4", "CURL_OPENSSL_4"));
    }

    #[test]
    fn each_reason_of_the_loader_is_read_for_what_it_is() {
        let library = || P.to_owned();
        let symbol = |symbol: &str| Failure::Symbol { symbol: symbol.to_owned() };
        let missing = |missing: &str| Failure::SystemLibrary {
            library: library(),
            missing: missing.to_owned(),
        };
        let geos = || "/extensions/geo/system/libgeos.so".to_owned();
        for (why, failure) in [
            (
                format!("{P}: failed to map segment from shared object"),
                Failure::NotExecutable { library: library() },
            ),
            (
                format!("{P}: failed to map segment from shared object: Operation not permitted"),
                Failure::NotExecutable { library: library() },
            ),
            (
                format!("{P}: wrong ELF class: ELFCLASS32"),
                Failure::Architecture { library: library() },
            ),
            (
                format!("{P}: cannot open shared object file: Exec format error"),
                Failure::Architecture { library: library() },
            ),
            (
                format!("{P}: cannot open shared object file: No such file or directory"),
                Failure::Architecture { library: library() },
            ),
            (
                format!("{P}: cannot open shared object file: Permission denied"),
                Failure::NotReadable { library: library() },
            ),
            (
                format!("{}: cannot open shared object file: Permission denied", geos()),
                Failure::NotReadable { library: geos() },
            ),
            (format!("{P}: invalid ELF header"), Failure::NoModule { library: library() }),
            (
                "libproj.so.25: cannot open shared object file: No such file or directory".to_owned(),
                missing("libproj.so.25"),
            ),
            (
                format!("Error loading shared library libproj.so.25: No such file or directory (needed by {P})"),
                missing("libproj.so.25"),
            ),
            (format!("{P}: undefined symbol: palloc0_mul"), symbol("palloc0_mul")),
            (format!("{P}: undefined symbol: proj_area, version PROJ_9"), symbol("proj_area")),
            (format!("Error relocating {P}: proj_area: symbol not found"), symbol("proj_area")),
        ] {
            assert_eq!(said(&why), Some(failure), "{why}");
        }
    }

    #[test]
    fn a_reason_that_nobody_knows_is_told_as_it_is() {
        let why = format!("{P}: cannot allocate memory in static TLS block");
        let failure = said(&why);
        let library = P.to_owned();
        assert_eq!(failure, Some(Failure::Unloadable { library, why }));
        assert_eq!(classify("could not access file \"foo\": No such file or directory"), None);
    }
}
