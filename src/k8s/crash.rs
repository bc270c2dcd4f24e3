//! The last words of PostgreSQL in a container's log.

use serde_json::Value;

use crate::domain::text::sanitise;

/// The last FATAL message in the lines of an instance manager's log, which are JSON. The manager's own exit code tells
/// nothing: it is 0 when PostgreSQL could not start (seen).
pub(super) fn fatal(log: &str) -> Option<String> {
    log.lines().rev().find_map(|line| match serde_json::from_str::<Value>(line) {
        Ok(object) => {
            let record = object.get("record");
            let severity = record.and_then(|record| record.get("error_severity")).and_then(Value::as_str);
            let message = record.and_then(|record| record.get("message")).and_then(Value::as_str);
            if let (Some("FATAL"), Some(message)) = (severity, message) {
                return Some(sanitise(message));
            }
            ["msg", "message"]
                .iter()
                .find_map(|field| after_fatal(object.get(field)?.as_str()?))
        }
        Err(_) => after_fatal(line),
    })
}

/// The last message of level error or worse in lines of JSON, as the programs beside PostgreSQL write them.
pub(super) fn error(log: &str) -> Option<String> {
    log.lines().rev().find_map(|line| {
        let Ok(object) = serde_json::from_str::<Value>(line) else {
            return plain_error(line);
        };
        let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let level = text("level").or_else(|| text("severity"))?.to_ascii_lowercase();
        if !matches!(level.as_str(), "error" | "fatal" | "panic" | "critical") {
            return None;
        }
        let message = text("msg").or_else(|| text("message"))?;
        Some(match text("error") {
            Some(error) => sanitise(&format!("{message}: {error}")),
            None => sanitise(message),
        })
    })
}

/// The message of a line of plain text that says of itself that it is an error, in the ways of common logging libraries.
fn plain_error(line: &str) -> Option<String> {
    let lower = line.to_ascii_lowercase();
    if ["level=error", "level=fatal", "level=panic"]
        .iter()
        .any(|level| lower.contains(level))
    {
        let (_, message) = line.split_once("msg=")?;
        return Some(sanitise(message.trim().trim_matches('"')));
    }
    let begins = ["panic: ", "error: "].iter().any(|mark| lower.starts_with(mark));
    let marked = ["[error]", "[fatal]", "[crit]"]
        .iter()
        .find_map(|mark| Some(lower.find(mark)? + mark.len()));
    let at = if begins { Some(0) } else { marked };
    Some(sanitise(line.get(at?..)?.trim()))
}

fn after_fatal(text: &str) -> Option<String> {
    let (_, message) = text.split_once("FATAL:")?;
    Some(sanitise(message.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_fatal_line_counts_in_whichever_form_it_comes() {
        let log = concat!(
            r#"{"level":"info","msg":"starting"}"#,
            "\n",
            r#"{"level":"info","logger":"postgres","msg":"2026-11-23 02:00:00 UTC [30] FATAL:  could not access file \"nothere\": No such file or directory"}"#,
            "\n",
            r#"{"level":"info","msg":"done"}"#
        );
        assert_eq!(
            fatal(log).as_deref(),
            Some("could not access file \"nothere\": No such file or directory")
        );
        let record = r#"{"logger":"postgres","msg":"record","record":{"error_severity":"FATAL","message":"out of memory"}}"#;
        assert_eq!(fatal(record).as_deref(), Some("out of memory"));
        assert_eq!(fatal("plain FATAL:  text").as_deref(), Some("text"));
        assert_eq!(fatal("nothing"), None);
    }

    #[test]
    fn an_error_of_a_program_beside_postgresql_is_read_in_plain_text_too() {
        for (line, message) in [
            ("2026-11-26T10:00:00Z [ERROR] auth: denied on role db", "auth: denied on role db"),
            (
                r#"time="2026-11-26" level=error msg="cannot listen on the socket""#,
                "cannot listen on the socket",
            ),
            ("panic: no such bucket", "panic: no such bucket"),
        ] {
            assert_eq!(error(line).as_deref(), Some(message));
        }
        assert_eq!(error("2026-11-26T10:00:00Z [INFO] no error: all is well"), None);
        assert_eq!(error("finished without an error"), None);
    }
}
