//! The route through a port-forward: tokio-postgres over TLS over the stream.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::task::AbortOnDropHandle;

use super::answer::Answer;
use super::door::{Door, Duplex};
use super::kept::{Kept, Purpose, part_with};
use super::messages::Bounded;
use super::route::{MAINTENANCE_DATABASE, Trouble, pod_name};
use super::session::{APPLICATION_NAME, Idle, Options};
use super::statement::Ask;
use super::tls::Authority;
use crate::domain::ids::PodKey;
use crate::domain::probe::SqlError;
use crate::domain::text::sanitise;

/// How long a session waits for its good-bye to be sent.
const FAREWELL: Duration = Duration::from_millis(500);

/// Who logs in. It never shows the password.
pub(super) struct Login {
    /// Role.
    pub(super) user: String,
    /// Its password.
    pub(super) password: Vec<u8>,
    /// The database for what is true of the instance.
    pub(super) database: String,
    /// It is the superuser's secret.
    pub(super) superuser: bool,
    /// Namespace and name of the secret, for messages.
    pub(super) secret: String,
}

/// A way through port-forwards to one pod.
pub(super) struct Tunnel {
    door: Arc<dyn Door>,
    pod: PodKey,
    options: Options,
    login: Login,
    authority: Authority,
    kept: Keeping,
}

/// How sessions of a tunnel are kept.
pub(super) struct Keeping {
    /// Where.
    pub(super) kept: Arc<Kept>,
    /// UID of the pod.
    pub(super) uid: String,
    /// None of before is wanted.
    pub(super) fresh: bool,
    /// One may wait there for the next reading.
    pub(super) may_keep: bool,
}

impl Tunnel {
    /// The way to `pod`.
    pub(super) fn new(door: Arc<dyn Door>, pod: PodKey, options: Options, login: Login, authority: Authority, kept: Keeping) -> Self {
        Self {
            door,
            pod,
            options,
            login,
            authority,
            kept,
        }
    }

    /// The database for what is true of the instance.
    pub(super) fn database(&self) -> &str {
        &self.login.database
    }

    /// It logs in as the superuser.
    pub(super) fn superuser(&self) -> bool {
        self.login.superuser
    }

    fn purpose(&self) -> Purpose {
        Purpose {
            uid: self.kept.uid.clone(),
            user: self.login.user.clone(),
            options: self.options.of(Idle::Kept),
        }
    }

    /// Sessions wait for the next reading in the maintenance database only: nobody drops it.
    fn is_kept_in(&self, database: &str) -> bool {
        self.kept.may_keep && database == MAINTENANCE_DATABASE
    }

    /// A session of before in a database, with what was set for the paths when it was asked last.
    pub(super) fn kept(&self, database: &str) -> Option<(Session, Value)> {
        if !self.is_kept_in(database) {
            return None;
        }
        let (session, overrides) = self.kept.kept.take(&self.purpose())?;
        if self.kept.fresh {
            part_with(vec![session]);
            return None;
        }
        Some((session, overrides))
    }

    /// Keeps a session for the next reading; one that is not kept comes back.
    pub(super) fn keep(&self, database: &str, session: Session, overrides: Value) -> Option<Session> {
        if !self.is_kept_in(database) {
            return Some(session);
        }
        self.kept.kept.put(self.purpose(), session, overrides)
    }

    /// A new session in a database.
    pub(super) async fn open(&self, database: &str) -> Result<Session, Trouble> {
        let stream = self
            .door
            .stream(self.pod.clone())
            .await
            .map_err(|error| Trouble::of_backend(&error, "create", "pods/portforward", &self.pod.namespace))?;
        let idle = if self.is_kept_in(database) { Idle::Kept } else { Idle::Passing };
        let mut config = Config::new();
        config
            .user(&self.login.user)
            .password(&self.login.password)
            .dbname(database)
            .application_name(APPLICATION_NAME)
            .options(self.options.of(idle))
            .ssl_mode(SslMode::Require)
            // Preferred, not required: the certificate has been verified, and not every way to log in can be bound to it.
            .channel_binding(ChannelBinding::Prefer);
        let mut connector = self.authority.connector();
        let tls = <MakeRustlsConnect as MakeTlsConnect<Duplex>>::make_tls_connect(&mut connector, self.authority.service())
            .map_err(|never| match never {})?;
        let (client, connection) = config
            .connect_raw(stream, Bounded(tls))
            .await
            .map_err(|error| self.trouble(&error))?;
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            // Whatever ends it, the questions that wait for it say so.
            let _ = connection.await;
        }));
        Ok(Session {
            client,
            connection,
            opened: Instant::now(),
        })
    }

    fn trouble(&self, error: &Error) -> Trouble {
        let user = sanitise(&self.login.user);
        if let Some(refusal) = refusal(error) {
            let hint = match refusal.code.as_str() {
                "28P01" => format!(" (is secret {} older than the role's password?)", self.login.secret),
                _ => String::new(),
            };
            return Trouble::refused(format!("PostgreSQL refuses {user}: {}{hint}", refusal.message), refusal);
        }
        match self.authority.explain(error) {
            Some(why) => Trouble::new(why),
            None => Trouble::new(format!(
                "the connection to PostgreSQL in {} fails: {}",
                pod_name(&self.pod),
                reason(error)
            )),
        }
    }
}

/// One connection. Dropping it ends it; [`Session::close`] does so politely.
pub(super) struct Session {
    client: Client,
    connection: AbortOnDropHandle<()>,
    opened: Instant,
}

impl Session {
    /// The connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// When it began.
    pub(super) fn opened(&self) -> Instant {
        self.opened
    }

    /// Asks everything in one round trip.
    pub(super) async fn ask(&self, asks: &[Ask]) -> Vec<Answer> {
        join_all(asks.iter().map(|ask| self.ask_one(ask))).await
    }

    async fn ask_one(&self, ask: &Ask) -> Answer {
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> = ask
            .argument
            .iter()
            .map(|argument| (argument as &(dyn ToSql + Sync), Type::TEXT))
            .collect();
        let rows = match self.client.query_typed(ask.statement.sql(), &parameters).await {
            Ok(rows) => rows,
            Err(error) => {
                return match refusal(&error) {
                    Some(refusal) => Answer::Refused(refusal),
                    None => Answer::Lost(format!("the connection broke: {}", reason(&error))),
                };
            }
        };
        match rows.first().map(|row| row.try_get::<_, Bytes<'_>>(0)) {
            Some(Ok(Bytes(json))) => Answer::from_json(json),
            Some(Err(error)) => Answer::Lost(format!("PostgreSQL's answer cannot be read: {}", reason(&error))),
            None => Answer::Lost("PostgreSQL answered without a row".to_owned()),
        }
    }

    /// Ends the session as the protocol wants it, so that the server logs nothing.
    pub(super) async fn close(self) {
        drop(self.client);
        let _ = timeout(FAREWELL, self.connection).await;
    }
}

/// A text column as it is: it need not be UTF-8 in a database in SQL_ASCII.
struct Bytes<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Bytes<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TEXT
    }
}

fn refusal(error: &Error) -> Option<SqlError> {
    error.as_db_error().map(|error| SqlError {
        code: error.code().code().to_owned(),
        message: sanitise(error.message()),
    })
}

fn reason(error: &Error) -> String {
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    sanitise(&format!("{error}{source}"))
}
