//! `extop info`: what a report of a problem needs.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::documents;
use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::{Info, Output};
use super::report::WatchReport;
use super::version::{BUILD, Build, VERSION};
use crate::app::model::{Asks, Session};
use crate::backend::{DatabaseAccess, Observe, Read, Scope};
use crate::config::{Directories, Settings};
use crate::domain::change::{OPTIONAL_PERMISSIONS, PERMISSIONS};
use crate::domain::era::{PROVED, era};
use crate::domain::permission::{Extent, Permission, READS, Verdict};
use crate::domain::watch::Kind;
use crate::domain::{Timestamp, World};
use crate::runtime::{Connect, directories};

/// The document. A contract: fields are added, never renamed or removed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: &'static str,
    kind: &'static str,
    version: &'static str,
    build: &'static Build,
    /// Versions of the operator.
    proved_on: &'static [&'static str],
    settings: Vec<SettingOf>,
    files: Vec<File>,
    target: Option<Target>,
    problem: Option<String>,
    watches: Vec<WatchReport>,
    permissions: Vec<PermissionOf>,
}

#[derive(Debug, Serialize)]
struct SettingOf {
    name: String,
    value: String,
    origin: &'static str,
    from: Option<String>,
}

#[derive(Debug, Serialize)]
struct File {
    name: &'static str,
    path: String,
    exists: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    context: String,
    server: String,
    /// `insecure-skip-tls-verify` of the cluster entry.
    insecure_skip_tls_verify: bool,
    namespaces: String,
    kubernetes: Option<String>,
    operators: BTreeSet<String>,
    /// What the operator does with extension entries.
    era: Option<&'static str>,
    /// How that is known.
    era_from: Option<String>,
    /// Fields of an entry in the CRD.
    entry_fields: Option<BTreeSet<String>>,
}

#[derive(Debug, Serialize)]
struct PermissionOf {
    permission: String,
    verdict: &'static str,
    because: Option<String>,
}

/// Prints it all. A target that does not answer is part of it, and decides the exit code.
pub(super) async fn run(settings: &Settings, connect: Arc<dyn Connect>, options: &Info, out: &mut dyn Write) -> Result<Exit, Failure> {
    let mut document = Document::new(settings, directories().ok().as_ref());
    let end = ask(settings, connect, &mut document).await;
    if let Err(failure) = &end {
        document.problem = Some(failure.message.clone());
    }
    match options.output {
        Output::Json => documents::json(&document, out)?,
        Output::Yaml => documents::yaml(&document, out)?,
        Output::Table | Output::Wide => table(&document, out)?,
    }
    out.flush()?;
    end.map(|()| Exit::Done)
}

async fn ask(settings: &Settings, connect: Arc<dyn Connect>, document: &mut Document) -> Result<(), Failure> {
    // No SQL: versions and watches are known without touching PostgreSQL.
    let settings = Settings {
        database: DatabaseAccess::Off,
        ..settings.clone()
    };
    let connection = connect.open(settings.place.clone()).await?;
    let observe = Arc::clone(&connection.observe);
    let mut headless = Headless::adopt(&settings, connect, connection);
    let settled = headless.settle(Asks::Runs).await;
    headless.survey().await;
    let session = headless.session()?;
    document.target = Some(Target::new(session));
    document.watches = Kind::ALL
        .into_iter()
        .map(|kind| WatchReport::new(kind, session.world.watch(kind)))
        .collect();
    settled?;
    document.permissions = permissions(observe.as_ref(), &session.target.scope).await;
    Ok(())
}

/// What everything that extop does needs, in the order in which it is needed.
async fn permissions(observe: &dyn Observe, scope: &Scope) -> Vec<PermissionOf> {
    let reads = READS.iter().copied();
    let writes = PERMISSIONS.iter().chain(&OPTIONAL_PERMISSIONS);
    let asked: Vec<Permission> = reads
        .chain(writes.map(|&(verb, resource)| (verb, resource, Extent::Namespace)))
        .map(|(verb, resource, extent)| {
            let mut permission = Permission::new(verb, resource, "");
            permission.namespace = match scope {
                Scope::Namespace(namespace) if extent == Extent::Namespace => Some(namespace.clone()),
                _ => None,
            };
            permission
        })
        .collect();
    let mut world = World::default();
    world.apply(observe.read(Read::Permissions(asked.clone())).await, Timestamp::UNIX_EPOCH);
    asked
        .into_iter()
        .map(|permission| {
            let (verdict, because) = match world.may(&permission) {
                Some(Verdict::Allowed) => ("allowed", None),
                Some(Verdict::Denied) => ("denied", None),
                Some(Verdict::Unknown(why)) => ("unknown", Some(why.clone())),
                None => ("unknown", Some("there was no answer".to_owned())),
            };
            PermissionOf {
                permission: permission.to_string(),
                verdict,
                because,
            }
        })
        .collect()
}

