//! Selection by key, focus, filters.

use super::{say, switch};
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::filter::Filter;
use crate::app::keymap;
use crate::app::model::{Filtering, Model, Pane, Tab};
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
            let keys: Vec<&ClusterKey> = model.clusters_in_view().iter().map(|one| one.key).collect();
            let next = neighbour(&keys, model.selected_cluster().as_ref(), by).cloned();
            select(model, next, None);
        }
        Pane::Entries => {
            let names: Vec<String> = model.entries_in_view().map(|one| one.entry.to_string()).collect();
            let chosen = model.selected_entry().map(|one| one.entry.to_string());
            model.screen.entry = neighbour(&names, chosen.as_ref(), by);
            model.screen.rung = None;
            model.screen.rows.clear();
        }
        Pane::Extensions => {
            let shown = model.extensions_in_view();
            let next = neighbour(&shown, model.selected_extension().as_ref(), by);
            let next = next.map(|one| (one.cluster.clone(), one.outline.entry.to_string()));
            let (cluster, entry) = next.unzip();
            select(model, cluster, entry);
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

/// Selects a cluster, and an entry of it.
fn select(model: &mut Model, cluster: Option<ClusterKey>, entry: Option<String>) {
    let screen = &mut model.screen;
    screen.cluster = cluster;
    screen.entry = entry;
    screen.rung = None;
    screen.instance = None;
    screen.rows.clear();
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
        (Pane::Clusters, false) | (Pane::Extensions, _) => {}
        (Pane::Entries | Pane::Detail, _) => rung(model, right),
    }
    model.dirty = true;
}

fn rung(model: &mut Model, right: bool) {
    let headline = model.selected_entry().and_then(|one| one.headline()).map(|rung| rung.kind);
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
    leave_extensions(model);
    model.screen.focus = match (model.screen.focus, forward) {
        (Pane::Clusters, true) | (Pane::Detail, false) => Pane::Entries,
        (Pane::Entries, true) | (Pane::Clusters, false) => Pane::Detail,
        (Pane::Detail, true) | (Pane::Entries, false) | (Pane::Extensions, _) => Pane::Clusters,
    };
    model.dirty = true;
}

/// Shows a tab of the lower pane.
pub(super) fn tab(model: &mut Model, tab: Tab) {
    leave_extensions(model);
    model.screen.tab = tab;
    model.screen.focus = Pane::Detail;
    model.dirty = true;
}

/// Shows the entries of all clusters.
pub(super) fn extensions(model: &mut Model) {
    model.screen.focus = Pane::Extensions;
    model.screen.zoomed = false;
    model.dirty = true;
}

/// Goes to the entry that is selected among those of all clusters; a filter that hides it is taken away.
pub(super) fn reveal(model: &mut Model) {
    let Some(one) = model.selected_extension() else { return };
    let (cluster, entry) = (one.cluster.clone(), one.outline.entry.to_string());
    let hides_entry = !model.is_entry_in_view(one);
    select(model, Some(cluster.clone()), Some(entry));
    model.screen.focus = Pane::Entries;
    if model.selected_cluster() != Some(&cluster) {
        model.screen.cluster_filter = Filter::default();
    }
    if hides_entry {
        model.screen.entry_filter = Filter::default();
    }
}

/// Whatever is gone to from the entries of all clusters is about the selected one.
fn leave_extensions(model: &mut Model) {
    if model.screen.focus == Pane::Extensions {
        reveal(model);
        model.screen.focus = Pane::Extensions;
    }
}

/// Sorts the lists over all clusters by the other order; what is selected stays selected.
pub(super) fn sort(model: &mut Model) {
    let (cluster, entry) = (model.selected_cluster().cloned(), model.screen.entry.clone());
    if model.screen.focus != Pane::Extensions {
        model.screen.cluster = cluster;
        model.screen.entry = entry;
    }
    model.screen.sort = model.screen.sort.other();
    model.dirty = true;
}

/// Goes to the next, or the previous, thing that does not hold.
pub(super) fn trouble(model: &mut Model, forward: bool) -> Vec<Effect> {
    let Some(((cluster, entry), around)) = model.next_trouble(forward) else {
        let unknown = match model.unknown_in_view() {
            0 => String::new(),
            count => format!("; unknown entries: {count}"),
        };
        return say(model, format!("nothing in view is broken or in progress{unknown}"));
    };
    let is_own = entry.is_none();
    let named = cluster.to_string();
    select(model, Some(cluster), entry);
    let mut effects = Vec::new();
    if around {
        let (end, beginning) = if forward { ("last", "first") } else { ("first", "last") };
        effects.extend(say(model, format!("that was the {end} one: back at the {beginning}")));
    }
    if is_own {
        let key = keymap::key_of(&model.keymap, Action::ShowFindings);
        effects.extend(say(model, format!("{named} has a finding of its own: {key} shows it")));
    }
    effects
}

/// Most filters that can be recalled.
const FILTERS: usize = 50;

/// Opens the filter line of the focused list.
pub(super) fn filter(model: &mut Model) {
    let pane = match model.screen.focus {
        Pane::Detail => Pane::Entries,
        pane => pane,
    };
    model.screen.filtering = Some(Filtering::of(pane));
    model.dirty = true;
}

/// The filter's text changed.
pub(super) fn filtered(model: &mut Model, text: &str) {
    if let Some(filtering) = &mut model.screen.filtering {
        let pane = filtering.pane;
        filtering.back = 0;
        *model.screen.filter_mut(pane) = Filter::parse(text);
    }
}

/// Puts an older, or a newer, filter into the line; beyond the newest one is what was typed.
pub(super) fn recall(model: &mut Model, older: bool) {
    let Some(mut filtering) = model.screen.filtering.clone() else {
        return;
    };
    let filter = model.screen.filter_mut(filtering.pane);
    if filtering.back == 0 {
        filter.text().clone_into(&mut filtering.typed);
    }
    filtering.back = if older {
        (filtering.back + 1).min(model.filters.len())
    } else {
        filtering.back.saturating_sub(1)
    };
    let newest_first = model.filters.iter().rev();
    let recalled = filtering.back.checked_sub(1).and_then(|at| newest_first.clone().nth(at));
    *filter = Filter::parse(recalled.unwrap_or(&filtering.typed));
    model.screen.filtering = Some(filtering);
    model.dirty = true;
}

/// Ends the edit of the filter; `keep` leaves it in effect.
pub(super) fn end_filter(model: &mut Model, keep: bool) {
    let Some(Filtering { pane, .. }) = model.screen.filtering.take() else {
        return;
    };
    model.dirty = true;
    if !keep {
        *model.screen.filter_mut(pane) = Filter::default();
        return;
    }
    let text = model.screen.filter(pane).text().trim().to_owned();
    if !text.is_empty() {
        model.filters.retain(|old| *old != text);
        model.filters.push(text);
        let excess = model.filters.len().saturating_sub(FILTERS);
        model.filters.drain(..excess);
    }
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
    let focus = screen.focus;
    if screen.zoomed {
        screen.zoomed = false;
    } else if !screen.filter(focus).is_empty() {
        *screen.filter_mut(focus) = Filter::default();
    } else {
        match screen.focus {
            Pane::Detail => screen.focus = Pane::Entries,
            Pane::Entries => screen.focus = Pane::Clusters,
            Pane::Extensions => {
                leave_extensions(model);
                model.screen.focus = Pane::Clusters;
            }
            Pane::Clusters if !model.notices.is_empty() => model.notices.clear(),
            Pane::Clusters => return ways_out(model),
        }
    }
    Vec::new()
}
