//! Actions outside of overlays.

use super::{forms, observe, overlays, runs, say, select, switch};
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::model::{Model, Overlay, Pane, Tab, is_moving};
use crate::domain::finding::{Finding, Remedy};
use crate::domain::ids::PodKey;
use crate::domain::watch::{Kind, WatchState};
use crate::workflow::actions;
use crate::workflow::run::RunId;
use crate::workflow::{Chosen, GuidedAction};

/// Carries an action out.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if model.screen.filtering.is_some() {
        return while_filtering(model, action);
    }
    match action {
        Action::Up | Action::Down | Action::HalfPageUp | Action::HalfPageDown | Action::Top | Action::Bottom => {
            select::moved(model, action);
        }
        Action::Left => select::sideways(model, false),
        Action::Right => select::sideways(model, true),
        Action::NextPane => select::pane(model, true),
        Action::PreviousPane => select::pane(model, false),
        Action::ShowEvidence => select::tab(model, Tab::Evidence),
        Action::ShowPaths => select::tab(model, Tab::Paths),
        Action::ShowInstances => select::tab(model, Tab::Instances),
        Action::ShowDatabases => select::tab(model, Tab::Databases),
        Action::ShowFindings => select::tab(model, Tab::Findings),
        Action::ShowJournal => select::tab(model, Tab::Journal),
        Action::ShowDoctor => select::tab(model, Tab::Doctor),
        Action::ShowCatalog => select::tab(model, Tab::Catalog),
        Action::ShowExtensions => select::extensions(model),
        Action::Sort => select::sort(model),
        Action::Zoom if model.screen.focus != Pane::Extensions => {
            model.screen.zoomed = !model.screen.zoomed;
            model.dirty = true;
        }
        Action::NextTheme => next_theme(model),
        Action::Help => overlays::open(model, Overlay::Help(0)),
        Action::Runs => overlays::open(model, Overlay::Runs(0)),
        Action::Back => return select::back(model),
        Action::Filter => select::filter(model),
        Action::NextTrouble => return select::trouble(model, true),
        Action::PreviousTrouble => return select::trouble(model, false),
        Action::Open => return open(model),
        _ => return ask(model, action),
    }
    Vec::new()
}

/// Actions that ask the runtime or a cluster for something.
fn ask(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Refresh => refresh(model),
        Action::Palette => {
            overlays::open(model, Overlay::Palette(String::new(), 0));
            Vec::new()
        }
        Action::SwitchContext => {
            overlays::open(model, Overlay::Contexts(None, 0));
            vec![Effect::ListContexts]
        }
        Action::SwitchNamespace => {
            overlays::open(model, Overlay::Namespaces(None, 0));
            vec![Effect::ListNamespaces(model.active)]
        }
        Action::AllNamespaces => switch::to(model, None, Some(None)),
        Action::Copy => copy(model),
        Action::Redraw => vec![Effect::Redraw],
        Action::Suspend => vec![Effect::Suspend],
        Action::Quit => quit(model),
        Action::Menu => {
            let items = menu(model);
            overlays::open(model, Overlay::Menu(items, 0));
            Vec::new()
        }
        _ => guided(model, action),
    }
}

fn while_filtering(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Open => {
            select::end_filter(model, true);
            Vec::new()
        }
        Action::Back => {
            select::end_filter(model, false);
            Vec::new()
        }
        Action::Up | Action::Down => {
            select::recall(model, action == Action::Up);
            Vec::new()
        }
        Action::Quit => quit(model),
        Action::Suspend => vec![Effect::Suspend],
        Action::Redraw => vec![Effect::Redraw],
        _ => Vec::new(),
    }
}

fn next_theme(model: &mut Model) {
    let at = model.themes.iter().position(|name| *name == model.theme).map_or(0, |at| at + 1);
    if let Some(name) = model.themes.get(at % model.themes.len().max(1)) {
        model.theme.clone_from(name);
        model.dirty = true;
    }
}

