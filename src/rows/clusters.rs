//! The clusters of the target.

use super::standing::Standing;
use super::{Cell, Column, Columns, Line, Panel, Role, Room, key_of, mark, mistakes};
use crate::app::action::Action;
use crate::app::listing::{Brief, ListedCluster};
use crate::app::model::{Model, Pane, Session};
use crate::backend::Scope;
use crate::domain::ids::ClusterKey;
use crate::domain::ladder::RungState;
use crate::domain::watch::Kind;

/// Columns of the pane besides those of the name.
const BESIDES: usize = 19;
/// Panes that are narrower say the order in one word.
const NARROW: usize = 26;
/// More clusters than these are summed up.
const FEW: usize = 5;

/// The pane of the clusters.
pub fn clusters(model: &Model, room: Room) -> Panel {
    let standing = Standing::of(model, &[Kind::Cluster]);
    let mut panel = Panel {
        title: title(model, room),
        stale: standing.stale,
        head: standing.lines.clone(),
        ..Panel::default()
    };
    let filter = &model.screen.cluster_filter;
    if !filter.is_empty() || model.screen.is_filtering(Pane::Clusters) {
        panel.aside = Line::new(Role::Key, format!("/{}", filter.text()));
    }
    let Some(session) = model.session() else { return panel };
    let shown = model.clusters_in_view();
    if shown.is_empty() {
        if !standing.missing {
            panel.head.extend(nothing(model, session));
        }
        return panel;
    }
    // The pane of the entries says it in full.
    panel.head = standing.words;
    if !model.screen.is_filtering(Pane::Clusters) {
        panel.head.extend(mistakes(filter));
    }
    if session.world.clusters.len() > FEW {
        panel.head.push(sum(shown.iter().map(ListedCluster::state), room.columns));
    }
    let selected = model.selected_cluster();
    let at = shown.iter().position(|one| Some(one.key) == selected).unwrap_or_default();
    panel.table = Some(columns(session, &shown).table(&shown, at, room.rows));
    panel
}

/// Columns that the pane needs for the longest name.
pub fn width(model: &Model) -> usize {
    let Some(session) = model.session() else { return 0 };
    let with_namespace = session.target.scope == Scope::All;
    // Names of objects are ASCII.
    let wide = |key: &ClusterKey| key.name.len() + if with_namespace { key.namespace.len() + 1 } else { 0 };
    session.world.clusters.keys().map(wide).max().unwrap_or_default() + BESIDES
}

/// Rows that the pane needs for all clusters, whether they pass the filter or not: it does not move while one is typed.
pub fn height(model: &Model) -> usize {
    match model.session().map_or(0, |session| session.world.clusters.len()) {
        0 => 0,
        // The frame and the headings, and the line that sums up.
        count => count + 3 + usize::from(count > FEW),
    }
}

fn title(model: &Model, room: Room) -> Line {
    let several = model.session().is_some_and(|session| session.world.clusters.len() > 1);
    let sort = model.screen.sort.as_str();
    if !several {
        Line::new(Role::Title, "Clusters")
    } else if room.columns < NARROW {
        Line::new(Role::Title, format!("By {sort}"))
    } else {
        Line::new(Role::Title, "Clusters").with(Role::Dim, format!(" by {sort}"))
    }
}

/// How many are broken, in progress and unknown, in one line.
pub(super) fn sum(states: impl Iterator<Item = RungState>, columns: usize) -> Line {
    let kinds = [RungState::Broken, RungState::InProgress, RungState::Unknown];
    let mut counts = [0_usize; 3];
    let mut hold = 0_usize;
    for state in states {
        hold += usize::from(state == RungState::Holds);
        for (kind, count) in kinds.iter().zip(&mut counts) {
            *count += usize::from(*kind == state);
        }
    }
    let counted = || kinds.iter().zip(counts).filter(|(_, count)| *count > 0);
    let line = |with_words: bool| {
        counted().enumerate().fold(Line::empty(), |line, (at, (kind, count))| {
            let mark = mark::rung(*kind);
            let gap = if at == 0 { "" } else { "  " };
            let word = if with_words {
                format!(" {}", mark::rung_word(*kind))
            } else {
                String::new()
            };
            line.with(mark.role, format!("{gap}{} {count}{word}", mark.text))
        })
    };
    let (long, short) = (line(true), line(false));
    if counted().next().is_none() {
        let mark = mark::rung(RungState::Holds);
        Line::new(mark.role, format!("{} {hold} hold", mark.text))
    } else if long.width() + 4 <= columns {
        long
    } else {
        short
    }
}

fn columns<'a>(session: &'a Session, shown: &[ListedCluster<'_>]) -> Columns<'a, ListedCluster<'a>> {
    let with_namespace = session.target.scope == Scope::All;
    // As wide as the largest numbers of all rows need, in sight or not.
    let digits = |number: usize| number.max(1).ilog10() as usize + 1;
    let clusters = session.world.clusters.values();
    let instances = clusters.map(|cluster| cluster.spec.instances as usize).max().unwrap_or_default();
    let findings = shown.iter().filter_map(|one| one.brief).map(|brief| brief.findings).max();
    Columns::default()
        .with(Column::whole(""), |one: &ListedCluster<'_>| mark::rung(one.state()))
        .with(Column::filling("CLUSTER", 6).keyed(), move |one| {
            Cell::plain(if with_namespace {
                one.key.to_string()
            } else {
                one.key.name.clone()
            })
        })
        .with(Column::whole("READY").short("RDY").steady(2 * digits(instances) + 1), |one| {
            ready(session, one.key)
        })
        .with(
            Column::whole("").steady(digits(findings.unwrap_or_default()) + 1).ranked(1),
            |one| one.brief.map_or_else(super::table::blank, worst),
        )
}

/// Ready instances, of how many.
fn ready(session: &Session, key: &ClusterKey) -> Cell {
    let Some(cluster) = session.world.clusters.get(key).filter(|_| session.world.knows(Kind::Pod)) else {
        return Cell::new(Role::Unknown, "?");
    };
    let (up, wanted) = (
        session.world.instances_of(key).filter(|instance| instance.is_up()).count(),
        cluster.spec.instances,
    );
    let role = if u32::try_from(up) == Ok(wanted) {
        Role::Holds
    } else {
        Role::InProgress
    };
    Cell::new(role, format!("{up}/{wanted}"))
}

/// How many findings there are, after the mark of the worst.
fn worst(brief: &Brief) -> Cell {
    brief.worst.map_or_else(super::table::blank, |severity| {
        let mark = mark::severity(severity);
        Cell::new(mark.role, format!("{}{}", mark.text, brief.findings))
    })
}

fn nothing(model: &Model, session: &Session) -> Vec<Line> {
    if !session.world.clusters.is_empty() {
        let mut lines = vec![Line::plain("no cluster matches the filter").indented(2)];
        lines.extend(mistakes(&model.screen.cluster_filter));
        lines.push(Line::new(Role::Dim, format!("{} clears it", key_of(model, Action::Back))));
        return lines;
    }
    let mut lines = vec![
        Line::plain(match &session.target.scope {
            Scope::Namespace(namespace) => format!("no clusters in namespace {namespace}"),
            Scope::All => "no clusters in any namespace".to_owned(),
        })
        .indented(2),
    ];
    if session.target.scope != Scope::All {
        lines.push(Line::new(Role::Dim, format!("{} shows all namespaces", key_of(model, Action::AllNamespaces))).indented(2));
    }
    lines.push(
        Line::new(
            Role::Dim,
            format!("{} chooses another context", key_of(model, Action::SwitchContext)),
        )
        .indented(2),
    );
    lines
}
