//! The effective paths, element by element: which entry contributes each, and whether it is live.

use super::standing;
use super::time::ago;
use super::{Cell, Column, Line, Panel, Role, Table};
use crate::app::model::{Model, Session, Tab};
use crate::domain::cluster::Cluster;
use crate::domain::extension::ExtensionEntry;
use crate::domain::instance::Instance;
use crate::domain::paths::{PathElement, PathRow, PathSetting, compare, expected};
use crate::domain::probe::{DatabaseProbe, Fact, FileKind, InstanceProbe};

const SETTINGS: [PathSetting; 4] = [
    PathSetting::ExtensionControlPath,
    PathSetting::DynamicLibraryPath,
    PathSetting::LdLibraryPath,
    PathSetting::Path,
];

/// The paths of an instance, then of every instance and database whose value is another.
pub fn paths(model: &Model) -> Panel {
    let mut panel = Panel::default();
    let parts = model
        .session()
        .and_then(|session| Some((session, session.world.clusters.get(model.selected_cluster()?)?)));
    let Some((session, cluster)) = parts else {
        panel.head.push(Line::new(Role::Dim, "no cluster is selected"));
        return panel;
    };
    panel.head = standing::of_sql(model, &cluster.key);
    let entries = session.world.entries_of(cluster);
    let first = shown_instance(model, session, cluster);
    let answer = first.and_then(|instance| session.world.answer_of(instance));
    if let (Some(instance), Some(answer)) = (first, answer) {
        panel.head.push(
            Line::new(Role::Dim, "read in ")
                .with(Role::Strong, &instance.key.name)
                .with(Role::Dim, format!(", {}", ago(model, answer.at)))
                .with(Role::Dim, alike(session, cluster, answer))
                .indented(2),
        );
        panel.head.extend(untold(session, cluster));
        panel.head.extend(sources(answer));
    }
    panel.head.extend(order(cluster, &entries));
    let mut rows = Vec::new();
    for setting in SETTINGS {
        of_setting(&mut rows, session, cluster, &entries, setting, answer);
    }
    if rows.is_empty() {
        panel
            .head
            .push(Line::plain("no entry contributes to a path, and the cluster sets none").indented(2));
        return panel;
    }
    panel.foot = answer.map(shadowed).unwrap_or_default();
    let columns = vec![
        Column::cut("SETTING", 12),
        Column::cut("OF", 6).ranked(2),
        Column::cut("ELEMENT", 26),
        Column::cut("ENTRY", 6).ranked(1),
        Column::whole("EXPECTED").short("EXP"),
        Column::whole("LIVE"),
    ];
    let at = model.screen.rows.get(&Tab::Paths).copied().unwrap_or_default();
    panel.table = Some(Table::new(columns, rows, at));
    panel
}

/// Where else every path is the same.
fn alike(session: &Session, cluster: &Cluster, answer: &InstanceProbe) -> String {
    let world = &session.world;
    let same_everywhere = |other: &InstanceProbe| SETTINGS.into_iter().all(|setting| live(setting, other) == live(setting, answer));
    let instances = world
        .instances_of(&cluster.key)
        .filter_map(|instance| world.answer_of(instance))
        .filter(|other| other.pod != answer.pod && same_everywhere(other))
        .map(|other| other.pod.name.as_str());
    let same_in = |database: &DatabaseProbe| {
        database.settings.known().is_some_and(|settings| {
            [PathSetting::ExtensionControlPath, PathSetting::DynamicLibraryPath]
                .into_iter()
                .all(|setting| settings.get(setting.as_str()).map(|setting| setting.value.as_str()) == live(setting, answer))
        })
    };
    let databases = answer
        .databases
        .iter()
        .filter(|database| same_in(database))
        .map(|database| format!("database {}", database.database));
    let same: Vec<String> = instances.map(str::to_owned).chain(databases).collect();
    if same.is_empty() {
        String::new()
    } else {
        format!("; the same in {}", same.join(", "))
    }
}

