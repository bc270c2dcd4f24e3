//! Which ways lead to PostgreSQL, in which order, and what stood in the way.

use std::sync::Arc;
use std::time::Duration;

use super::answer::Answer;
use super::avoid::Avoided;
use super::door::{Door, Secret};
use super::kept::Kept;
use super::psql::Psql;
use super::secrets::Secrets;
use super::session::Options;
use super::statement::Ask;
use super::tls;
use super::tunnel::{self, Keeping, Tunnel};

use serde_json::Value;

use crate::backend::{BackendError, DatabaseAccess, ErrorKind, ProbeRequest};
use crate::domain::ids::PodKey;
use crate::domain::permission::{self, Permission};
use crate::domain::probe::{Route, SqlError};
use crate::domain::text::sanitise;

/// The database that exists in every instance, for what is true of the instance.
pub(super) const MAINTENANCE_DATABASE: &str = "postgres";

/// Why a way did not lead to answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Completes "unknown, because …".
    pub(super) because: String,
    /// Permissions that are missing.
    pub(super) missing: Vec<String>,
    /// PostgreSQL itself refused the session.
    pub(super) refused: Option<SqlError>,
}

impl Trouble {
    /// Trouble without a missing permission.
    pub(super) fn new(because: impl Into<String>) -> Self {
        Self {
            because: because.into(),
            missing: Vec::new(),
            refused: None,
        }
    }

    /// PostgreSQL refused the session.
    pub(super) fn refused(because: impl Into<String>, error: SqlError) -> Self {
        Self {
            refused: Some(error),
            ..Self::new(because)
        }
    }

    /// The permission is missing.
    pub(super) fn forbidden(permission: String) -> Self {
        Self {
            because: permission::missing(&permission),
            missing: vec![permission],
            refused: None,
        }
    }

    /// Both stand in the way.
    fn and(mut self, other: Self) -> Self {
        if other.because != self.because {
            self.because = format!("{}, and {}", self.because, other.because);
            self.missing.extend(other.missing);
        }
        self
    }

    /// What the API server answered to an attempt that needs `verb` on `resource` in the pod's namespace.
    pub(super) fn of_backend(error: &BackendError, verb: &str, resource: &str, namespace: &str) -> Self {
        match error.kind {
            ErrorKind::Forbidden => Self::forbidden(Permission::new(verb, resource, namespace).to_string()),
            _ => Self::new(sanitise(&error.to_string())),
        }
    }
}

/// One way to PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way<'a> {
    /// The tunnel, as the superuser of this secret.
    Superuser(&'a str),
    /// `psql` in the pod.
    Exec,
    /// The tunnel, as the application owner of this secret.
    Application(&'a str),
    /// The metrics of the instance manager.
    Metrics,
}

impl Way<'_> {
    /// How it is named in a reason.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Superuser(_) => "tunnel as superuser",
            Self::Exec => "exec",
            Self::Application(_) => "tunnel as application owner",
            Self::Metrics => "metrics",
        }
    }
}

impl<'a> Way<'a> {
    /// The secret with its user and password.
    pub(super) fn secret(self) -> Option<&'a str> {
        match self {
            Self::Superuser(name) | Self::Application(name) => Some(name),
            Self::Exec | Self::Metrics => None,
        }
    }
}

impl Way<'_> {
    /// What the way needs leave for, beside secrets.
    pub(super) fn permission(self, namespace: &str) -> Permission {
        match self {
            Self::Superuser(_) | Self::Application(_) => Permission::new("create", "pods/portforward", namespace),
            Self::Exec => Permission::new("create", "pods/exec", namespace),
            Self::Metrics => Permission::new("get", "pods/proxy", namespace),
        }
    }
}

/// The ways that are tried, best first.
pub(super) fn ways(access: DatabaseAccess, request: &ProbeRequest) -> Vec<Way<'_>> {
    let superuser = request.superuser_secret.as_deref().map(Way::Superuser);
    let application = Way::Application(&request.application_secret);
    match access {
        // A proof comes from a session, not from what was collected some time ago.
        DatabaseAccess::Auto if request.fresh => superuser.into_iter().chain([Way::Exec, application]).collect(),
        DatabaseAccess::Auto => superuser.into_iter().chain([Way::Exec, application, Way::Metrics]).collect(),
        DatabaseAccess::Tunnel => superuser.into_iter().chain([application]).collect(),
        DatabaseAccess::Exec => vec![Way::Exec],
        DatabaseAccess::Off => Vec::new(),
    }
}

/// What lines are made with.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub(super) door: &'a Arc<dyn Door>,
    pub(super) secrets: &'a Secrets,
    pub(super) kept: &'a Arc<Kept>,
    pub(super) avoided: &'a Avoided,
    /// Of a session.
    pub(super) timeout: Duration,
}

/// A way whose credentials are at hand.
pub(super) enum Line {
    /// Through a port-forward.
    Tunnel(Tunnel),
    /// By exec.
    Exec(Psql),
}

