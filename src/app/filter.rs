//! What is typed into a filter line: words that all must match. What a word means, and which words mean nothing.

use std::cmp::Ordering;

use crate::domain::ladder::RungState;
use crate::domain::outline::Outline;
use crate::domain::versions::order;

/// The words for states, as they are typed after `state:`.
const STATES: [(&str, RungState); 6] = [
    ("broken", RungState::Broken),
    ("progress", RungState::InProgress),
    ("in-progress", RungState::InProgress),
    ("unknown", RungState::Unknown),
    ("holds", RungState::Holds),
    ("not-applicable", RungState::NotApplicable),
];

/// What a filter is asked about: a cluster, or an entry of one.
pub trait Candidate {
    /// What plain words are looked for in.
    fn text(&self) -> String;

    /// The namespace.
    fn namespace(&self) -> &str;

    /// The state that its row has.
    fn state(&self) -> RungState;

    /// The entries that it has.
    fn entries(&self) -> &[Outline];
}

/// A filter: its text, and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    text: String,
    words: Vec<Word>,
    mistakes: Vec<String>,
}

/// A word of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    /// It must not match.
    is_not: bool,
    term: Term,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    /// In lower case.
    Text(String),
    State(RungState),
    Namespace(String),
    Entry(String, Option<Version>),
}

/// A condition for an installed version.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Version {
    /// It is not known which one is installed.
    Unknown,
    /// One that compares so with this one is installed.
    Compared(&'static [Ordering], String),
}

