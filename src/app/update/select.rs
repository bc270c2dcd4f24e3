//! Selection by key, focus, filters.

use super::{say, switch};
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::keymap;
use crate::app::model::{Model, Pane, Tab};
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::ladder::RungKind;

/// Half of what is in sight, so that the eye keeps its place.
pub(super) fn half_page(model: &Model) -> isize {
    let half = match model.drawn.page / 2 {
        0 => 8,
        half => half,
    };
    isize::try_from(half).unwrap_or(isize::MAX)
}

/// Moves the selection of the focused pane.
pub(super) fn moved(model: &mut Model, action: Action) {
    let by = match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::HalfPageUp => -half_page(model),
        Action::HalfPageDown => half_page(model),
        Action::Top => isize::MIN,
        _ => isize::MAX,
    };
    match model.screen.focus {
        Pane::Clusters => {
            let keys: Vec<ClusterKey> = model.clusters_in_view().cloned().collect();
            let chosen = model.selected_cluster().cloned();
            model.screen.cluster = neighbour(&keys, chosen.as_ref(), by);
            model.screen.entry = None;
            model.screen.rung = None;
            model.screen.instance = None;
            model.screen.rows.clear();
        }
        Pane::Entries => {
            let names: Vec<String> = model.ladders_in_view().map(|ladder| ladder.entry.clone()).collect();
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
        Pane::Detail => row(model, by),
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

/// Selects another row of the lower pane: from the one that was drawn, as far as rows were drawn.
fn row(model: &mut Model, by: isize) {
    let tab = model.screen.tab;
    let (rows, drawn) = match model.drawn.detail {
        Some((of, rows, row)) if of == tab => (rows, row),
        _ => (usize::MAX, 0),
    };
    let last = rows.saturating_sub(1);
    let at = model.screen.rows.get(&tab).copied().unwrap_or(drawn).min(last);
    model.screen.rows.insert(tab, at.saturating_add_signed(by).min(last));
}

/// Pods of the selected cluster, by name.
pub(super) fn instances(model: &Model) -> Vec<PodKey> {
    let Some((session, cluster)) = model.session().zip(model.selected_cluster()) else {
        return Vec::new();
    };
    session.world.instances_of(cluster).map(|instance| instance.key.clone()).collect()
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
pub(super) fn filter(model: &mut Model) {
    model.screen.filtering = Some(match model.screen.focus {
        Pane::Clusters => Pane::Clusters,
        Pane::Entries | Pane::Detail => Pane::Entries,
    });
    model.dirty = true;
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
pub(super) fn end_filter(model: &mut Model, keep: bool) {
    if !keep {
        filtered(model, String::new());
    }
    model.screen.filtering = None;
    model.dirty = true;
}

/// Where one step back leads nowhere: how to leave and where to read on.
fn ways_out(model: &mut Model) -> Vec<Effect> {
    let [quit, help] = [Action::Quit, Action::Help].map(|action| keymap::key_of(&model.keymap, action));
    say(model, format!("{quit} quits, {help} helps"))
}

/// Takes one step back: an opening that is under way, filter, zoom, focus.
pub(super) fn back(model: &mut Model) -> Vec<Effect> {
    if let Some(effects) = switch::give_up(model) {
        return effects;
    }
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
            Pane::Clusters => return ways_out(model),
        }
    }
    Vec::new()
}
