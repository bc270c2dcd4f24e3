//! The clusters of the target.

use std::collections::BTreeMap;

use super::standing::Standing;
use super::{Cell, Column, Line, Panel, Role, Table, key_of, mark};
use crate::app::action::Action;
use crate::app::model::{Derived, Model, Pane, Session};
use crate::backend::Scope;
use crate::domain::cluster::Cluster;
use crate::domain::finding::Severity;
use crate::domain::ids::ClusterKey;
use crate::domain::ladder::RungState;
use crate::domain::watch::Kind;

/// The pane of the clusters.
pub fn clusters(model: &Model) -> Panel {
    let standing = Standing::of(model, &[Kind::Cluster]);
    let mut panel = Panel {
        title: Line::new(Role::Title, "Clusters"),
        stale: standing.stale,
        head: standing.lines.clone(),
        ..Panel::default()
    };
    if !model.screen.cluster_filter.is_empty() || model.screen.filtering == Some(Pane::Clusters) {
        panel.aside = Line::new(Role::Key, format!("/{}", model.screen.cluster_filter));
    }
    let Some(session) = model.session() else { return panel };
    let shown: Vec<&Cluster> = model.clusters_in_view().filter_map(|key| session.world.clusters.get(key)).collect();
    if shown.is_empty() {
        if !standing.missing {
            panel.head.extend(nothing(model, session));
        }
        return panel;
    }
    // The pane of the entries says it in full.
    panel.head = standing.words;
    let selected = model.selected_cluster();
    let at = shown.iter().position(|cluster| Some(&cluster.key) == selected).unwrap_or_default();
    let with_namespace = session.target.scope == Scope::All;
    let ready = ready(session);
    let rows = shown
        .iter()
        .map(|cluster| {
            row(
                model,
                session,
                cluster,
                ready.get(&cluster.key).copied().unwrap_or_default(),
                with_namespace,
            )
        })
        .collect();
    let columns = vec![
        Column::whole(""),
        Column::cut("CLUSTER", 6).keyed(),
        Column::whole("READY").short("RDY"),
        Column::whole("").ranked(1),
    ];
    panel.table = Some(Table::new(columns, rows, at));
    panel
}

/// Ready instances of each cluster, counted in one go.
fn ready(session: &Session) -> BTreeMap<&ClusterKey, u32> {
    let mut ready = BTreeMap::new();
    for instance in session.world.instances.values().filter(|instance| instance.is_up()) {
        *ready.entry(&instance.cluster).or_default() += 1;
    }
    ready
}

fn row(model: &Model, session: &Session, cluster: &Cluster, ready: u32, with_namespace: bool) -> Vec<Cell> {
    let derived = session.derived.get(&cluster.key);
    let name = if with_namespace {
        cluster.key.to_string()
    } else {
        cluster.key.name.clone()
    };

    let ready = if session.world.knows(Kind::Pod) {
        let role = if ready == cluster.spec.instances {
            Role::Holds
        } else {
            Role::InProgress
        };
        Cell::new(role, format!("{ready}/{}", cluster.spec.instances))
    } else {
        Cell::new(Role::Unknown, "?")
    };
    vec![
        mark::rung(state(model, derived)),
        Cell::new(Role::Text, name),
        ready,
        worst(model, derived),
    ]
}

/// The state of a cluster as a whole: the worst headline of its entries and the worst finding that is told.
pub fn state(model: &Model, derived: Option<&Derived>) -> RungState {
    let Some(derived) = derived else { return RungState::Unknown };
    let heads: Vec<RungState> = derived
        .ladders
        .iter()
        .filter_map(|ladder| ladder.headline())
        .map(|rung| rung.state)
        .collect();
    let is_error = model
        .told(Some(derived))
        .0
        .iter()
        .any(|finding| finding.severity() == Severity::Error);
    [RungState::Broken, RungState::InProgress, RungState::Unknown]
        .into_iter()
        .find(|state| heads.contains(state) || (is_error && *state == RungState::Broken))
        .unwrap_or(if heads.is_empty() {
            RungState::NotApplicable
        } else {
            RungState::Holds
        })
}

fn worst(model: &Model, derived: Option<&Derived>) -> Cell {
    let (findings, _) = model.told(derived);
    match findings.iter().map(|finding| finding.severity()).min() {
        None => Cell::plain(""),
        Some(severity) => {
            let mark = mark::severity(severity);
            Cell::new(mark.role, format!("{}{}", mark.text, findings.len()))
        }
    }
}

fn nothing(model: &Model, session: &Session) -> Vec<Line> {
    if !session.world.clusters.is_empty() {
        return vec![
            Line::plain("no cluster matches the filter").indented(2),
            Line::new(Role::Dim, format!("{} clears it", key_of(model, Action::Back))),
        ];
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
