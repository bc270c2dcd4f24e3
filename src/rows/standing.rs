//! The state of the facts of a pane: listed, old, or missing, and what to do about it.

use super::time::since;
use super::{Line, Panel, Role, key_of, mark};
use crate::app::action::Action;
use crate::app::model::{Model, Session};
use crate::backend::DatabaseAccess;
use crate::domain::ids::ClusterKey;
use crate::domain::permission;
use crate::domain::watch::{Kind, WatchState};

/// The state of the objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Said above the content, or in its place when there is none; empty when all is well.
    pub lines: Vec<Line>,
    /// The same in a word or two each.
    pub words: Vec<Line>,
    /// The facts are old.
    pub stale: bool,
    /// Nothing was ever listed: what is not shown may be there.
    pub missing: bool,
}

impl Standing {
    /// The state of several kinds together.
    pub fn of(model: &Model, kinds: &[Kind]) -> Self {
        let Some(session) = model.session() else {
            return Self {
                lines: untold(model),
                missing: true,
                ..Self::default()
            };
        };
        let mut standing = Self::default();
        let mut groups: Vec<(&WatchState, Vec<Kind>)> = Vec::new();
        for kind in kinds {
            let state = session.world.watch(*kind);
            standing.stale |= matches!(state, WatchState::Stale { .. });
            standing.missing |= !state.is_known();
            // A permission is missing for each kind alone; a lost connection is lost for all alike.
            let alike = |of: &WatchState| of == state || (of.as_str() == state.as_str() && matches!(state, WatchState::Stale { .. }));
            match groups.iter_mut().find(|(of, _)| alike(of)) {
                Some((_, kinds)) => kinds.push(*kind),
                None => groups.push((state, vec![*kind])),
            }
        }
        for (state, kinds) in groups {
            standing.words.extend(word(model, state));
            standing.lines.extend(of_kinds(model, session, &kinds, state));
        }
        standing
    }
}

/// What is shown in a pane about the selected cluster when there is none: why, if that is known.
pub fn without_cluster(model: &Model) -> Option<Panel> {
    if model.session().is_some() && model.selected_cluster().is_some() {
        return None;
    }
    let standing = Standing::of(model, &[Kind::Cluster]);
    let mut panel = Panel {
        head: standing.lines,
        stale: standing.stale,
        ..Panel::default()
    };
    if panel.head.is_empty() {
        panel.head.push(Line::new(Role::Dim, "no cluster is selected"));
    }
    Some(panel)
}

/// There is no target, or not yet.
fn untold(model: &Model) -> Vec<Line> {
    let Some(why) = &model.unopened else {
        return vec![Line::new(Role::InProgress, "○ loading: the target is being opened").indented(2)];
    };
    let what_next = format!(
        "  {} tries again, {} chooses another context",
        key_of(model, Action::Refresh),
        key_of(model, Action::SwitchContext)
    );
    vec![
        Line::new(Role::Broken, "× error").with(Role::Text, format!(": {why}")).indented(2),
        Line::new(Role::Dim, what_next).indented(2),
    ]
}

/// Plural of a kind, as people say it.
pub fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Cluster => "clusters",
        Kind::Pod => "pods",
        Kind::Database => "Database objects",
        Kind::ImageCatalog => "image catalogs",
        Kind::ClusterImageCatalog => "cluster image catalogs",
    }
}

fn word(model: &Model, state: &WatchState) -> Option<Line> {
    let mark = mark::watch(state);
    let line = Line::new(mark.role, format!("{} {}", mark.text, state.as_str()));
    match state {
        WatchState::Live => None,
        WatchState::Stale { since: at, .. } => Some(line.with(mark.role, format!(" {}", since(model, *at)))),
        _ => Some(line),
    }
}

fn of_kinds(model: &Model, session: &Session, kinds: &[Kind], state: &WatchState) -> Vec<Line> {
    let names: Vec<&str> = kinds.iter().map(|kind| plural(*kind)).collect();
    let what = names.join(" and ");
    let lead = |rest: String| {
        let mark = mark::watch(state);
        Line::new(mark.role, format!("{} {}", mark.text, state.as_str()))
            .with(Role::Text, rest)
            .indented(2)
    };
    let advice = |text: String| Line::new(Role::Dim, format!("  {text}")).indented(2);
    let resources: Vec<&str> = kinds.iter().map(|kind| kind.resource()).collect();
    let unreachable = session.world.unreachable.as_ref();
    match state {
        WatchState::Live | WatchState::Listed { .. } => Vec::new(),
        WatchState::Loading => {
            let mut lines = vec![lead(format!(": {what} are being listed at {}", session.target.server))];
            lines.extend(unreachable.map(|why| advice(why.clone())));
            lines
        }
        WatchState::Stale { since: at, why } => vec![lead(format!(
            " {}: {what} are shown as they were; {why}. extop tries the connection again",
            since(model, *at)
        ))],
        WatchState::Forbidden { missing } => vec![
            lead(format!(": {what} are not known: {}", permission::missing(missing))),
            advice(format!(
                "ask for it, or choose another namespace ({}) or context ({})",
                key_of(model, Action::SwitchNamespace),
                key_of(model, Action::SwitchContext)
            )),
        ],
        WatchState::Absent => vec![
            lead(format!(": the server does not know {}", resources.join(" and "))),
            advice(format!(
                "check that CloudNativePG is installed here; {} chooses another context",
                key_of(model, Action::SwitchContext)
            )),
        ],
        WatchState::Error { why } => vec![
            lead(format!(": {what} are not known: {why}")),
            advice(format!("extop tries again; {} tries at once", key_of(model, Action::Refresh))),
        ],
    }
}

/// Why SQL tells nothing about a cluster; empty when at least one instance answered.
pub fn of_sql(model: &Model, cluster: &ClusterKey) -> Vec<Line> {
    let Some(session) = model.session() else { return Vec::new() };
    let world = &session.world;
    if world.instances_of(cluster).any(|instance| world.answer_of(instance).is_some()) {
        return Vec::new();
    }
    let lead = |text: String| Line::new(Role::Unknown, "? unknown").with(Role::Text, text).indented(2);
    let advice = |text: String| Line::new(Role::Dim, format!("  {text}")).indented(2);
    if model.database_access == DatabaseAccess::Off {
        return vec![lead(": SQL is not asked, because of --db off".to_owned())];
    }
    let failures: Vec<_> = world
        .instances_of(cluster)
        .filter_map(|instance| world.failure_of(instance))
        .collect();
    let Some(failure) = failures.first() else {
        return if world.instances_of(cluster).next().is_none() {
            vec![lead(": no instance is known that could be asked".to_owned())]
        } else {
            vec![lead(": SQL has not been asked yet".to_owned())]
        };
    };
    let mut lines = vec![lead(format!(", because {}: {}", failure.pod.name, failure.because))];
    if !failure.missing.is_empty() {
        lines.push(advice(format!("missing: {}", failure.missing.join("; "))));
    }
    lines.push(advice(format!("{} asks again", key_of(model, Action::Refresh))));
    lines
}
