//! The statements, all of them: SQL is never a free string.

/// A statement of `src/pg/sql`. Each answers one row with one text: a JSON value in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statement {
    /// The instance, the session's privileges, the databases.
    Server,
    /// `pg_settings` as far as it matters.
    Settings,
    /// `pg_get_loaded_modules()`.
    Loaded,
    /// Whether a standby streams.
    WalReceiver,
    /// `pg_available_extensions`.
    Available,
    /// `pg_available_extension_versions`.
    Versions,
    /// What databases and roles set for the paths.
    Overrides,
    /// Files per path element, and missing directories.
    Files,
    /// Default versions out of the control files.
    ControlVersions,
    /// Libraries that scripts name and that are not on the path.
    Scripts,
    /// Update scripts of the control files.
    UpdateScripts,
    /// Directories of the postmaster's environment that do not exist.
    Directories,
    /// The postmaster's environment.
    Environment,
    /// `pg_extension` of the database.
    Installed,
    /// Path settings of a new session in the database.
    DatabaseSettings,
    /// Update paths from the installed versions.
    UpdatePaths,
    /// The same for one extension.
    UpdatePathsOf,
    /// What keeps an extension from being dropped.
    DependentsOf,
}

impl Statement {
    /// Every statement.
    #[cfg(test)]
    pub(super) const ALL: [Self; 18] = [
        Self::Server,
        Self::Settings,
        Self::Loaded,
        Self::WalReceiver,
        Self::Available,
        Self::Versions,
        Self::Overrides,
        Self::Files,
        Self::ControlVersions,
        Self::Scripts,
        Self::UpdateScripts,
        Self::Directories,
        Self::Environment,
        Self::Installed,
        Self::DatabaseSettings,
        Self::UpdatePaths,
        Self::UpdatePathsOf,
        Self::DependentsOf,
    ];

    /// Whether it is asked about one extension, with its name as the parameter.
    #[cfg(test)]
    fn is_about_an_extension(self) -> bool {
        matches!(self, Self::UpdatePathsOf | Self::DependentsOf)
    }

    /// Its text, without a semicolon.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Server => include_str!("sql/server.sql"),
            Self::Settings => include_str!("sql/settings.sql"),
            Self::Loaded => include_str!("sql/loaded.sql"),
            Self::WalReceiver => include_str!("sql/wal_receiver.sql"),
            Self::Available => include_str!("sql/available.sql"),
            Self::Versions => include_str!("sql/versions.sql"),
            Self::Overrides => include_str!("sql/overrides.sql"),
            Self::Files => include_str!("sql/files.sql"),
            Self::ControlVersions => include_str!("sql/control_versions.sql"),
            Self::Scripts => include_str!("sql/scripts.sql"),
            Self::UpdateScripts => include_str!("sql/update_scripts.sql"),
            Self::Directories => include_str!("sql/directories.sql"),
            Self::Environment => include_str!("sql/environment.sql"),
            Self::Installed => include_str!("sql/installed.sql"),
            Self::DatabaseSettings => include_str!("sql/database_settings.sql"),
            Self::UpdatePaths => include_str!("sql/update_paths.sql"),
            Self::UpdatePathsOf => include_str!("sql/update_paths_of.sql"),
            Self::DependentsOf => include_str!("sql/dependents_of.sql"),
        }
    }
}

/// One question: a statement, and its parameter if it takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    /// The statement.
    pub(super) statement: Statement,
    /// `$1`.
    pub(super) argument: Option<String>,
}

impl Ask {
    /// Update paths of one installed extension.
    pub(super) fn paths_of(extension: &str) -> Self {
        Self::about(Statement::UpdatePathsOf, extension)
    }

    /// What keeps an extension from being dropped.
    pub(super) fn dependents_of(extension: &str) -> Self {
        Self::about(Statement::DependentsOf, extension)
    }

    /// Every statement, about this extension where it is about one.
    #[cfg(test)]
    pub(super) fn each(extension: &str) -> [Self; Statement::ALL.len()] {
        Statement::ALL.map(|statement| {
            if statement.is_about_an_extension() {
                Self::about(statement, extension)
            } else {
                Self::from(statement)
            }
        })
    }

    fn about(statement: Statement, extension: &str) -> Self {
        Self {
            statement,
            argument: Some(extension.to_owned()),
        }
    }
}

impl From<Statement> for Ask {
    fn from(statement: Statement) -> Self {
        Self { statement, argument: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_only_reads_and_is_one() {
        for statement in Statement::ALL {
            let code: String = statement
                .sql()
                .lines()
                .filter(|line| !line.trim_start().starts_with("--"))
                .collect::<Vec<_>>()
                .join("\n");
            assert!(code.starts_with("SELECT") || code.starts_with("WITH"), "{statement:?}");
            assert!(!code.contains(';'), "{statement:?} is more than one statement");
            for word in [
                "INSERT", "UPDATE ", "DELETE", "ALTER", "CREATE", "DROP", "LOAD ", "SET ", "CALL", "DO ",
            ] {
                assert!(!code.contains(word), "{statement:?} has {word}");
            }
            assert_eq!(code.contains("$1"), statement.is_about_an_extension(), "{statement:?}");
        }
    }
}
