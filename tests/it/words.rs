//! Every text that users read, held against the style page `.github/STYLE.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use extop::cli::options::Cli;
use regex::{Regex, RegexSet};

use super::architecture::{is_tests, sources};

/// Something that no text may say.
struct Rule {
    /// What is not said, as a regular expression over one line, without regard to case.
    banned: &'static str,
    /// Phrases that the expression matches and that are good English all the same.
    allowed: &'static [&'static str],
    /// What to write instead.
    instead: &'static str,
    /// A text that breaks the rule.
    bad: &'static str,
    /// The same text as it should be.
    good: &'static str,
}

const fn rule(banned: &'static str, instead: &'static str, bad: &'static str, good: &'static str) -> Rule {
    Rule {
        banned,
        allowed: &[],
        instead,
        bad,
        good,
    }
}

const RULES: &[Rule] = &[
    Rule {
        banned: r"\b(is|are|was|were|be|been) no\b",
        allowed: &[
            "there is no ",
            "there are no ",
            "there was no ",
            "there were no ",
            " no longer",
            " no more ",
        ],
        instead: "negate the verb: is not a ..; for a word of input: unknown .. 'x'; .. are ..",
        bad: "orders-2 is no ready standby",
        good: "orders-2 is not a ready standby",
    },
    rule(
        r"\banew\b",
        "again; of a pod: recreated",
        "the pod is made anew",
        "the pod is recreated",
    ),
    rule(
        r"\bwhom\b",
        "which",
        "whom an edit of it rolls",
        "which clusters an edit of it restarts",
    ),
    rule(
        r"\bmend(s|ed|ing)?\b",
        "fix, correct, repair",
        "mend that first",
        "fix that first (see Findings)",
    ),
    rule(
        r"\b(stands?|stood)\b",
        "is, is listed",
        "'foo' stands there twice",
        "'foo' is listed twice",
    ),
    rule(
        r"\b(tells?|told)\b",
        "says, shows, reports; of a missing answer: no data, no answer",
        "nothing was told",
        "no answer",
    ),
    rule(r"\blet(s|ting)? (\w+ )?go\b", "abandon", "let go of a run?", "abandon this run?"),
    rule(
        r"\blet(s|ting)? (the )?\w+ in\b",
        "accepts",
        "lets the user in",
        "accepts the credentials",
    ),
    rule(
        r"\b(to take|takes?|taking|taken) (it )?along\b",
        "for reference only: apply it where this part is managed",
        "this is text to take along",
        "for reference only",
    ),
    rule(
        r"\bwithout an end\b|\bfor ever\b",
        "forever",
        "the operator would wait for it without an end",
        "the operator would wait for it forever",
    ),
    rule(
        r"\bwithout a word\b",
        "and does not say so; without notice",
        "the operator waits without a word",
        "the operator waits and does not say so",
    ),
    rule(
        r"\b(be|is|are|was|were) (not )?to be had\b|\bbe had\b",
        "is not available; could not get",
        "credentials could not be had",
        "could not get credentials",
    ),
    rule(
        r"\b\w+n['’]t\b|\b(it|that|there|what|who|let|here)['’]s\b|\b\w+['’](re|ve|ll|d|m)\b",
        "no contractions",
        "it doesn't receive WAL",
        "it does not receive WAL",
    ),
    rule(
        r"\b(some|any|no|every)body\b|\b(some|any|every)one\b",
        "name who acts: the operator, extop, another user, Argo CD",
        "somebody has taken it back",
        "another user reverted it",
    ),
    rule(
        r"\b(go|goes|going|went|gone) on\b",
        "continue",
        "the run goes on with it",
        "the run continues with it",
    ),
    rule(
        r"\b(giv(e|es|en|ing)|gave) ((it|that|the \w+) )?up\b",
        "cancel, abandon, stop",
        "esc gives it up",
        "esc cancels it",
    ),
    rule(
        r"\btak(e|es|en|ing) (it |the \w+ )?(back|up)\b|\btaken up again\b",
        "revert; resume",
        "another user has taken it back",
        "another user reverted it",
    ),
    rule(
        r"\b(a|by) fault of extop\b",
        "internal error in extop (see the log)",
        "the watches have ended by a fault of extop",
        "internal error in extop (see the log): the watches have ended",
    ),
    rule(r"\blast words\b", "the last log line, the cause", "its last words", "the cause"),
    rule(
        r"\bnowhere\b",
        "is not found, is not in",
        "the library is nowhere",
        "the library was not found",
    ),
    rule(
        r"(?-i:\bWHAT (IS|WAS|IT)\b|\bHOW IT\b)",
        "a heading is a noun: MESSAGE, STATUS",
        "WHAT IS SO",
        "MESSAGE",
    ),
    rule(
        r"\bhow long is (not known|unknown)\b",
        "duration unknown: why",
        "writes stop; how long is not known",
        "writes stop; duration unknown: no instance has been recreated in this run yet",
    ),
    rule(
        r"^[^\w{]*(is |are )?not known[^\w{]*$",
        "unknown says what is missing",
        "? not known",
        "unknown: may not get pods/log in namespace shop",
    ),
    rule(r"\bat last\b", "then, last", "and at last the primary", "then the primary"),
    rule(
        r"\bin vain\b",
        "without success",
        "read again in vain",
        "read again without success",
    ),
    rule(r"\bstay apart\b", "do not collide", "names stay apart", "names do not collide"),
    rule(r"\bnames alone\b", "plain names", "they are names alone", "they are plain names"),
    rule(
        r"\bno way to write\b",
        "refuse all writes",
        "there is no way to write",
        "refuse all writes",
    ),
    rule(r"\bbegin(s|ning)? again\b", "start again", "begin again", "start again"),
    rule(
        r"✗",
        "× for checks, steps and errors, ! for broken rungs and phases",
        "✗ error",
        "× error",
    ),
];

