//! `extop wait`.

use std::io::Write;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::Wait;
use crate::app::model::Session;
use crate::domain::ids::ClusterKey;
use crate::domain::ladder::{Because, Ladder, Rung, RungKind, RungState};
use crate::domain::rollout;
use crate::domain::shell::quoted;
use crate::domain::watch::WatchState;
use crate::domain::world::{Probe, World};
use crate::runtime::Core;

/// Waits until a rung and all before it hold. Ends at once when nothing under way can bring that about.
pub(super) async fn run(mut headless: Headless, options: &Wait, errors: &mut dyn Write) -> Result<Exit, Failure> {
    headless.settle().await?;
    let cluster = headless.cluster(&options.cluster)?.key.clone();
    let mut said = String::new();
    let outcome = headless
        .wait(options.timeout, |core| {
            let progress = look(core, &cluster, options);
            if let Look::GoesOn(line) = &progress
                && *line != said
            {
                // Progress is a courtesy; a closed stderr does not end the wait.
                drop(writeln!(errors, "{line}"));
                line.clone_into(&mut said);
            }
            progress.end()
        })
        .await;
    match outcome {
        Ok(Ok(())) => Ok(Exit::Done),
        Ok(Err(failure)) => Err(failure),
        Err(timeout) => Err(Failure::new(timeout.exit, format!("{}; {said}", timeout.message))),
    }
}

enum Look {
    Holds,
    GoesOn(String),
    Over(Failure),
}

impl Look {
    fn end(self) -> Option<Result<(), Failure>> {
        match self {
            Self::Holds => Some(Ok(())),
            Self::GoesOn(_) => None,
            Self::Over(failure) => Some(Err(failure)),
        }
    }
}

fn look(core: &Core, cluster: &ClusterKey, options: &Wait) -> Look {
    let Some(session) = core.model.session() else {
        return Look::GoesOn(String::new());
    };
    let ladder = session
        .derived
        .get(cluster)
        .and_then(|derived| derived.ladders.iter().find(|ladder| ladder.entry == options.entry));
    let Some(ladder) = ladder else {
        let why = format!("{cluster} does not declare an entry {}", options.entry);
        return Look::Over(Failure::new(Exit::Broken, why).with_hint(format!(
            "add it: extop add {} {}",
            quoted(&cluster.to_string()),
            quoted(&options.entry)
        )));
    };
    let Some(rung) = first_open(ladder, options.rung) else {
        return Look::Holds;
    };
    let line = sentence(ladder, rung);
    match rung.state {
        RungState::Broken => Look::Over(Failure::new(Exit::Broken, line)),
        RungState::Unknown if is_missing(session, cluster) => Look::Over(Failure::new(Exit::Unknown, line)),
        _ => match blocked(session, cluster) {
            Some(why) => Look::Over(Failure::new(Exit::Broken, format!("{line}; {why}"))),
            None => Look::GoesOn(match lost(&session.world) {
                Some(why) => format!("{line}; {why}"),
                None => line,
            }),
        },
    }
}

/// The first rung up to the wanted one that neither holds nor is out of the question.
fn first_open(ladder: &Ladder, wanted: RungKind) -> Option<&Rung> {
    ladder
        .rungs
        .iter()
        .filter(|rung| rung.kind <= wanted)
        .find(|rung| match rung.state {
            RungState::Holds => false,
            // A rung that does not apply is passed over, but it cannot be what is waited for.
            RungState::NotApplicable => rung.kind == wanted && wanted == RungKind::Requested,
            _ => true,
        })
}

fn sentence(ladder: &Ladder, rung: &Rung) -> String {
    let count = match (rung.have, rung.want) {
        (Some(have), Some(want)) => format!(" {have}/{want}"),
        _ => String::new(),
    };
    let because = rung.because.as_ref().map(Because::sentence);
    let because = because.map(|because| format!(": {}", because.for_people())).unwrap_or_default();
    format!("{} {} {}{count}{because}", ladder.entry, rung.kind.as_str(), rung.state.as_str())
}

/// A permission is missing, so that waiting does not make the answer known.
fn is_missing(session: &Session, cluster: &ClusterKey) -> bool {
    let world = &session.world;
    let by_probe = world
        .instances_of(cluster)
        .any(|instance| matches!(world.probes.get(&instance.key), Some(Probe::Failed(failure, _)) if !failure.missing.is_empty()));
    let by_watch = world
        .watches
        .values()
        .any(|watch| matches!(watch.state, WatchState::Forbidden { .. } | WatchState::Absent));
    by_probe || by_watch
}

/// Why nothing new is heard, where something was.
fn lost(world: &World) -> Option<String> {
    world.watches.iter().find_map(|(kind, watch)| match &watch.state {
        WatchState::Stale { why, .. } => Some(format!("{} may have changed since: {why}", kind.resource())),
        WatchState::Error { why } => Some(format!("{} are not known: {why}", kind.resource())),
        _ => None,
    })
}

fn blocked(session: &Session, cluster: &ClusterKey) -> Option<String> {
    rollout::assess(&session.world, session.world.clusters.get(cluster)?).blocked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::watch::Kind;
    use crate::domain::{Observation, Timestamp};

    // C24
    #[test]
    fn what_is_not_live_any_more_is_told_with_the_reason() {
        let at = Timestamp::UNIX_EPOCH;
        let mut world = World::default();
        for kind in Kind::ALL {
            let state = WatchState::Live;
            world.apply(Observation::Watch { kind, state, at }, at);
        }
        assert_eq!(lost(&world), None);
        let state = WatchState::Stale {
            since: at,
            why: "credentials expired".to_owned(),
        };
        let kind = Kind::Pod;
        world.apply(Observation::Watch { kind, state, at }, at);
        assert_eq!(lost(&world).as_deref(), Some("pods may have changed since: credentials expired"));
    }
}