/// Where the path settings come from, and what goes over them in some sessions.
fn sources(answer: &InstanceProbe) -> Vec<Line> {
    let settings = answer.server.known().map(|server| &server.settings);
    let mut lines = Vec::new();
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for setting in [PathSetting::ExtensionControlPath, PathSetting::DynamicLibraryPath] {
        let Some(found) = settings.and_then(|settings| settings.get(setting.as_str())) else {
            continue;
        };
        let file = found.file.as_deref().and_then(|file| file.rsplit('/').next());
        let source = file.map_or_else(|| format!("set by {}", found.source), |file| format!("set in {file}"));
        match told.iter_mut().find(|(of, _)| *of == source) {
            Some((_, names)) => names.push(setting.as_str()),
            None => told.push((source, vec![setting.as_str()])),
        }
    }
    for (source, names) in told {
        lines.push(Line::new(Role::Dim, format!("{}: {source}", names.join(", "))).indented(2));
    }
    for set in answer.overrides.known().into_iter().flatten() {
        lines.push(
            Line::new(Role::Warning, "▲ ")
                .with(Role::Text, format!("{} TO '{}' overrides that", set.statement(), set.value))
                .indented(2),
        );
    }
    lines
}

/// Instances whose paths are not known, with the reason.
fn untold(session: &Session, cluster: &Cluster) -> Option<Line> {
    let world = &session.world;
    let silent: Vec<String> = world
        .instances_of(&cluster.key)
        .filter(|instance| world.answer_of(instance).is_none())
        .map(|instance| {
            let why = world
                .failure_of(instance)
                .map_or("it has not been asked yet", |failure| failure.because.as_str());
            format!("{}: {why}", instance.key.name)
        })
        .collect();
    (!silent.is_empty()).then(|| {
        Line::new(Role::Unknown, "? unknown in ")
            .with(Role::Text, silent.join("; "))
            .indented(2)
    })
}

/// The selected instance if it answered, else the primary, else any that answered.
fn shown_instance<'a>(model: &Model, session: &'a Session, cluster: &'a Cluster) -> Option<&'a Instance> {
    let world = &session.world;
    let chosen = model.screen.instance.as_ref().and_then(|key| world.instances.get(key));
    chosen
        .filter(|instance| instance.cluster == cluster.key)
        .into_iter()
        .chain(world.primary_of(cluster))
        .chain(world.instances_of(&cluster.key))
        .find(|instance| world.answer_of(instance).is_some())
}

fn of_setting(
    rows: &mut Vec<Vec<Cell>>,
    session: &Session,
    cluster: &Cluster,
    entries: &[ExtensionEntry],
    setting: PathSetting,
    answer: Option<&InstanceProbe>,
) {
    let wanted = expected(setting, entries, cluster.spec.parameters.get(setting.as_str()).map(String::as_str));
    let value = answer.and_then(|answer| live(setting, answer));
    if wanted.is_empty() && value.is_none_or(|value| !is_ours(value)) {
        return;
    }
    let of = answer.map_or("every instance", |answer| answer.pod.name.as_str());
    push(rows, setting, of, &wanted, value, true);
    let others = session
        .world
        .instances_of(&cluster.key)
        .filter_map(|instance| session.world.answer_of(instance))
        .filter(|other| Some(&other.pod) != answer.map(|answer| &answer.pod));
    for other in others {
        let theirs = live(setting, other);
        if theirs != value {
            push(rows, setting, &other.pod.name, &wanted, theirs, false);
        }
    }
    for database in answer.into_iter().flat_map(|answer| &answer.databases) {
        let own = database
            .settings
            .known()
            .and_then(|settings| Some(settings.get(setting.as_str())?.value.as_str()));
        if own.is_some() && own != value {
            push(rows, setting, &format!("database {}", database.database), &wanted, own, false);
        }
    }
}

/// A value that no entry explains is the image's own, unless it names the mounts.
fn is_ours(value: &str) -> bool {
    value.contains(crate::domain::extension::MOUNT_ROOT)
}