/// A text that breaks a rule and stays, because its words are not ours or are the best ones.
struct Exception {
    /// The end of the place's path.
    file: &'static str,
    /// What the line has in it.
    text: &'static str,
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[Exception {
    file: "themes/high-contrast.toml",
    text: "eyes that tell red from green",
    reason: "to tell apart is what eyes do",
}];

/// A text that users read, and where it is.
struct Passage {
    place: String,
    /// The first line of the text in its file, counted from 1.
    line: usize,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The string literals of a Rust source with the lines where they begin; what is escaped is read as Rust does, as
/// far as it matters for words.
fn literals(code: &str) -> Vec<(usize, String)> {
    let characters: Vec<char> = code.chars().collect();
    let at = |place: usize| characters.get(place).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let (mut place, mut line) = (0, 1);
    while place < characters.len() {
        let begins = place;
        match (at(place), at(place + 1)) {
            ('/', '/') => {
                while place < characters.len() && at(place) != '\n' {
                    place += 1;
                }
            }
            ('/', '*') => {
                place += 2;
                while place < characters.len() && (at(place), at(place + 1)) != ('*', '/') {
                    place += 1;
                }
                place += 2;
            }
            ('\'', '\\') => {
                place += 3;
                while place < characters.len() && at(place) != '\'' {
                    place += 1;
                }
                place += 1;
            }
            ('\'', _) if at(place + 2) == '\'' => place += 3,
            ('"', _) => {
                let (text, end) = plain_literal(&characters, place + 1);
                found.push((line, text));
                place = end;
            }
            ('r', '"' | '#') if place == 0 || !(at(place - 1).is_alphanumeric() || at(place - 1) == '_') || at(place - 1) == 'b' => {
                match raw_literal(&characters, place + 1) {
                    Some((text, end)) => {
                        found.push((line, text));
                        place = end;
                    }
                    // A raw identifier, like `r#type`.
                    None => place += 1,
                }
            }
            _ => place += 1,
        }
        line += characters[begins..place.min(characters.len())]
            .iter()
            .filter(|character| **character == '\n')
            .count();
    }
    found
}

/// The literal that begins after its quote, and the place after it.
fn plain_literal(characters: &[char], start: usize) -> (String, usize) {
    let mut text = String::new();
    let mut place = start;
    while place < characters.len() && characters[place] != '"' {
        if characters[place] != '\\' {
            text.push(characters[place]);
            place += 1;
            continue;
        }
        match characters[place + 1] {
            'n' => text.push('\n'),
            '\n' => {
                while characters[place + 2].is_whitespace() {
                    place += 1;
                }
            }
            other => text.push(other),
        }
        place += 2;
    }
    (text, place + 1)
}

/// The raw literal whose `r` is before `start`, and the place after it.
fn raw_literal(characters: &[char], start: usize) -> Option<(String, usize)> {
    let marks = characters[start..].iter().take_while(|character| **character == '#').count();
    let open = start + marks;
    if characters.get(open) != Some(&'"') {
        return None;
    }
    let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', marks)).collect();
    let rest: String = characters[open + 1..].iter().collect();
    let text = rest.split(&end).next()?.to_owned();
    let after = open + 1 + text.chars().count() + end.chars().count();
    Some((text, after))
}

/// Every string literal of the program, without those of its tests and without the names of what is put into them.
fn texts_of_sources() -> Vec<Passage> {
    let named = Regex::new(r"\{[a-z_][a-z_0-9.]*(:[^{}]*)?\}").unwrap();
    let tests = Regex::new(r"(?m)^#\[cfg\(test\)\]\n(#\[.*\]\n)*(pub(\(\w+\))? )?mod \w+ \{").unwrap();
    sources()
        .into_iter()
        .filter(|source| !is_tests(&source.path))
        .flat_map(|source| {
            let code = tests
                .find(&source.text)
                .map_or(&*source.text, |found| &source.text[..found.start()])
                .to_owned();
            let place = format!("src/{}", source.path);
            let without_names = |(line, text): (usize, String)| (line, named.replace_all(&text, "{}").into_owned());
            let found: Vec<_> = literals(&code).into_iter().map(without_names).collect();
            found.into_iter().map(move |(line, text)| Passage {
                place: place.clone(),
                line,
                text,
            })
        })
        .collect()
}

fn texts_of_files(below: &str, endings: &[&str]) -> Vec<Passage> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut files = Vec::new();
    walk(&root().join(below), &mut files);
    files.sort();
    files
        .into_iter()
        .filter(|file| endings.iter().any(|ending| file.to_string_lossy().ends_with(ending)))
        .map(|file| Passage {
            place: file.strip_prefix(root()).unwrap().to_string_lossy().into_owned(),
            line: 1,
            text: std::fs::read_to_string(&file).unwrap(),
        })
        .collect()
}

fn text_of_file(name: &str) -> Passage {
    let text = std::fs::read_to_string(root().join(name)).unwrap();
    Passage {
        place: name.to_owned(),
        line: 1,
        text,
    }
}

/// What is not released yet; what was released is history.
fn unreleased() -> Passage {
    let whole = text_of_file("CHANGELOG.md");
    let mut sections = whole.text.match_indices("\n## ").map(|(place, _)| place).skip(1);
    let end = sections.next().unwrap_or(whole.text.len());
    Passage {
        text: whole.text[..end].to_owned(),
        ..whole
    }
}

fn help_of(command: &mut clap::Command, name: &str, found: &mut Vec<Passage>) {
    let text = command.render_long_help().to_string();
    found.push(Passage {
        place: format!("help of {name}"),
        line: 1,
        text,
    });
    for verb in command.get_subcommands_mut() {
        let name = format!("{name} {}", verb.get_name());
        help_of(verb, &name, found);
    }
}

fn texts_of_the_command_line() -> Vec<Passage> {
    let mut found = Vec::new();
    let mut command = Cli::command();
    command.build();
    help_of(&mut command, "extop", &mut found);
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page).unwrap();
    // The page writes a hyphen and an apostrophe in ways of its own.
    let text = String::from_utf8(page).unwrap().replace("\\-", "-").replace("\\*(Aq", "'");
    found.push(Passage {
        place: "man page".to_owned(),
        line: 1,
        text,
    });
    found
}