impl Filter {
    /// Reads a text. Words that mean nothing are left out, and are mistakes.
    pub fn parse(text: &str) -> Self {
        let mut filter = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        for word in text.split_whitespace() {
            let (is_not, positive) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
            match term(positive) {
                Ok(term) => filter.words.push(Word { is_not, term }),
                Err(why) => filter.mistakes.push(why),
            }
        }
        filter
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What is wrong with words that were left out, each in a sentence.
    pub fn mistakes(&self) -> &[String] {
        &self.mistakes
    }

    /// Every word that means something matches.
    pub fn passes(&self, candidate: &impl Candidate) -> bool {
        self.words.iter().all(|word| word.term.is_met(candidate) != word.is_not)
    }
}

fn term(word: &str) -> Result<Term, String> {
    match word.split_once(':') {
        Some(("state", name)) => state(name),
        Some(("ns", "")) => Err("ns: needs a namespace".to_owned()),
        Some(("ns", namespace)) => Ok(Term::Namespace(namespace.to_owned())),
        Some(("entry", condition)) => entry(condition),
        _ if word.is_empty() => Err("! needs a word".to_owned()),
        // A colon is in every image.
        _ => Ok(Term::Text(word.to_lowercase())),
    }
}

fn state(name: &str) -> Result<Term, String> {
    let known = STATES.iter().find(|(word, _)| *word == name);
    known.map(|(_, state)| Term::State(*state)).ok_or_else(|| {
        let mut words: Vec<&str> = STATES.iter().map(|(word, _)| *word).collect();
        // The word of documents is accepted as well.
        words.retain(|word| *word != "in-progress");
        format!("unknown state '{name}'; states are {}", words.join(", "))
    })
}

/// `NAME`, or `NAME`, an operator and a version.
fn entry(condition: &str) -> Result<Term, String> {
    const OPERATORS: [(&str, &[Ordering]); 5] = [
        ("<=", &[Ordering::Less, Ordering::Equal]),
        (">=", &[Ordering::Greater, Ordering::Equal]),
        ("<", &[Ordering::Less]),
        (">", &[Ordering::Greater]),
        ("=", &[Ordering::Equal]),
    ];
    let at = condition.find(['<', '>', '=']).unwrap_or(condition.len());
    let (name, rest) = condition.split_at_checked(at).unwrap_or((condition, ""));
    if name.is_empty() {
        return Err("entry: needs the name of an entry".to_owned());
    }
    let operator = OPERATORS
        .iter()
        .find_map(|(sign, wanted)| Some((*sign, *wanted, rest.strip_prefix(sign)?)));
    let version = match operator {
        None => None,
        Some((sign, _, "")) => return Err(format!("entry:{name}{sign} needs a version")),
        Some(("=", _, "?")) => Some(Version::Unknown),
        Some((sign, _, "?")) => return Err(format!("entry:{name}{sign}? compares with nothing; an unknown version is =?")),
        Some((_, wanted, version)) => Some(Version::Compared(wanted, version.to_owned())),
    };
    Ok(Term::Entry(name.to_owned(), version))
}

impl Term {
    fn is_met(&self, candidate: &impl Candidate) -> bool {
        match self {
            Self::Text(text) => candidate.text().to_lowercase().contains(text),
            Self::State(state) => candidate.state() == *state,
            Self::Namespace(namespace) => candidate.namespace() == namespace,
            Self::Entry(name, version) => {
                let mut named = candidate.entries().iter().filter(|outline| *outline.entry == **name);
                named.any(|outline| version.as_ref().is_none_or(|version| version.is_met(outline)))
            }
        }
    }
}

impl Version {
    fn is_met(&self, outline: &Outline) -> bool {
        let mut installed = outline.installed.iter();
        match self {
            Self::Unknown => outline.is_unseen,
            Self::Compared(wanted, version) => {
                installed.any(|there| compared(&there.version, version).is_some_and(|order| wanted.contains(&order)))
            }
        }
    }
}

/// How an installed version compares with another one, if they have an order: what is no number is equal to itself alone.
fn compared(installed: &str, other: &str) -> Option<Ordering> {
    let is_plain = |version: &str| {
        version
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    match order(installed, other) {
        Ordering::Equal => (installed == other || (is_plain(installed) && is_plain(other))).then_some(Ordering::Equal),
        order => Some(order),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::catalog::Origin;
    use crate::domain::ladder::{DatabaseRow, Ladder, NamesFrom};

    struct Thing {
        name: String,
        namespace: String,
        state: RungState,
        entries: Vec<Outline>,
    }

    impl Candidate for Thing {
        fn text(&self) -> String {
            format!("{}/{}", self.namespace, self.name)
        }

        fn namespace(&self) -> &str {
            &self.namespace
        }

        fn state(&self) -> RungState {
            self.state
        }

        fn entries(&self) -> &[Outline] {
            &self.entries
        }
    }

    /// An entry with these installed versions; an empty one is not known.
    fn entry(name: &str, versions: &[&str]) -> Outline {
        let rows = versions.iter().map(|version| DatabaseRow {
            database: "app".to_owned(),
            object: None,
            extension: name.to_owned(),
            is_requested: false,
            requested: None,
            installed: (!version.is_empty()).then(|| (*version).to_owned()),
            unknown: version.is_empty().then(|| "it was not asked".into()),
            available: None,
            update_path: None,
            message: None,
            fresh: true,
        });
        Outline::of(&Ladder {
            entry: name.to_owned(),
            origin: Origin::Cluster,
            reference: None,
            sql_names: Vec::new(),
            names_from: NamesFrom::ControlFiles,
            rungs: Vec::new(),
            databases: rows.collect(),
        })
    }

    fn orders() -> Thing {
        Thing {
            name: "orders".to_owned(),
            namespace: "shop".to_owned(),
            state: RungState::Broken,
            entries: vec![
                entry("pgvector", &["0.8.5", "0.8.6"]),
                entry("hstore", &["1.8"]),
                entry("foo", &[""]),
            ],
        }
    }

    fn passes(text: &str) -> bool {
        let filter = Filter::parse(text);
        assert!(filter.mistakes().is_empty(), "{text}: {:?}", filter.mistakes());
        filter.passes(&orders())
    }

    #[test]
    fn all_words_must_match() {
        for (text, expected) in [
            ("", true),
            ("ORD", true),
            ("shop/ord", true),
            ("ord bill", false),
            ("!bill ord", true),
            ("!ord", false),
            ("state:broken", true),
            ("state:progress", false),
            ("!state:holds ns:shop", true),
            ("ns:sho", false),
            ("entry:hstore", true),
            ("entry:vector", false),
            ("!entry:postgis", true),
        ] {
            assert_eq!(passes(text), expected, "{text}");
        }
    }

    #[test]
    fn an_installed_version_is_compared_and_an_unknown_one_only_asked_for() {
        for (text, expected) in [
            ("entry:pgvector<0.8.6", true),
            ("entry:pgvector<0.8.5", false),
            ("entry:pgvector<=0.8.5", true),
            ("entry:pgvector>=0.8.6", true),
            ("entry:pgvector>0.8.6", false),
            ("entry:pgvector=0.8.6", true),
            ("entry:hstore=1.8.0", true),
            ("entry:hstore<1.10", true),
            ("entry:hstore=?", false),
            ("entry:foo=?", true),
            ("entry:foo>=0", false),
            ("entry:foo<9", false),
            ("entry:foo=1", false),
        ] {
            assert_eq!(passes(text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_without_meaning_is_said_and_filters_nothing() {
        for (text, said) in [
            (
                "state:brok",
                "unknown state 'brok'; states are broken, progress, unknown, holds, not-applicable",
            ),
            ("!", "! needs a word"),
            ("ns:", "ns: needs a namespace"),
            ("entry:", "entry: needs the name of an entry"),
            ("entry:<1", "entry: needs the name of an entry"),
            ("entry:foo<=", "entry:foo<= needs a version"),
            ("entry:foo>?", "entry:foo>? compares with nothing; an unknown version is =?"),
        ] {
            let filter = Filter::parse(text);
            assert_eq!(filter.mistakes(), [said]);
            assert!(filter.passes(&orders()), "{text}");
        }
    }

    fn word() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z/]{1,3}",
            prop::sample::select(STATES.to_vec()).prop_map(|(word, _)| format!("state:{word}")),
            "(shop|bank)".prop_map(|namespace| format!("ns:{namespace}")),
            "entry:(pgvector|hstore|foo)((<|<=|=|>=|>)[0-2](\\.[0-9]){0,2}|=\\?)?",
        ]
    }

    proptest! {
        #[test]
        fn words_are_a_conjunction_and_a_mark_turns_one_around(one in word(), other in word()) {
            prop_assert_eq!(passes(&format!("{one} {other}")), passes(&one) && passes(&other));
            prop_assert_eq!(passes(&format!("!{one}")), !passes(&one));
        }

        #[test]
        fn what_is_typed_on_the_way_to_a_word_never_fails(text in "[!a-z:<>=?. ]{0,16}", one in word()) {
            let filter = Filter::parse(&text);
            prop_assert_eq!(filter.text(), &text);
            // Whatever has no meaning changes nothing.
            let valid: Vec<&str> = text.split_whitespace().filter(|word| Filter::parse(word).mistakes().is_empty()).collect();
            let valid = format!("{} {one}", valid.join(" "));
            prop_assert_eq!(Filter::parse(&format!("{text} {one}")).passes(&orders()), passes(&valid));
        }

        #[test]
        fn versions_are_lower_equal_or_higher(there in "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}", wanted in "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}") {
            let thing = Thing { entries: vec![entry("foo", &[&there])], ..orders() };
            let holds = |sign: &str| Filter::parse(&format!("entry:foo{sign}{wanted}")).passes(&thing);
            let each = ["<", "=", ">"].map(holds);
            prop_assert_eq!(each.iter().filter(|holds| **holds).count(), 1);
            prop_assert_eq!(holds("<="), each[0] || each[1]);
            prop_assert_eq!(holds(">="), each[1] || each[2]);
            prop_assert!(!holds("=?") || wanted == "?");
        }
    }
}
