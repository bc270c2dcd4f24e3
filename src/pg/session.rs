//! How every session begins, whichever route it takes.

use std::time::Duration;

/// Name that the server's logs and `pg_stat_activity` show.
pub(super) const APPLICATION_NAME: &str = "extop";

/// The longest that a statement may take: all of them take milliseconds.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many statements may be ended by the server, each for taking too long, before the probe itself is.
const PATIENCE: u32 = 5;

/// Settings of the session, as the `options` of a connection.
///
/// They come with the start of the session, so they go before what `ALTER DATABASE` and `ALTER ROLE` set. The pinned search
/// path keeps what owners of databases planted in other schemas away; the spelling of strings and times must not differ
/// between databases. `environment` holds names of variables; those that no shell could have set are left out.
pub(super) fn options(timeout: Duration, environment: &[String]) -> String {
    let names: Vec<&str> = environment.iter().map(String::as_str).filter(|name| is_variable(name)).collect();
    let statement_timeout = (timeout / PATIENCE).min(STATEMENT_TIMEOUT).as_millis().max(1);
    format!(
        "-c default_transaction_read_only=on -c statement_timeout={statement_timeout} -c lock_timeout=500 \
         -c idle_in_transaction_session_timeout=10000 -c search_path=pg_catalog,pg_temp -c client_min_messages=error \
         -c standard_conforming_strings=on -c timezone=UTC -c extop.environment={}",
        names.join(",")
    )
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
        let options = options(Duration::from_secs(60), &names);
        assert!(options.ends_with("-c extop.environment=PATH,GEO_DATA"), "{options}");
        assert!(options.contains("statement_timeout=5000"), "{options}");
        assert!(options.contains("default_transaction_read_only=on"), "{options}");
    }
}