fn all_texts() -> Vec<Passage> {
    let mut all = texts_of_sources();
    all.extend(texts_of_files("src", &[".snap", ".md", ".json"]));
    all.extend(texts_of_files("src/sim/scenarios", &[".toml"]));
    all.extend(texts_of_files("themes", &[".toml"]));
    all.extend(texts_of_the_command_line());
    let pages = ["README.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md", "demo.tape"];
    all.extend(pages.map(text_of_file));
    all.push(unreleased());
    all
}

/// The part of a line that breaks the rule.
fn broken(rule: &Rule, banned: &Regex, line: &str) -> Option<String> {
    let mut line = line.to_owned();
    for allowed in rule.allowed {
        line = line.replace(allowed, "\u{0}");
    }
    banned.find(&line).map(|found| found.as_str().to_owned())
}

fn compiled() -> Vec<(&'static Rule, Regex)> {
    RULES
        .iter()
        .map(|rule| (rule, Regex::new(&format!("(?i){}", rule.banned)).unwrap()))
        .collect()
}

#[test]
fn every_text_keeps_to_the_style_page() {
    let rules = compiled();
    let any = RegexSet::new(rules.iter().map(|(_, banned)| banned.as_str())).unwrap();
    let mut used = BTreeSet::new();
    let mut wrong = String::new();
    for text in all_texts() {
        for (number, line) in text.text.lines().enumerate() {
            if !any.is_match(line) {
                continue;
            }
            for (rule, banned) in &rules {
                let Some(part) = broken(rule, banned, line) else { continue };
                let excepted = EXCEPTIONS
                    .iter()
                    .position(|exception| text.place.ends_with(exception.file) && line.contains(exception.text));
                if let Some(exception) = excepted {
                    used.insert(exception);
                    continue;
                }
                writeln!(wrong, "{}:{}: \"{}\"", text.place, text.line + number, line.trim()).unwrap();
                writeln!(wrong, "    '{part}': {}", rule.instead).unwrap();
            }
        }
    }
    for (number, exception) in EXCEPTIONS.iter().enumerate() {
        if !used.contains(&number) {
            writeln!(
                wrong,
                "no text needs the exception of '{}' any more: {}",
                exception.text, exception.reason
            )
            .unwrap();
        }
    }
    assert!(
        wrong.is_empty(),
        "see .github/STYLE.md, or add an exception with its reason to this test:\n{wrong}"
    );
}

