//! Selection by key, focus, filters.

use super::say;
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::model::{Model, Pane, Tab};
use crate::app::msg::EditorId;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::ladder::RungKind;

/// Half a page, when nobody knows the height of the pane.
const HALF: isize = 8;

/// Moves the selection of the focused pane.
pub(super) fn moved(model: &mut Model, action: Action) {
    let by = match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::HalfPageUp => -HALF,
        Action::HalfPageDown => HALF,
        Action::Top => isize::MIN,
        _ => isize::MAX,
    };
    match model.screen.focus {
        Pane::Clusters => {
            let keys = clusters(model);
            let chosen = model.selected_cluster().cloned();
            model.screen.cluster = neighbour(&keys, chosen.as_ref(), by);
            model.screen.entry = None;
            model.screen.rung = None;
            model.screen.instance = None;
            model.screen.rows.clear();
        }
        Pane::Entries => {
            let names = entries(model);
            let chosen = model.selected_ladder().map(|ladder| ladder.entry.clone());
            model.screen.entry = neighbour(&names, chosen.as_ref(), by);
            model.screen.rung = None;
            model.screen.rows.clear();
        }
        Pane::Detail if model.screen.tab == Tab::Instances => {
            let pods = instances(model);
            let chosen = model.screen.instance.clone().or_else(|| pods.first().cloned());
            model.screen.instance = neighbour(&pods, chosen.as_ref(), by);
        }
        Pane::Detail => {
            let last = rows(model).saturating_sub(1);
            let row = model.screen.rows.entry(model.screen.tab).or_default();
            *row = row.min(&mut last.clone()).saturating_add_signed(by).min(last);
        }
    }
    model.dirty = true;
}

fn neighbour<T: Clone + PartialEq>(items: &[T], chosen: Option<&T>, by: isize) -> Option<T> {
    let at = chosen
        .and_then(|chosen| items.iter().position(|item| item == chosen))
        .unwrap_or_default();
    let last = items.len().saturating_sub(1);
    items.get(at.saturating_add_signed(by).min(last)).cloned()
}

fn clusters(model: &Model) -> Vec<ClusterKey> {
    let Some(session) = model.session() else { return Vec::new() };
    let passes = |key: &&ClusterKey| model.screen.cluster_filter.is_empty() || key.to_string().contains(&model.screen.cluster_filter);
    session.world.clusters.keys().filter(passes).cloned().collect()
}

fn entries(model: &Model) -> Vec<String> {
    let derived = model
        .session()
        .zip(model.selected_cluster())
        .and_then(|(session, key)| session.derived.get(key));
    let names = derived
        .into_iter()
        .flat_map(|derived| &derived.ladders)
        .map(|ladder| ladder.entry.clone());
    names
        .filter(|name| model.screen.entry_filter.is_empty() || name.contains(&model.screen.entry_filter))
        .collect()
}

/// Pods of the selected cluster, by name.
pub(super) fn instances(model: &Model) -> Vec<PodKey> {
    let Some((session, cluster)) = model.session().zip(model.selected_cluster()) else {
        return Vec::new();
    };
    session.world.instances_of(cluster).map(|instance| instance.key.clone()).collect()
}

/// How many rows the lower pane can select or scroll.
fn rows(model: &Model) -> usize {
    let Some((session, cluster)) = model.session().zip(model.selected_cluster()) else {
        return 0;
    };
    match model.screen.tab {
        Tab::Findings => session.derived.get(cluster).map_or(0, |derived| derived.findings.len()),
        Tab::Databases => model.selected_ladder().map_or(0, |ladder| ladder.databases.len()),
        // Lines to scroll: the drawing knows how many there are, and stops there.
        Tab::Evidence | Tab::Paths | Tab::Instances | Tab::Journal => 500,
    }
}

/// Goes to the pane beside, or along the rungs.
pub(super) fn sideways(model: &mut Model, right: bool) {
    match (model.screen.focus, right) {
        (Pane::Clusters, true) => model.screen.focus = Pane::Entries,
        (Pane::Clusters, false) => {}
        (Pane::Entries | Pane::Detail, _) => rung(model, right),
    }
    model.dirty = true;
}

fn rung(model: &mut Model, right: bool) {
    let headline = model.selected_ladder().and_then(|ladder| ladder.headline().map(|rung| rung.kind));
    let at = model.screen.rung.or(headline).unwrap_or(RungKind::Declared);
    if !right && at == RungKind::Declared && model.screen.focus == Pane::Entries {
        model.screen.focus = Pane::Clusters;
        return;
    }
    model.screen.rung = neighbour(&RungKind::ALL, Some(&at), if right { 1 } else { -1 });
    model.screen.rows.remove(&Tab::Evidence);
}

/// The next pane, or the one before.
pub(super) fn pane(model: &mut Model, forward: bool) {
    model.screen.focus = match (model.screen.focus, forward) {
        (Pane::Clusters, true) | (Pane::Detail, false) => Pane::Entries,
        (Pane::Entries, true) | (Pane::Clusters, false) => Pane::Detail,
        (Pane::Detail, true) | (Pane::Entries, false) => Pane::Clusters,
    };
    model.dirty = true;
}

/// Shows a tab of the lower pane.
pub(super) fn tab(model: &mut Model, tab: Tab) {
    model.screen.tab = tab;
    model.screen.focus = Pane::Detail;
    model.dirty = true;
}

/// Opens the filter line of the focused list.
pub(super) fn filter(model: &mut Model) -> Vec<Effect> {
    let pane = if model.screen.focus == Pane::Clusters {
        Pane::Clusters
    } else {
        Pane::Entries
    };
    model.screen.filtering = Some(pane);
    model.dirty = true;
    let text = match pane {
        Pane::Clusters => model.screen.cluster_filter.clone(),
        Pane::Entries | Pane::Detail => model.screen.entry_filter.clone(),
    };
    vec![Effect::Edit {
        editor: EditorId::Filter,
        text,
        multiline: false,
    }]
}

/// The filter's text changed.
pub(super) fn filtered(model: &mut Model, text: String) {
    match model.screen.filtering {
        Some(Pane::Clusters) => model.screen.cluster_filter = text,
        Some(_) => model.screen.entry_filter = text,
        None => {}
    }
}

/// Ends the edit of the filter; `keep` leaves it in effect.
pub(super) fn end_filter(model: &mut Model, keep: bool) -> Vec<Effect> {
    if !keep {
        filtered(model, String::new());
    }
    model.screen.filtering = None;
    model.dirty = true;
    vec![Effect::EndEdit]
}

/// Takes one step back: filter, zoom, focus.
pub(super) fn back(model: &mut Model) -> Vec<Effect> {
    let screen = &mut model.screen;
    model.dirty = true;
    if screen.zoomed {
        screen.zoomed = false;
    } else if screen.focus != Pane::Clusters && !screen.entry_filter.is_empty() {
        screen.entry_filter.clear();
    } else if screen.focus == Pane::Clusters && !screen.cluster_filter.is_empty() {
        screen.cluster_filter.clear();
    } else {
        match screen.focus {
            Pane::Detail => screen.focus = Pane::Entries,
            Pane::Entries => screen.focus = Pane::Clusters,
            Pane::Clusters if !model.notices.is_empty() => model.notices.clear(),
            Pane::Clusters => return say(model, "q quits, ? helps"),
        }
    }
    Vec::new()
}
