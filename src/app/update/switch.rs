//! From one target to another: no fact of the old one stays on the screen, and its runs continue. And the same target once
//! more: it stays the cluster that it was.

use super::{observe, runs, say, warn};
use crate::app::effect::Effect;
use crate::app::model::{Model, Overlay, Screen, Session};
use crate::app::msg::Elsewhere;
use crate::backend::{BackendError, Target, TargetId};
use crate::domain::Observation;
use crate::domain::watch::{Kind, WatchState};

pub(super) fn switched(model: &mut Model, id: TargetId, target: Target) -> Vec<Effect> {
    let old = model.active;
    let is_first = model.session().is_none();
    let mut effects = runs::cancel_reviews(model);
    if let Some(session) = model.session()
        && session.target.context == target.context
    {
        let told = other_user(&session.target, &target);
        effects.extend(told.into_iter().flat_map(|told| warn(model, told)));
    }
    model.sessions.insert(id, Session::new(target));
    model.active = id;
    model.screen = Screen {
        size: model.screen.size,
        sort: model.screen.sort,
        ..Screen::default()
    };
    // What was opened before the first target, the help for instance, is not about another one.
    if !is_first {
        model.overlays.clear();
    }
    model.unopened = None;
    model.opening = None;
    model.dirty = true;
    effects.push(observe::first(id));
    if old != id && model.sessions.contains_key(&old) {
        effects.extend(runs::close_if_idle(model, old));
    }
    effects
}

pub(super) fn failed(model: &mut Model, error: &BackendError) -> Vec<Effect> {
    model.opening = None;
    let title = if model.session().is_some() {
        "The target was not changed"
    } else {
        model.unopened = Some(error.to_string());
        "The target cannot be opened"
    };
    model
        .overlays
        .retain(|overlay| !matches!(overlay, Overlay::Contexts(..) | Overlay::Namespaces(..)));
    message(model, title, error);
    Vec::new()
}

/// Contexts cannot be listed; whatever is being opened goes on.
pub(super) fn not_listed(model: &mut Model, error: &BackendError) -> Vec<Effect> {
    model.overlays.retain(|overlay| !matches!(overlay, Overlay::Contexts(..)));
    message(model, "The contexts cannot be listed", error);
    Vec::new()
}

fn message(model: &mut Model, title: &str, error: &BackendError) {
    let mut lines = vec![error.message.clone()];
    lines.extend(error.causes.iter().cloned());
    lines.extend(error.hint.clone());
    model.overlays.push(Overlay::Message(title.to_owned(), lines));
    model.dirty = true;
}

/// Asks the runtime for another context, or for another namespace of the present one.
#[allow(
    clippy::option_option,
    reason = "the effect distinguishes keeping the namespace from showing all of them"
)]
pub(super) fn to(model: &mut Model, context: Option<String>, namespace: Option<Option<String>>) -> Vec<Effect> {
    model.overlays.clear();
    model.screen.filtering = None;
    model.unopened = None;
    model.opening = Some(named(model, context.as_deref(), namespace.as_ref()));
    model.dirty = true;
    let mut effects = runs::cancel_reviews(model);
    effects.push(Effect::Switch { context, namespace });
    effects
}

/// What is being opened, in a few words.
fn named(model: &Model, context: Option<&str>, namespace: Option<&Option<String>>) -> String {
    let present = model
        .session()
        .map_or("the first context", |session| session.target.context.as_str());
    let context = context.unwrap_or(present);
    match namespace {
        None => context.to_owned(),
        Some(None) => format!("{context}, all namespaces"),
        Some(Some(namespace)) => format!("{context}, namespace {namespace}"),
    }
}

/// Gives up what is being opened, if something is.
pub(super) fn give_up(model: &mut Model) -> Option<Vec<Effect>> {
    let what = model.opening.take()?;
    model.dirty = true;
    let told = format!("{what} is not opened");
    if model.session().is_none() {
        model.unopened = Some(format!("{told}: it was cancelled"));
    }
    let mut effects = vec![Effect::GiveUp];
    effects.extend(say(model, told));
    Some(effects)
}

