//! Image references: registry, repository, tag and digest, and what the tags of official images tell.

use std::sync::LazyLock;

use regex::Regex;

// One component of a repository, a tag and a digest as the OCI distribution specification spells them.
const COMPONENT: &str = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*";
const HOST: &str =
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?";

static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(
        r"^(?<repository>(?:{HOST}/)?{COMPONENT}(?:/{COMPONENT})*)(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?(?:@(?<digest>[a-z0-9]+:[0-9a-f]{{32,}}))?$"
    ))
    .ok()
});

// `<extension version>[-<time stamp>]-<PostgreSQL major>-<distribution>` (facts of `postgres-extensions-containers`, README "Naming & Tagging").
static EXTENSION_TAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?<version>v?[0-9][0-9A-Za-z._\-]*?)(?:-(?<stamp>[0-9]{12}))?-(?<major>[0-9]{2})-(?<distribution>[a-z]+[0-9]*)$").ok()
});
// `<PostgreSQL version>[-<version of more, or time stamp>][-<type>]-<distribution>` (postgres-containers, README "Image tags").
static OPERAND_TAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^[0-9]{2}(?:\.[0-9]+|(?:alpha|beta|rc)[0-9]+)?(?:-[0-9][0-9.]*)*(?:-(?:minimal|standard|system))?-(?<distribution>[a-z]+[0-9]*)$",
    )
    .ok()
});

/// The first major version that images are made for.
const FIRST_MAJOR: u32 = 13;

/// An image reference, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Registry and repository.
    pub repository: String,
    /// Tag, if any.
    pub tag: Option<String>,
    /// Digest, if any, e.g. `sha256:…`.
    pub digest: Option<String>,
}

impl Reference {
    /// Takes a reference apart. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = REFERENCE
            .as_ref()
            .and_then(|regex| regex.captures(text))
            .ok_or_else(|| format!("'{text}' is not an image reference; one looks like registry.example/pgvector:0.8.1-18-trixie"))?;
        let part = |name: &str| parts.name(name).map(|part| part.as_str().to_owned());
        Ok(Self {
            repository: part("repository").unwrap_or_default(),
            tag: part("tag"),
            digest: part("digest"),
        })
    }

    /// The last part of the repository and the tag: what fits into a column.
    pub fn short(&self) -> String {
        let name = self.repository.rsplit('/').next().unwrap_or_default();
        match (&self.tag, &self.digest) {
            (Some(tag), _) => format!("{name}:{tag}"),
            (None, Some(digest)) => format!("{name}@{}", digest.chars().take(19).collect::<String>()),
            (None, None) => name.to_owned(),
        }
    }
}

/// What the tag of an official extension image tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionTag {
    /// Version of the extension's package.
    pub version: String,
    /// PostgreSQL major version that it is built for.
    pub major: u32,
    /// Distribution, e.g. `trixie`.
    pub distribution: String,
    /// When the image was built, as `2025-09-22 12:15` in UTC, if the tag tells.
    pub built: Option<String>,
}

/// Reads the tag of an extension image; `None` when it does not follow the official scheme.
pub fn extension_tag(tag: &str) -> Option<ExtensionTag> {
    let parts = EXTENSION_TAG.as_ref()?.captures(tag)?;
    let is_major = |text: &str| text.parse().is_ok_and(|major: u32| major >= FIRST_MAJOR);
    let part = |name: &str| parts.name(name).map(|part| part.as_str());
    let (version, major, distribution) = (part("version")?, part("major")?, part("distribution")?);
    // Where the version may be PostgreSQL's as well, `18-16-trixie` may be meant either way.
    if !is_distribution(distribution) || !is_major(major) || is_major(version) {
        return None;
    }
    Some(ExtensionTag {
        version: version.to_owned(),
        major: major.parse().ok()?,
        distribution: distribution.to_owned(),
        built: parts.name("stamp").and_then(|stamp| built(stamp.as_str())),
    })
}

/// `YYYYMMDDhhmm` as people write it.
fn built(stamp: &str) -> Option<String> {
    let part = |from, to| stamp.get(from..to);
    Some(format!(
        "{}-{}-{} {}:{}",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?
    ))
}