fn refresh(model: &mut Model) -> Vec<Effect> {
    let target = model.active;
    if model.session().is_none() {
        let tries = model.unopened.is_some();
        return if tries { switch::to(model, None, None) } else { Vec::new() };
    }
    let mut effects = observe::refresh(model, target);
    effects.extend(observe::review_again(model, target));
    model.surveyed.remove(&target);
    let lost = model.session().is_some_and(|session| {
        let mut kinds = Kind::ALL.iter();
        session.world.unreachable.is_some()
            || kinds.any(|kind| matches!(session.world.watch(*kind), WatchState::Stale { .. } | WatchState::Error { .. }))
    });
    let mut told = "SQL evidence is being read again".to_owned();
    if lost {
        effects.push(Effect::Reconnect(target));
        let context = model.session().map_or("the target", |session| session.target.context.as_str());
        told = format!("{context} is being opened again; {told}");
    }
    effects.extend(say(model, told));
    effects
}

/// Quits, unless something is being waited for.
pub(super) fn quit(model: &mut Model) -> Vec<Effect> {
    let busy = model.runs.iter().any(|(_, run)| is_moving(run));
    let asked = model.overlays.iter().any(|overlay| matches!(overlay, Overlay::ConfirmQuit));
    if busy && !asked {
        overlays::open(model, Overlay::ConfirmQuit);
        return Vec::new();
    }
    vec![Effect::Quit]
}

/// Copies what is to be done about the selected finding, else the command that shows the evidence of the selected rung.
fn copy(model: &mut Model) -> Vec<Effect> {
    let text = if model.screen.focus == Pane::Detail && model.screen.tab == Tab::Findings {
        selected_finding(model).map(|finding| {
            let (message, remedy) = (finding.message.for_people(), finding.remedy_text.for_people());
            format!("{}: {message} ({remedy})", finding.subject)
        })
    } else {
        let kind = model.screen.rung;
        model
            .selected_ladder()
            .and_then(|ladder| kind.map_or_else(|| ladder.headline(), |kind| ladder.rung(kind)))
            .map(|rung| rung.by_hand.to_string())
    };
    let Some(text) = text else {
        return say(model, "there is nothing to copy");
    };
    let mut effects = vec![Effect::Copy(text)];
    effects.extend(say(model, "sent to the clipboard (the terminal does not confirm it)"));
    effects
}

fn selected_finding(model: &Model) -> Option<&Finding> {
    let at = model.screen.rows.get(&Tab::Findings).copied().unwrap_or_default();
    let (findings, _) = model.told(model.session()?.derived.get(model.selected_cluster()?));
    findings.get(at.min(findings.len().saturating_sub(1))).copied()
}

/// Opens what is selected: clusters, entries, evidence, the remedy of a finding.
fn open(model: &mut Model) -> Vec<Effect> {
    model.dirty = true;
    match (model.screen.focus, model.screen.tab) {
        (Pane::Clusters, _) => model.screen.focus = Pane::Entries,
        (Pane::Extensions, _) => select::reveal(model),
        (Pane::Entries, _) => {
            model.screen.tab = Tab::Evidence;
            model.screen.focus = Pane::Detail;
        }
        (Pane::Detail, Tab::Findings) => return remedy(model),
        (Pane::Detail, _) => model.screen.zoomed = !model.screen.zoomed,
    }
    Vec::new()
}