/// The cluster of a target has a UID. Runs that are on their way are kept with it from now on.
pub(super) fn identified(model: &mut Model, id: TargetId, uid: String) -> Vec<Effect> {
    let Some(session) = model.sessions.get_mut(&id) else {
        return Vec::new();
    };
    session.target.uid = Some(uid);
    runs::keep_again(model, id)
}

/// The connection of a target was made again, to the same cluster.
pub(super) fn reconnected(model: &mut Model, id: TargetId, target: Target) -> Vec<Effect> {
    let Some(session) = model.sessions.get_mut(&id) else {
        return Vec::new();
    };
    let told = other_user(&session.target, &target);
    session.target = target;
    model.dirty = true;
    let Some(told) = told else { return Vec::new() };
    // What the user before was permitted says nothing about this one.
    session.world.permissions.clear();
    let mut effects = warn(model, told);
    effects.extend(observe::review_again(model, id));
    effects
}

/// The connection of a target cannot be made again; the old one goes on trying.
pub(super) fn not_reconnected(model: &mut Model, id: TargetId, error: &BackendError) -> Vec<Effect> {
    let Some(session) = model.sessions.get(&id) else {
        return Vec::new();
    };
    let told = format!("{} cannot be opened again: {error}", session.target.context);
    warn(model, told)
}

/// What is said when another user entry leads to the same cluster.
fn other_user(before: &Target, now: &Target) -> Option<String> {
    let name = |target: &Target| target.user.clone().unwrap_or_else(|| "none".to_owned());
    (before.user != now.user).then(|| {
        format!(
            "the context {} uses another user entry now: {}; it was {}. Permissions are asked again",
            now.context,
            name(now),
            name(before)
        )
    })
}

/// What belongs to a target leads to another cluster: the facts stay as they are, and the user decides.
pub(super) fn elsewhere(model: &mut Model, id: TargetId, what: Elsewhere, found: &Target) -> Vec<Effect> {
    let Some(session) = model.sessions.get(&id) else {
        return Vec::new();
    };
    let (context, server) = (&session.target.context, &session.target.server);
    let goes = if found.uid.is_some() {
        format!("the context {context} leads to another cluster now, at {}", found.server)
    } else if found.server == *server {
        format!("the context {context} uses another user entry now, and whether the cluster is the same cannot be read")
    } else {
        format!(
            "the context {context} leads to {} now, no longer to {server}, and whether the cluster is the same cannot be read",
            found.server
        )
    };
    let told = match what {
        Elsewhere::Switch => format!("{goes}. Nothing was opened; :ctx {context} opens it"),
        Elsewhere::Reconnect => format!("{goes}. What is shown stays, and nothing is sent there; :ctx {context} opens it"),
        Elsewhere::Connection => {
            format!("another cluster answers at {server}. What is shown is of the one before, and nothing is sent; :ctx {context} opens it")
        }
    };
    let mut effects = Vec::new();
    match what {
        Elsewhere::Switch => model.opening = None,
        Elsewhere::Reconnect => {}
        Elsewhere::Connection => effects.extend(stale(model, id)),
    }
    effects.extend(warn(model, told));
    effects
}

/// Nothing more comes from the connection of a target: what was live is old from now on.
fn stale(model: &mut Model, id: TargetId) -> Vec<Effect> {
    let Some(session) = model.sessions.get(&id) else {
        return Vec::new();
    };
    let (at, why) = (model.now, format!("another cluster answers at {}", session.target.server));
    let live = Kind::ALL.into_iter().filter(|kind| *session.world.watch(*kind) == WatchState::Live);
    let mut facts: Vec<Observation> = live
        .map(|kind| Observation::Watch {
            kind,
            state: WatchState::Stale {
                since: at,
                why: why.clone(),
            },
            at,
        })
        .collect();
    facts.push(Observation::Unreachable { why, at });
    observe::observed(model, id, facts)
}