impl Document {
    fn new(settings: &Settings, directories: Option<&Directories>) -> Self {
        let file = |name, path: &Path| File {
            name,
            path: path.display().to_string(),
            exists: path.exists(),
        };
        let log = settings.log_file.clone().or_else(|| directories.map(Directories::log));
        let mut files = Vec::new();
        if let Some(directories) = directories {
            files.push(file("configuration", &directories.config_file()));
            files.push(file("themes", &directories.themes()));
        }
        files.extend(log.map(|log| file("log", &log)));
        files.extend(directories.map(|directories| file("runs", &directories.runs())));
        Self {
            api_version: "extop/v1",
            kind: "Info",
            version: VERSION,
            build: &BUILD,
            proved_on: PROVED,
            settings: settings
                .told
                .iter()
                .map(|setting| SettingOf {
                    name: setting.name.clone(),
                    value: setting.value.clone(),
                    origin: setting.origin.as_str(),
                    from: setting.origin.detail(),
                })
                .collect(),
            files,
            target: None,
            problem: None,
            watches: Vec::new(),
            permissions: Vec::new(),
        }
    }
}

impl Target {
    fn new(session: &Session) -> Self {
        let era = era(&session.world);
        Self {
            context: session.target.context.clone(),
            server: session.target.server.clone(),
            insecure_skip_tls_verify: session.target.unverified,
            namespaces: session.target.scope.to_string(),
            kubernetes: session.world.kubernetes.clone(),
            era: era.as_ref().map(|(era, _)| era.means()),
            era_from: era.map(|(_, from)| from),
            entry_fields: match &session.world.schema {
                Some(Ok(Some(schema))) => Some(schema.fields.clone()),
                _ => None,
            },
            operators: session
                .world
                .instances
                .values()
                .filter_map(|instance| instance.operator_version.clone())
                .collect(),
        }
    }
}

fn table(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |name: &str, value: &str| writeln!(out, "{name:<27}{value}");
    line("extop", &format!("{} ({})", document.version, document.build.sentence()))?;
    line("proved on operator", &document.proved_on.join(", "))?;
    for file in &document.files {
        let absent = if file.exists { "" } else { " (not there)" };
        line(file.name, &format!("{}{absent}", file.path))?;
    }
    for setting in &document.settings {
        let from = setting.from.as_ref().map(|from| format!(", {from}")).unwrap_or_default();
        line(
            &format!("setting {}", setting.name),
            &format!("{} ({}{from})", setting.value, setting.origin),
        )?;
    }
    if let Some(target) = &document.target {
        line("context", &target.context)?;
        let unverified = if target.insecure_skip_tls_verify {
            " (its certificate is not verified: insecure-skip-tls-verify)"
        } else {
            ""
        };
        line("server", &format!("{}{unverified}", target.server))?;
        line("namespaces", &target.namespaces)?;
        line("kubernetes", target.kubernetes.as_deref().unwrap_or("unknown"))?;
        let operators: Vec<&str> = target.operators.iter().map(String::as_str).collect();
        let known = if operators.is_empty() {
            "unknown".to_owned()
        } else {
            operators.join(", ")
        };
        line("operator", &known)?;
        let era = target.era.map_or("unknown".to_owned(), |era| {
            format!("{era} ({})", target.era_from.as_deref().unwrap_or_default())
        });
        line("era", &era)?;
        if let Some(fields) = &target.entry_fields {
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            line("entry fields", &fields.join(", "))?;
        }
    }
    if let Some(problem) = &document.problem {
        line("target", problem)?;
    }
    for watch in &document.watches {
        let because = watch.because.as_ref().map(|because| format!(": {because}")).unwrap_or_default();
        line(&format!("watch {}", watch.kind), &format!("{}{because}", watch.state))?;
    }
    for permission in &document.permissions {
        let because = permission
            .because
            .as_ref()
            .map(|because| format!(": {because}"))
            .unwrap_or_default();
        line(
            &format!("permission {}", permission.verdict),
            &format!("{}{because}", permission.permission),
        )?;
    }
    Ok(())
}
