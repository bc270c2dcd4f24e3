//! How every session begins, whichever route it takes.

use std::time::Duration;

/// Name that the server's logs and `pg_stat_activity` show.
pub(super) const APPLICATION_NAME: &str = "extop";

/// The longest that a statement may take: all of them take milliseconds.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many statements may be ended by the server, each for taking too long, before the probe itself is.
const PATIENCE: u32 = 5;

/// First major version that ends idle sessions and looks whether the client of a statement is still there.
const ENDS_IDLE_SESSIONS: u32 = 14;

/// What a session does between two questions. The server ends one that has been idle for longer: a machine that was put to
/// sleep, or a network that lets nothing through, must not leave sessions behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    /// It waits for the next reading.
    Kept,
    /// Its questions follow each other.
    Passing,
}

impl Idle {
    fn limit(self) -> Duration {
        match self {
            // Longer than a session is kept here.
            Self::Kept => Duration::from_secs(600),
            Self::Passing => Duration::from_secs(30),
        }
    }
}

/// Settings of the session, as the `options` of a connection.
///
/// They come with the start of the session, so they go before what `ALTER DATABASE` and `ALTER ROLE` set. The pinned search
/// path keeps what owners of databases planted in other schemas away; the spelling of strings and times must not differ
/// between databases. A statement ends when its client is gone, and a connection when nobody takes its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    text: String,
    ends_by_itself: bool,
}

impl Options {
    /// `environment` holds names of variables; those that no shell could have set are left out. A server refuses settings
    /// that its `major` version does not know; without one it is taken for a present one.
    pub(super) fn new(timeout: Duration, environment: &[String], major: Option<u32>) -> Self {
        let names: Vec<&str> = environment.iter().map(String::as_str).filter(|name| is_variable(name)).collect();
        let statement_timeout = (timeout / PATIENCE).min(STATEMENT_TIMEOUT).as_millis().max(1);
        Self {
            text: format!(
                "-c default_transaction_read_only=on -c statement_timeout={statement_timeout} -c lock_timeout=500 \
                 -c idle_in_transaction_session_timeout=10000 -c tcp_user_timeout=30000 -c search_path=pg_catalog,pg_temp \
                 -c client_min_messages=error -c standard_conforming_strings=on -c timezone=UTC -c extop.environment={}",
                names.join(",")
            ),
            ends_by_itself: major.is_none_or(|major| major >= ENDS_IDLE_SESSIONS),
        }
    }

    /// The text.
    pub(super) fn of(&self, idle: Idle) -> String {
        if !self.ends_by_itself {
            return self.text.clone();
        }
        let limit = idle.limit().as_millis();
        format!(
            "{} -c idle_session_timeout={limit} -c client_connection_check_interval=250",
            self.text
        )
    }
}

fn is_variable(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_variable_never_becomes_a_setting() {
        let names = ["PATH", "A B", "X -c search_path=public", "1ST", "", "B\\", "GEO_DATA"].map(str::to_owned);
        let options = Options::new(Duration::from_secs(60), &names, Some(13)).of(Idle::Passing);
        assert!(options.ends_with("-c extop.environment=PATH,GEO_DATA"), "{options}");
        assert!(options.contains("statement_timeout=5000"), "{options}");
        assert!(options.contains("default_transaction_read_only=on"), "{options}");
    }

    #[test]
    fn settings_that_an_older_server_would_refuse_are_not_sent_to_it() {
        let told = |major| Options::new(Duration::from_secs(60), &[], major).of(Idle::Kept);
        assert!(!told(Some(13)).contains("idle_session_timeout") && !told(Some(13)).contains("client_connection"));
        for major in [None, Some(14), Some(18)] {
            assert!(told(major).contains("-c idle_session_timeout=600000"), "{}", told(major));
        }
    }
}
