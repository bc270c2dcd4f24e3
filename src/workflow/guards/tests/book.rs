//! The reference of the rule book: every finding and every check, made from their tables and from an example of each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::*;
use crate::domain::check::Asked;
use crate::domain::findings::rules::{Code, tests as findings};
use crate::domain::requirements::{plans_tests as plans, tests as requirements};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/domain/findings/REFERENCE.md");

fn page() -> String {
    let mut page = "# Rule book\n\n\
        Every finding and every check of extop, in alphabetical order. A finding says what is so; a check answers one question with pass, \
        warn, fail or unknown. `doctor` asks the checks of a cluster as it is, forms and plans ask them of the cluster as the change would \
        leave it. Made from the tables in `src/domain/findings/rules.rs` and `src/domain/check/codes.rs`.\n\n## Findings\n"
        .to_owned();
    let mut codes = Code::ALL.to_vec();
    codes.sort_by_key(|code| code.as_str());
    let examples: BTreeMap<_, _> = findings::examples().into_iter().map(|finding| (finding.code, finding)).collect();
    for rule in codes.into_iter().map(Code::rule) {
        let example = &examples[&rule.code];
        // Writing to a string does not fail.
        let _ = write!(
            page,
            "\n### {}\n\n{}: {}\n\nExample: {}\n\nRemedy: {}.\n\nSource: {}.\n",
            rule.code.as_str(),
            rule.severity.as_str(),
            rule.means,
            example.message.for_people(),
            example.remedy_text.for_people(),
            rule.source
        );
    }
    page.push_str("\n## Checks\n");
    let examples = requirements::examples().into_iter().chain(now::examples()).chain(plans::examples());
    let examples: BTreeMap<_, _> = examples.map(|check| (check.code, check)).collect();
    let mut codes = CheckCode::ALL.to_vec();
    codes.sort_by_key(|code| code.as_str());
    for rule in codes.into_iter().map(CheckCode::rule) {
        let asked = match rule.asked {
            Asked::Anywhere => "doctor, form and plan",
            Asked::Step => "plan and steps",
            Asked::Ahead => "doctor with --for-major or --for-minimal",
        };
        let _ = write!(
            page,
            "\n### {}\n\n{} ({}, asked by {asked})\n",
            rule.code.as_str(),
            rule.means,
            rule.concern.as_str()
        );
        if let Some(example) = examples.get(&rule.code) {
            let (result, evidence) = (example.result.as_str(), example.evidence.for_people());
            let _ = write!(page, "\nExample: {result}: {evidence}\n");
            if let Some(hint) = &example.hint {
                let _ = write!(page, "\nRemedy: {}.\n", hint.for_people());
            }
        }
        let _ = write!(page, "\nSource: {}.\n", rule.source);
    }
    page
}

/// `EXTOP_WRITE_REFERENCE=1 cargo test book` renews the page.
#[test]
fn the_reference_is_made_from_the_tables() {
    if std::env::var_os("EXTOP_WRITE_REFERENCE").is_some() {
        std::fs::write(FILE, page()).unwrap();
    }
    let written = std::fs::read_to_string(FILE).unwrap();
    assert_eq!(written, page(), "EXTOP_WRITE_REFERENCE=1 cargo test book renews the page");
}
