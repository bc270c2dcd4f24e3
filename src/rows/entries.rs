//! The extension entries of the selected cluster with their ladders.

use super::standing::Standing;
use super::text::image_name;
use super::{Cell, Column, Columns, Line, Panel, Role, key_of, mark, mistakes};
use crate::app::action::Action;
use crate::app::model::{Model, Pane, Session};
use crate::domain::catalog::Origin;
use crate::domain::cluster::{Cluster, Phase};
use crate::domain::ladder::{RungKind, RungState};
use crate::domain::outline::Outline;
use crate::domain::rollout;
use crate::domain::watch::Kind;

/// The pane of the entries.
pub fn entries(model: &Model) -> Panel {
    let mut panel = Panel {
        title: Line::new(Role::Title, "Entries"),
        ..Panel::default()
    };
    let (Some(session), Some(key)) = (model.session(), model.selected_cluster()) else {
        panel.head = Standing::of(model, &[Kind::Cluster]).lines;
        if panel.head.is_empty() {
            panel.head.push(Line::new(Role::Dim, "no cluster is selected"));
        }
        return panel;
    };
    panel.title = Line::new(Role::Title, key.to_string());
    let (filter, is_filtering) = (&model.screen.entry_filter, model.screen.is_filtering(Pane::Entries));
    if !filter.is_empty() || is_filtering {
        panel.title = panel.title.with(Role::Key, format!("  /{}", filter.text()));
    }
    let Some(cluster) = session.world.clusters.get(key) else {
        return panel;
    };
    panel.aside = phase(session, cluster);
    let standing = Standing::of(model, &[Kind::Cluster, Kind::Pod]);
    panel.stale = standing.stale;
    panel.head = standing.lines;
    if !is_filtering {
        panel.head.extend(mistakes(filter));
    }
    let entries: Vec<&Outline> = model.entries_in_view().collect();
    if entries.is_empty() {
        panel.head.extend(nothing(model, session, cluster));
        return panel;
    }
    let chosen = model.selected_entry().map(|one| &one.entry);
    let at = entries.iter().position(|one| Some(&one.entry) == chosen).unwrap_or_default();
    let selected = selected_rung(model, entries.get(at).and_then(|entry| entry.headline()).map(|rung| rung.kind));
    panel.table = Some(columns(selected).table(&entries, at, entries.len()));
    panel
}

/// The rung that is selected: the chosen one, else the headline.
pub fn selected_rung(model: &Model, headline: Option<RungKind>) -> Option<RungKind> {
    model.screen.rung.or(headline)
}

fn columns<'a>(selected: Option<RungKind>) -> Columns<'static, &'a Outline> {
    let rung = |kind: RungKind, column: Column| Column {
        marked: selected == Some(kind),
        tight: true,
        ..column
    };
    let counted = [
        (RungKind::Mounted, Column::whole("MOUNT").short("MNT")),
        (RungKind::OnPath, Column::whole("PATH")),
        (RungKind::Available, Column::whole("AVAIL").short("AVL")),
        (RungKind::Preloaded, Column::whole("PRELOAD").short("PRE")),
        (RungKind::Requested, Column::whole("REQ")),
        (RungKind::Installed, Column::whole("INSTALLED").short("INST")),
    ];
    let columns = Columns::default()
        .with(Column::whole(""), |entry: &&Outline| mark::rung(entry.state()))
        .with(Column::cut("ENTRY", 8), |entry| Cell::new(Role::Strong, &*entry.entry))
        .with(Column::cut("IMAGE", 24).ranked(1), |entry| image(entry));
    let columns = counted.into_iter().fold(columns, |columns, (kind, column)| {
        columns.with(rung(kind, column), move |entry| mark::rung_cell(entry.rung(kind)))
    });
    let version_column = rung(RungKind::AtVersion, Column::cut("VERSION", 6).short("VERS"));
    columns.with(version_column, |entry| version(entry))
}

pub(super) fn image(entry: &Outline) -> Cell {
    match (&entry.reference, entry.origin) {
        (Some(reference), Origin::Catalog) => Cell::plain(format!("{} catalog", tag(entry, reference))),
        (Some(reference), Origin::Cluster) => Cell::plain(tag(entry, reference)),
        (None, _) => Cell::new(Role::Unknown, "? none resolved"),
    }
}

/// The image without what the entry's name says already.
fn tag<'a>(entry: &Outline, reference: &'a str) -> &'a str {
    let name = image_name(reference);
    match name.strip_prefix(&*entry.entry) {
        Some(tag) if tag.starts_with([':', '@']) => tag,
        _ => name,
    }
}

/// The installed version, or how many there are; with the mark of the rung.
pub(super) fn version(entry: &Outline) -> Cell {
    let cell = mark::rung_cell(entry.rung(RungKind::AtVersion));
    let mut versions: Vec<&str> = entry.installed.iter().map(|there| &*there.version).collect();
    versions.sort_unstable();
    versions.dedup();
    // Several SQL extensions of one entry have each their own version; only that of one may differ between databases.
    let of_one = entry.installed.chunk_by(|one, next| one.extension == next.extension);
    let most = of_one.map(<[_]>::len).max().unwrap_or_default();
    let text = match versions.as_slice() {
        [] => return cell,
        [one] => (*one).to_owned(),
        _ if most > 1 => format!("{most} differ"),
        several => format!("{} versions", several.len()),
    };
    let lead = match entry.rung(RungKind::AtVersion).map(|rung| rung.state) {
        Some(RungState::Holds | RungState::NotApplicable) => " ".to_owned(),
        Some(state) => mark::rung(state).text,
        None => "?".to_owned(),
    };
    Cell::new(cell.role, format!("{lead}{text}"))
}