impl Line {
    /// Fetches what the way needs. Whether it is out of memory, so that what has changed since is not known.
    pub(super) async fn prepare(way: Way<'_>, with: &Means<'_>, request: &ProbeRequest) -> Result<(Self, bool), Trouble> {
        let Means {
            door,
            secrets,
            kept,
            avoided,
            timeout,
        } = *with;
        let options = Options::new(timeout, &request.environment, request.major);
        let (name, superuser) = match way {
            Way::Exec => return Ok((Self::Exec(Psql::new(door.clone(), request.pod.clone(), &options)), false)),
            Way::Superuser(name) => (name, true),
            Way::Application(name) => (name, false),
            Way::Metrics => return Err(Trouble::new("metrics know no session")),
        };
        let namespace = &request.pod.namespace;
        if request.fresh {
            secrets.forget(namespace, &request.ca_secret);
            secrets.forget(namespace, name);
        }
        let read = |name| secrets.read(door, namespace, name);
        let ((authority, one), (credentials, other)) = match futures::join!(read(&request.ca_secret), read(name)) {
            (Ok(authority), Ok(credentials)) => (authority, credentials),
            (Err(one), Err(other)) => return Err(one.and(other)),
            (Err(trouble), _) | (_, Err(trouble)) => return Err(trouble),
        };
        let login = tunnel::Login {
            user: text(&credentials, namespace, name, "username")?,
            password: credentials.get("password").unwrap_or_default().to_vec(),
            // The superuser's secret says `*`.
            database: match text(&credentials, namespace, name, "dbname") {
                Ok(database)
                    if !superuser && !database.is_empty() && avoided.database(&request.cluster_key(), &sanitise(&database)).is_none() =>
                {
                    database
                }
                _ => MAINTENANCE_DATABASE.to_owned(),
            },
            superuser,
            secret: format!("{namespace}/{name}"),
        };
        let certificate = authority.get("ca.crt").unwrap_or_default();
        let authority = tls::Authority::new(certificate, format!("{namespace}/{}", request.ca_secret), request.service.clone())?;
        let tunnel = Self::Tunnel(Tunnel::new(
            door.clone(),
            request.pod.clone(),
            options,
            login,
            authority,
            Keeping {
                kept: kept.clone(),
                uid: request.uid.clone(),
                fresh: request.fresh,
                may_keep: request.may_keep,
            },
        ));
        Ok((tunnel, one || other))
    }

    /// The route that it is.
    pub(super) fn route(&self) -> Route {
        match self {
            Self::Tunnel(_) => Route::Tunnel,
            Self::Exec(_) => Route::Exec,
        }
    }

    /// The database for what is true of the instance.
    pub(super) fn base(&self) -> &str {
        match self {
            Self::Tunnel(tunnel) => tunnel.database(),
            Self::Exec(_) => MAINTENANCE_DATABASE,
        }
    }

    /// The session will most likely be a superuser's, so everything can be asked at once.
    pub(super) fn expects_superuser(&self) -> bool {
        match self {
            Self::Tunnel(tunnel) => tunnel.superuser(),
            Self::Exec(_) => true,
        }
    }

    /// A session of before in a database, with what was set for the paths when it was asked last.
    pub(super) fn kept(&self, database: &str) -> Option<(Session<'_>, Value)> {
        match self {
            Self::Tunnel(tunnel) => tunnel
                .kept(database)
                .map(|(session, overrides)| (Session::Tunnel(session), overrides)),
            Self::Exec(_) => None,
        }
    }

    /// Keeps a session for the next reading, or ends it.
    pub(super) async fn keep(&self, database: &str, session: Session<'_>, overrides: Option<&Value>) {
        let left = match (self, session, overrides) {
            (Self::Tunnel(tunnel), Session::Tunnel(session), Some(overrides)) => {
                tunnel.keep(database, session, overrides.clone()).map(Session::Tunnel)
            }
            (_, session, _) => Some(session),
        };
        if let Some(left) = left {
            left.close().await;
        }
    }

    /// A new session in a database.
    pub(super) async fn open(&self, database: &str) -> Result<Session<'_>, Trouble> {
        match self {
            Self::Tunnel(tunnel) => tunnel.open(database).await.map(Session::Tunnel),
            Self::Exec(psql) => Ok(Session::Exec(psql, database.to_owned())),
        }
    }
}

/// A session in one database.
pub(super) enum Session<'a> {
    /// One connection.
    Tunnel(tunnel::Session),
    /// One run of `psql` for each batch of questions.
    Exec(&'a Psql, String),
}

impl Session<'_> {
    /// Asks everything at once; the answers come in the order of the questions, each failing alone.
    pub(super) async fn ask(&self, asks: &[Ask]) -> Result<Vec<Answer>, Trouble> {
        match self {
            Self::Tunnel(session) => Ok(session.ask(asks).await),
            Self::Exec(psql, database) => psql.ask(database, asks).await,
        }
    }

    /// Says good-bye to the server.
    pub(super) async fn close(self) {
        if let Self::Tunnel(session) = self {
            session.close().await;
        }
    }
}

fn text(secret: &Secret, namespace: &str, name: &str, key: &str) -> Result<String, Trouble> {
    secret
        .get(key)
        .and_then(|value| std::str::from_utf8(value).ok())
        .map(str::to_owned)
        .ok_or_else(|| Trouble::new(format!("secret {namespace}/{name} has no {key}")))
}

/// The pod in a sentence.
pub(super) fn pod_name(pod: &PodKey) -> String {
    sanitise(&pod.name)
}