fn remedy(model: &mut Model) -> Vec<Effect> {
    let Some(finding) = selected_finding(model).cloned() else {
        return say(model, "there is no finding");
    };
    let cluster = finding.cluster.clone();
    let mut chosen = Chosen::cluster(finding.cluster);
    let action = match finding.remedy {
        Remedy::ByHand => return say(model, finding.remedy_text.for_people()),
        Remedy::RemovePreload(library) => return forms::open_without(model, cluster, &library),
        Remedy::DeletePod(pod) => {
            chosen.stuck = Some(pod);
            GuidedAction::DeleteStuckPod
        }
        Remedy::ChangeImage(entry) => {
            chosen.entry = Some(entry);
            GuidedAction::ChangeImage
        }
        Remedy::Refresh(database, extension) => {
            chosen.item = Some((database, extension));
            GuidedAction::Refresh
        }
        Remedy::SetVersion(database, extension) => {
            chosen.item = Some((database, extension));
            GuidedAction::SetVersion
        }
        Remedy::Declare(database, extension) => {
            chosen.item = Some((database, extension));
            GuidedAction::Declare
        }
        Remedy::Promote => GuidedAction::Promote,
        Remedy::RestartCluster => GuidedAction::RestartCluster,
    };
    forms::begin(model, action, &chosen)
}

/// What is selected, for a guided action.
fn chosen(model: &Model) -> Option<Chosen> {
    let shown = select::instances(model);
    let instance = model.screen.instance.clone().filter(|pod| shown.contains(pod));
    Some(Chosen {
        entry: model.selected_entry().map(|one| one.entry.to_string()),
        instance: instance.or_else(|| shown.first().cloned()),
        item: item(model),
        stuck: stuck(model),
        put_back: last_to_put_back(model),
        ..Chosen::cluster(model.selected_cluster()?.clone())
    })
}

/// The selected row of the databases, else the first one.
fn item(model: &Model) -> Option<(String, String)> {
    let rows = &model.selected_ladder()?.databases;
    let at = model.screen.rows.get(&Tab::Databases).copied().unwrap_or_default();
    let row = rows.get(at).or_else(|| rows.first())?;
    Some((row.database.clone(), row.extension.clone()))
}

/// What is said when no cluster is selected.
const NO_CLUSTER: &str = "no cluster is selected";

/// The guided actions in the menu, each with the reason why it is not available, if so.
fn menu(model: &Model) -> Vec<(Action, Option<String>)> {
    let chosen = chosen(model);
    let why = |action: GuidedAction| -> Option<String> {
        if model.is_read_only() {
            return Some("read-only mode".to_owned());
        }
        let Some((chosen, session)) = chosen.as_ref().zip(model.session()) else {
            return Some(NO_CLUSTER.to_owned());
        };
        actions::begin(action, chosen, &session.world, model.now).err()
    };
    let all = Action::ALL.iter().filter_map(|action| Some((*action, action.guided()?)));
    all.map(|(action, guided)| (action, why(guided))).collect()
}

/// The pod that a finding says is stuck, else one that is.
fn stuck(model: &Model) -> Option<PodKey> {
    let session = model.session()?;
    let cluster = model.selected_cluster()?;
    let found = session
        .derived
        .get(cluster)?
        .findings
        .iter()
        .find_map(|finding| match &finding.remedy {
            Remedy::DeletePod(pod) => Some(pod.clone()),
            _ => None,
        });
    found.or_else(|| {
        let entries = session.world.entries_of(session.world.clusters.get(cluster)?);
        let mut instances = session.world.instances_of(cluster);
        instances
            .find(|instance| instance.is_stuck(&entries))
            .map(|instance| instance.key.clone())
    })
}

/// Begins a guided action with what is selected.
pub(super) fn guided(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(wanted) = action.guided() else { return Vec::new() };
    if model.is_read_only() {
        return say(model, format!("read-only mode: \"{}\" is not available", action.help()));
    }
    match chosen(model) {
        Some(chosen) => forms::begin(model, wanted, &chosen),
        None => say(model, NO_CLUSTER),
    }
}

/// The last run of the active target that wrote something that can be put back.
fn last_to_put_back(model: &Model) -> Option<RunId> {
    let mut runs = model.runs.iter().rev().filter(|(target, _)| *target == model.active);
    runs.find(|(_, run)| runs::put_back(model, &run.id).is_some())
        .map(|(_, run)| run.id.clone())
}
