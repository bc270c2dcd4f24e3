//! The header: where we are, how it is known, and what state it is in.

use super::mark;
use super::time::{ago, since};
use super::{Line, Role, key_of};
use crate::app::action::Action;
use crate::app::model::{Mode, Model, Session};
use crate::backend::DatabaseAccess;
use crate::domain::cluster::Cluster;
use crate::domain::instance::Instance;
use crate::domain::probe::InstanceProbe;
use crate::domain::watch::{Kind, WatchState};

/// The parts of the header, the most important first; with short labels where there is little room.
pub fn header(model: &Model, short: bool) -> Vec<Line> {
    let mut parts = vec![place(model)];
    parts.extend(mode(model));
    parts.extend(opening(model));
    let Some(session) = model.session() else {
        if model.opening.is_some() {
            return parts;
        }
        let mark = match model.unopened {
            None => (Role::InProgress, "○ loading"),
            Some(_) => (Role::Broken, "× error"),
        };
        parts.push(Line::new(Role::Dim, "watches ").with(mark.0, mark.1));
        return parts;
    };
    parts.push(watches(model, session));
    let cluster = model.selected_cluster().and_then(|key| session.world.clusters.get(key));
    parts.push(database(model, session, cluster));
    parts.push(findings(model, session));
    if let Some(version) = cluster.and_then(|cluster| session.world.operator_of(&cluster.key)) {
        let label = if short { "op " } else { "operator " };
        parts.push(Line::new(Role::Dim, label).with(Role::Text, version));
    }
    if let Some(version) = &session.world.kubernetes {
        let label = if short { "k8s " } else { "kubernetes " };
        parts.push(Line::new(Role::Dim, label).with(Role::Text, version));
    }
    parts
}

fn place(model: &Model) -> Line {
    let line = Line::new(Role::Title, "extop");
    match model.session() {
        Some(session) => line
            .with(Role::Strong, format!("  {}", session.target.context))
            .with(Role::Text, format!("  {}", session.target.scope)),
        None => line.with(Role::Dim, "  no target yet"),
    }
}

/// What is being opened, and how to cancel it.
fn opening(model: &Model) -> Option<Line> {
    let what = model.opening.as_ref()?;
    let back = key_of(model, Action::Back);
    Some(Line::new(Role::InProgress, format!("○ opening {what}")).with(Role::Dim, format!(" ({back} cancels it)")))
}

fn mode(model: &Model) -> Option<Line> {
    let mut words = Vec::new();
    match model.mode {
        Mode::Live => {}
        Mode::Demo => words.push("DEMO"),
        Mode::Replay => words.push("REPLAY"),
    }
    if model.is_read_only() {
        words.push("READ-ONLY");
    }
    if model.session().is_some_and(|session| session.target.unverified) {
        words.push("TLS NOT VERIFIED");
    }
    (!words.is_empty()).then(|| Line::new(Role::Mode, words.join(" ")))
}

/// One item when all watches are alike, else one per state.
fn watches(model: &Model, session: &Session) -> Line {
    let mut line = Line::new(Role::Dim, "watches ");
    if session.world.unreachable.is_some() && !Kind::ALL.iter().any(|kind| *session.world.watch(*kind) == WatchState::Live) {
        line = line.with(Role::Broken, "× unreachable ");
    }
    let mut groups: Vec<(&WatchState, Vec<&str>)> = Vec::new();
    for kind in Kind::ALL {
        let state = session.world.watch(kind);
        match groups.iter_mut().find(|(of, _)| of.as_str() == state.as_str()) {
            Some((_, kinds)) => kinds.push(kind.as_str()),
            None => groups.push((state, vec![kind.as_str()])),
        }
    }
    let alone = groups.len() == 1;
    // What does not live is said first, and what lives without names.
    groups.sort_by_key(|(state, _)| matches!(state, WatchState::Live));
    for (at, (state, kinds)) in groups.iter().enumerate() {
        let mark = mark::watch(state);
        let gap = if at == 0 { "" } else { "  " };
        line = line.with(mark.role, format!("{gap}{} {}", mark.text, state.as_str()));
        if let WatchState::Stale { since: at, .. } = state {
            line = line.with(mark.role, format!(" {}", since(model, *at)));
        }
        if !alone && !matches!(state, WatchState::Live) {
            line = line.with(Role::Text, format!(" {}", kinds.join(", ")));
        }
    }
    line
}

/// The route to PostgreSQL, or why there is none.
fn database(model: &Model, session: &Session, cluster: Option<&Cluster>) -> Line {
    let line = Line::new(Role::Dim, "db ");
    if model.database_access == DatabaseAccess::Off {
        return line.with(Role::NotApplicable, "– off");
    }
    let Some(cluster) = cluster else {
        return line.with(Role::Dim, "○ not asked");
    };
    let world = &session.world;
    let instances: Vec<&Instance> = world.instances_of(&cluster.key).collect();
    let answers: Vec<&InstanceProbe> = instances.iter().filter_map(|instance| world.answer_of(instance)).collect();
    let failed = instances.iter().filter(|instance| world.failure_of(instance).is_some()).count();
    let mut routes: Vec<&str> = answers.iter().map(|answer| answer.route.as_str()).collect();
    routes.sort_unstable();
    routes.dedup();
    let routes = routes.join(", ");
    if answers.is_empty() {
        return if failed == 0 {
            line.with(Role::Dim, "○ not asked")
        } else {
            line.with(Role::Unknown, "? no answer")
        };
    }
    let line = if failed == 0 && answers.len() >= instances.len() {
        line.with(Role::Holds, format!("● {routes}"))
    } else {
        line.with(Role::Warning, format!("▲ {routes} {}/{}", answers.len(), instances.len()))
    };
    match answers.iter().map(|answer| answer.at).min() {
        Some(oldest) if model.now.as_second() - oldest.as_second() > 0 => line.with(Role::Dim, format!(" {}", ago(model, oldest))),
        _ => line,
    }
}

fn findings(model: &Model, session: &Session) -> Line {
    let briefs = || session.briefs.values();
    let count: usize = briefs().map(|brief| brief.findings).sum();
    let ignored: usize = briefs().map(|brief| brief.ignored).sum();
    let worst = briefs().filter_map(|brief| brief.worst).min();
    // Nothing found means nothing where nothing can be seen.
    let blind = [Kind::Cluster, Kind::Pod, Kind::Database]
        .iter()
        .any(|kind| !session.world.knows(*kind));
    let unasked = match model.database_access {
        DatabaseAccess::Off => 0,
        _ => briefs().filter(|brief| brief.unasked).count(),
    };
    match worst {
        None if blind => Line::new(Role::Unknown, "? findings"),
        None if unasked > 0 => Line::new(Role::Unknown, format!("? no findings, SQL of {} not read", counted(unasked))),
        None if ignored > 0 => Line::new(Role::Holds, format!("✓ no findings, {ignored} ignored")),
        None => Line::new(Role::Holds, "✓ no findings"),
        Some(worst) => {
            let mark = mark::severity(worst);
            let noun = if count == 1 { "finding" } else { "findings" };
            Line::new(mark.role, format!("{} {count} {noun}", mark.text))
        }
    }
}

fn counted(clusters: usize) -> String {
    if clusters == 1 {
        "1 cluster".to_owned()
    } else {
        format!("{clusters} clusters")
    }
}
