//! What a statement answered, and the fact that it makes.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::probe::{Fact, SqlError};
use crate::domain::text::sanitise;

/// SQLSTATE `insufficient_privilege`.
pub(super) const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// What one statement answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// A JSON value, as PostgreSQL gave it: not sanitised.
    Value(Value),
    /// PostgreSQL refused or failed; sanitised.
    Refused(SqlError),
    /// No answer came; completes "unknown, because …".
    Lost(String),
}

impl Answer {
    /// The answer in the bytes of one text column.
    pub(super) fn from_json(json: &[u8]) -> Self {
        // A database in SQL_ASCII may hold names that are no UTF-8.
        match serde_json::from_str(&String::from_utf8_lossy(json)) {
            Ok(value) => Self::Value(value),
            Err(error) => Self::Lost(format!("PostgreSQL's answer is not JSON: {error}")),
        }
    }

    /// The fact. A refusal for want of privilege is unknown for `unprivileged`, if that is given.
    pub(super) fn fact<T: DeserializeOwned>(self, unprivileged: Option<&str>) -> Fact<T> {
        match self {
            Self::Value(value) => match decode(value) {
                Ok(value) => Fact::Known(value),
                Err(why) => Fact::Unknown(why),
            },
            Self::Refused(error) => match unprivileged {
                Some(why) if error.code == INSUFFICIENT_PRIVILEGE => Fact::Unknown(why.to_owned()),
                _ => Fact::Failed(error),
            },
            Self::Lost(why) => Fact::Unknown(why),
        }
    }
}

/// The value as a type of ours, every text in it sanitised.
pub(super) fn decode<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(clean(value)).map_err(|error| {
        format!(
            "PostgreSQL's answer has another form than expected: {}",
            sanitise(&error.to_string())
        )
    })
}

fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(sanitise(&text)),
        Value::Array(items) => items.into_iter().map(clean).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (sanitise(&name), clean(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_an_answer_is_sanitised() {
        let answer = Answer::from_json(br#"[{"\u001b[2Jkey": "va\u0007lue"}]"#);
        let fact: Fact<Vec<std::collections::BTreeMap<String, String>>> = answer.fact(None);
        assert_eq!(fact, Fact::Known(vec![[("[2Jkey".to_owned(), "value".to_owned())].into()]));
    }

    #[test]
    fn a_want_of_privilege_is_unknown_where_that_is_the_rule_and_a_failure_elsewhere() {
        let refused = Answer::Refused(SqlError {
            code: INSUFFICIENT_PRIVILEGE.to_owned(),
            message: "permission denied for function pg_ls_dir".to_owned(),
        });
        assert_eq!(
            refused.clone().fact::<bool>(Some("only a superuser may")),
            Fact::Unknown("only a superuser may".to_owned())
        );
        assert!(matches!(refused.fact::<bool>(None), Fact::Failed(_)));
    }

    #[test]
    fn an_answer_of_another_form_is_unknown_and_not_a_panic() {
        assert!(matches!(Answer::from_json(b"not json").fact::<bool>(None), Fact::Unknown(_)));
        assert!(matches!(Answer::from_json(b"[1]").fact::<bool>(None), Fact::Unknown(_)));
        assert!(matches!(Answer::from_json(b"\"\xff\"").fact::<String>(None), Fact::Known(_)));
    }
}
