//! What an error says about a request that no file is the cause of: schemas, roles, privileges, what depends on it.

use std::sync::LazyLock;

use regex::Regex;

use super::{Failure, groups, pattern};

static STATE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"\(SQLSTATE ([0-9A-Z]{5})\)"));
static NO_SCHEMA: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"(?:^|[ :])schema "([^"]+)" does not exist"#));
static NO_ROLE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"(?:^|[ :])role "([^"]+)" does not exist"#));
static NO_TABLESPACE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"tablespace "([^"]+)" does not exist"#));
static FIXED_SCHEMA: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"must be installed in schema "([^"]+)""#));
static ONE_DATABASE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"can only create extension in database "?([^" ]+)"#));
static MANAGED: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"is already managed by object "([^"]+)""#));

/// What was refused, in the words of PostgreSQL or of the operator; `None` when they are about something else.
pub(super) fn refused(message: &str) -> Option<Failure> {
    named(message).or_else(|| by_state(message))
}

/// What is told with the name of something.
fn named(message: &str) -> Option<Failure> {
    let name = |regex| groups(regex, message).map(|[name]| name);
    let schema = |schema| Failure::SchemaAbsent { schema };
    let role = |role| Failure::RoleAbsent { role };
    let tablespace = |tablespace| Failure::TablespaceAbsent { tablespace };
    name(&NO_SCHEMA)
        .map(schema)
        .or_else(|| name(&NO_ROLE).map(role))
        .or_else(|| name(&NO_TABLESPACE).map(tablespace))
        .or_else(|| name(&FIXED_SCHEMA).map(|schema| Failure::FixedSchema { schema }))
        .or_else(|| name(&ONE_DATABASE).map(|database| Failure::OtherDatabase { database }))
        .or_else(|| name(&MANAGED).map(|object| Failure::ManagedElsewhere { object }))
}

/// What is told by the SQLSTATE that the operator writes behind a message, or by words that PostgreSQL always uses for it.
fn by_state(message: &str) -> Option<Failure> {
    let state = groups(&STATE, message).map_or(String::new(), |[state]| state);
    let is = |states: &[&str]| states.contains(&state.as_str());
    let has = |text: &str| message.contains(text);
    if is(&["2BP01"]) || has("other objects depend on it") {
        return Some(Failure::Needed);
    }
    if is(&["42501"]) || has("permission denied") || has("must be owner of") {
        return Some(Failure::Privilege);
    }
    if has("does not support SET SCHEMA") {
        return Some(Failure::NotMovable);
    }
    if is(&["55006"]) || has("is being accessed by other users") {
        return Some(Failure::InUse);
    }
    if ["encoding", "locale", "LC_COLLATE", "LC_CTYPE", "collation"]
        .iter()
        .any(|word| has(word))
    {
        return Some(Failure::Locale);
    }
    if is(&["42710", "42P07", "42723", "42P06", "42701"]) {
        return Some(Failure::InTheWay);
    }
    is(&["42883", "42P01", "42704", "42703"]).then_some(Failure::ScriptLacks)
}