#[test]
fn a_hint_begins_with_a_verb() {
    let flag = Regex::new(r#"with_hint\((&?format!\()?\s*"(--|\{)"#).unwrap();
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|source| !is_tests(&source.path))
        .flat_map(|source| {
            flag.find_iter(&source.text)
                .map(|found| format!("{}: {}", source.path, found.as_str()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "say what to do with the flag:\n{}", wrong.join("\n"));
}

#[test]
fn every_rule_finds_its_example_and_takes_the_better_text() {
    let rules = compiled();
    for (rule, banned) in &rules {
        assert!(
            broken(rule, banned, rule.bad).is_some(),
            "{} does not find '{}'",
            rule.banned,
            rule.bad
        );
        let refused = rules.iter().find(|(other, banned)| broken(other, banned, rule.good).is_some());
        assert!(refused.is_none(), "'{}' breaks {}", rule.good, refused.unwrap().0.banned);
    }
    let fine = [
        "there is no cluster orders",
        "it is no longer the primary",
        "the server's answer",
        "a longer list",
    ];
    for text in fine {
        assert!(rules.iter().all(|(rule, banned)| broken(rule, banned, text).is_none()), "{text}");
    }
}

#[test]
fn literals_are_found_in_code_and_not_in_comments() {
    let code = "let a = \"one \\\n   line\"; // \"no\"\nlet b: &'static str = r#\"raw \"quoted\"\"#; /* \"no\" */ let c = '\"'; \
                f(b'\\'', \"last \\\"word\\\"\");\n";
    let expected = [(1, "one line"), (3, "raw \"quoted\""), (3, "last \"word\"")];
    assert_eq!(literals(code), expected.map(|(line, text)| (line, text.to_owned())));
}