/// PostgreSQL's major version in the tag of an operand image, e.g. 18 of `18.6-minimal-trixie`.
pub fn operand_major(tag: &str) -> Option<u32> {
    tag.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Distributions that images are made on (tags of postgres-containers, "Image types"). Any other word of a tag tells nothing.
const DISTRIBUTIONS: [&str; 9] = ["bullseye", "bookworm", "trixie", "forky", "jammy", "noble", "ubi8", "ubi9", "ubi10"];

/// The word is the name of a distribution.
fn is_distribution(word: &str) -> bool {
    DISTRIBUTIONS.contains(&word)
}

/// Distribution in the tag of an operand image, e.g. `trixie` of `18.6-minimal-trixie`; `None` when the tag does not follow
/// the official scheme.
pub fn operand_distribution(tag: &str) -> Option<&str> {
    let parts = OPERAND_TAG.as_ref()?.captures(tag)?;
    let last = parts.name("distribution")?.as_str();
    is_distribution(last).then_some(last)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_reference_with_port_tag_and_digest_is_taken_apart() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let parsed = Reference::parse(&format!("registry.example:5000/team/pgvector:0.8.1-18-trixie@{digest}")).unwrap();
        assert_eq!(parsed.repository, "registry.example:5000/team/pgvector");
        assert_eq!(parsed.tag.as_deref(), Some("0.8.1-18-trixie"));
        assert_eq!(parsed.digest, Some(digest));
        assert_eq!(parsed.short(), "pgvector:0.8.1-18-trixie");
    }

    #[test]
    fn the_tag_of_an_operand_image_begins_with_the_major_version() {
        for (tag, major) in [
            ("18.6-minimal-trixie", Some(18)),
            ("13", Some(13)),
            ("latest", None),
            ("", None),
            ("99999999999", None),
        ] {
            assert_eq!(operand_major(tag), major, "{tag}");
        }
    }

    #[test]
    fn what_no_registry_would_take_is_refused() {
        for bad in [
            "",
            "Foo:1",
            "foo bar",
            "foo:",
            "foo@sha256:short",
            "https://registry.example/foo",
            "/foo",
            "foo//bar",
            "foo:1:2",
        ] {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_tag_of_an_official_image_tells_version_major_and_distribution() {
        for (tag, version, built) in [
            ("0.8.5-18-bookworm", "0.8.5", None),
            ("0.8.1-202509221215-18-trixie", "0.8.1", Some("2025-09-22 12:15")),
            ("1-6.1.0-18-trixie", "1-6.1.0", None),
        ] {
            let told = extension_tag(tag).unwrap();
            assert_eq!((told.version.as_str(), told.major), (version, 18), "{tag}");
            assert_eq!(told.built.as_deref(), built, "{tag}");
        }
        assert_eq!(extension_tag("1.0"), None);
        assert_eq!(operand_distribution("18.6-minimal-bookworm"), Some("bookworm"));
        assert_eq!(operand_distribution("18"), None);
    }

    #[test]
    fn n03_real_mismatch_is_read_from_tags_of_the_scheme() {
        for (tag, version, major) in [
            ("1.0-17-trixie", "1.0", 17),
            ("2.1.0-rc1-18-trixie", "2.1.0-rc1", 18),
            ("v0.5.0-18-bookworm", "v0.5.0", 18),
            ("2.1.0-20261101093000-18-trixie", "2.1.0-20261101093000", 18),
            ("1-18-trixie", "1", 18),
        ] {
            let told = extension_tag(tag).unwrap();
            assert_eq!((told.version.as_str(), told.major), (version, major), "{tag}");
        }
        for (tag, distribution) in [
            ("18.6-standard-bookworm", "bookworm"),
            ("18-trixie", "trixie"),
            ("18.6-202611010930-minimal-trixie", "trixie"),
            ("19beta1-system-forky", "forky"),
            ("18-3.6-system-bookworm", "bookworm"),
        ] {
            assert_eq!(operand_distribution(tag), Some(distribution), "{tag}");
        }
    }

    #[test]
    fn c28_unofficial_tags_and_d30_own_operand_tags_tell_nothing() {
        for tag in [
            "1.0-1-alpine",
            "1.0-17-alpine",
            "18-3.2.4-trixie",
            "18-3-trixie",
            "18-16-trixie",
            "pg18-v2.1.0",
            "1.0-18-nightly",
            "latest",
        ] {
            assert_eq!(extension_tag(tag), None, "{tag}");
        }
        for tag in [
            "18-latest",
            "18.6-minimal-trixie-amd",
            "18-pg18.4-20261009",
            "18.6-internal",
            "18.6-20261101-nightly",
            "18-hardened-trixie",
            "trixie",
        ] {
            assert_eq!(operand_distribution(tag), None, "{tag}");
        }
    }
}