/// What the operator says, whether the rollout is blocked, and who is primary.
fn phase(session: &Session, cluster: &Cluster) -> Line {
    let rollout = rollout::assess(&session.world, cluster);
    let status = &cluster.status;
    let word = phase_word(cluster);
    let line = if rollout.blocked.is_some() {
        Line::new(Role::Broken, format!("! blocked · {word}"))
    } else if !session.world.knows(Kind::Pod) {
        Line::new(Role::Unknown, format!("? {word}"))
    } else if rollout.complete {
        Line::new(Role::Holds, format!("● {word}"))
    } else if status.phase_kind() == Phase::Healthy {
        Line::new(Role::InProgress, "▶ not rolled out")
    } else {
        Line::new(Role::InProgress, format!("▶ {word}"))
    };
    let line = match rollout::cause(&session.world, cluster, &rollout) {
        Some(cause) => line.with(Role::Dim, format!(" · {}", cause.words())),
        None => line,
    };
    match &status.current_primary {
        Some(primary) => line.with(Role::Dim, format!(" · {primary} primary")),
        None => line.with(Role::Unknown, " · ? no primary"),
    }
}

/// The operator's phase in few words.
fn phase_word(cluster: &Cluster) -> &str {
    match cluster.status.phase_kind() {
        Phase::Healthy => "healthy",
        Phase::Upgrading => "upgrading",
        Phase::Delayed => "upgrade delayed",
        Phase::WaitingForUser => "waits for a promotion",
        Phase::RestartingInPlace => "primary restarts in place",
        Phase::RecreatingPrimary => "primary is recreated",
        Phase::Switchover => "switchover",
        Phase::FailingOver => "failing over",
        Phase::ApplyingConfiguration => "applying configuration",
        Phase::WaitingForInstances => "waiting for instances",
        Phase::CatalogError => "catalog error",
        Phase::Unrecoverable => "unrecoverable",
        Phase::InvalidDefinition => "invalid definition",
        Phase::DiskSpace => "not enough disk space",
        Phase::SettingUpPrimary => "setting up the primary",
        Phase::CreatingReplica => "creating a replica",
        Phase::OnlineUpgrade => "instance managers are replaced",
        Phase::MajorUpgrade => "major upgrade",
        Phase::PromotingReplicaCluster => "becoming a primary cluster",
        Phase::MissingArchitecture => "missing architecture",
        Phase::ObjectsNotCreated => "objects not created",
        Phase::UnknownPlugin => "unknown plugin",
        Phase::PluginError => "plugin error",
        Phase::NoInstanceStatus => "no instance answers the operator",
        Phase::Other if cluster.status.phase.is_empty() => "no status yet",
        Phase::Other => &cluster.status.phase,
    }
}

fn nothing(model: &Model, session: &Session, cluster: &Cluster) -> Vec<Line> {
    let Some(brief) = session.briefs.get(&cluster.key) else {
        return vec![Line::new(Role::InProgress, "○ loading: the ladder is not computed yet")];
    };
    if !brief.entries.is_empty() {
        return vec![
            Line::plain("no entry matches the filter"),
            Line::new(Role::Dim, format!("{} clears it", key_of(model, Action::Back))),
        ];
    }
    let mut lines = vec![Line::plain("no extension entries in this cluster").indented(2)];
    lines.push(Line::new(
        Role::Dim,
        if model.is_read_only() {
            "read-only mode: start without --read-only to add one".to_owned()
        } else {
            format!("{} adds one", key_of(model, Action::AddExtension))
        },
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ladder::{DatabaseRow, Ladder, NamesFrom};

    fn told(rows: &[(&str, &str, &str)]) -> String {
        let rows = rows.iter().map(|(database, extension, installed)| DatabaseRow {
            database: (*database).to_owned(),
            object: None,
            extension: (*extension).to_owned(),
            is_requested: false,
            requested: None,
            installed: Some((*installed).to_owned()),
            unknown: None,
            available: None,
            update_path: None,
            message: None,
            fresh: true,
        });
        let ladder = Ladder {
            entry: "geo".to_owned(),
            origin: Origin::Cluster,
            reference: None,
            sql_names: Vec::new(),
            names_from: NamesFrom::ControlFiles,
            rungs: Vec::new(),
            databases: rows.collect(),
        };
        version(&Outline::of(&ladder)).text
    }

    #[test]
    fn versions_differ_only_where_one_extension_has_several() {
        assert_eq!(told(&[("app", "postgis", "3.6.1"), ("web", "postgis", "3.6.1")]), "?3.6.1");
        let two = [("app", "postgis", "3.6.1"), ("app", "address_standardizer", "3.5.0")];
        assert_eq!(told(&two), "?2 versions");
        let differ = [("app", "postgis", "3.6.1"), ("web", "postgis", "3.5.0"), ("app", "other", "1.0")];
        assert_eq!(told(&differ), "?2 differ");
    }
}