fn push(rows: &mut Vec<Vec<Cell>>, setting: PathSetting, of: &str, wanted: &[PathElement], live: Option<&str>, first: bool) {
    let environment = matches!(setting, PathSetting::LdLibraryPath | PathSetting::Path);
    for (at, row) in compare(wanted, live).into_iter().enumerate() {
        // What the image itself has on such a path is not a finding.
        if environment && !row.expected && !is_ours(&row.element.text) {
            continue;
        }
        let name = if at == 0 && first { setting.as_str() } else { "" };
        let of = if at == 0 { of } else { "" };
        rows.push(cells(name, of, &row));
    }
}

fn cells(name: &str, of: &str, row: &PathRow) -> Vec<Cell> {
    let yes = |is| {
        if is {
            Cell::new(Role::Text, "✓")
        } else {
            Cell::new(Role::Warning, "– no")
        }
    };
    vec![
        Cell::new(Role::Strong, name),
        Cell::new(Role::Dim, of),
        Cell::plain(&row.element.text),
        row.element
            .entry
            .as_ref()
            .map_or_else(|| Cell::new(Role::NotApplicable, "–"), |entry| Cell::plain(entry.as_str())),
        yes(row.expected),
        match row.live {
            Some(true) if row.expected => Cell::new(Role::Holds, "● live"),
            Some(true) => Cell::new(Role::Warning, "▲ live"),
            Some(false) => Cell::new(Role::Broken, "! missing"),
            None => Cell::new(Role::Unknown, "? unknown"),
        },
    ]
}

/// The value of the instance as a whole.
fn live(setting: PathSetting, answer: &InstanceProbe) -> Option<&str> {
    match setting {
        PathSetting::ExtensionControlPath | PathSetting::DynamicLibraryPath => {
            let setting = answer.server.known()?.settings.get(setting.as_str())?;
            Some(&setting.value)
        }
        // The environment was read and has no such variable: that is an empty path.
        PathSetting::LdLibraryPath | PathSetting::Path => {
            let environment = answer.environment.known()?;
            Some(environment.get(setting.as_str()).map_or("", String::as_str))
        }
    }
}

/// Said when the operator resolved the entries in another order than the spec has them.
fn order(cluster: &Cluster, resolved: &[ExtensionEntry]) -> Option<Line> {
    let names = |entries: &[ExtensionEntry]| entries.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>();
    let (spec, resolved) = (names(&cluster.spec.extensions), names(resolved));
    (spec != resolved).then(|| {
        Line::new(Role::Warning, "▲ ")
            .with(
                Role::Text,
                format!("order in the spec: {}; as resolved: {}", list(&spec), list(&resolved)),
            )
            .indented(2)
    })
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Files of entries that PostgreSQL does not take, because an earlier element has one of the same name.
fn shadowed(answer: &InstanceProbe) -> Vec<Line> {
    let files = match &answer.files {
        Fact::Known(files) => files,
        Fact::Failed(_) | Fact::Unknown(_) => {
            let why = answer.files.because().unwrap_or_default();
            return vec![
                Line::new(Role::Unknown, "? ")
                    .with(Role::Text, format!("shadowing is unknown, because {why}"))
                    .indented(2),
            ];
        }
    };
    files
        .iter()
        .filter(|file| file.rank > 1 && is_ours(&file.element))
        .map(|file| {
            let taken = files
                .iter()
                .find(|other| other.kind == file.kind && other.name == file.name && other.rank == 1)
                .map_or("an earlier element", |other| other.element.as_str());
            let (suffix, what) = match file.kind {
                FileKind::Control => (".control", "control file"),
                FileKind::Library => (".so", "library"),
            };
            Line::new(Role::Warning, "▲ shadowed: ")
                .with(
                    Role::Text,
                    format!(
                        "the {what} {}{suffix} of {} is never used, {taken} has one, too",
                        file.name, file.element
                    ),
                )
                .indented(2)
        })
        .collect()
}
