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
        let object = serde_json::from_str::<Value>(line).ok()?;
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
}
