//! `extop wait`.

use std::io::Write;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::Wait;
use crate::app::model::{Asks, Session};
use crate::domain::Timestamp;
use crate::domain::ids::ClusterKey;
use crate::domain::ladder::{Because, Ladder, Rung, RungKind, RungState};
use crate::domain::rollout;
use crate::domain::shell::quoted;
use crate::domain::watch::WatchState;
use crate::domain::world::{Probe, World};
use crate::runtime::Core;

/// Seconds for which a rung must stay broken before nothing more is expected of it, as runs wait: an image may be pulled at the
/// second try, and evidence may be from before the last change.
const STUCK: i64 = 10;

/// Waits until a rung and all before it hold. Ends early when one of them is broken and stays so.
pub(super) async fn run(mut headless: Headless, options: &Wait, errors: &mut dyn Write) -> Result<Exit, Failure> {
    headless.settle(Asks::of(Some(&options.cluster))).await?;
    let cluster = headless.cluster(&options.cluster)?.key.clone();
    let mut said = String::new();
    let mut patience = Patience::default();
    let outcome = headless
        .wait(options.timeout, |core| {
            let progress = patience.with(look(core, &cluster, options), Timestamp::now());
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

/// Since when what is waited for has been broken without a break.
#[derive(Default)]
struct Patience {
    broken: Option<Timestamp>,
}

impl Patience {
    /// What is broken counts when it has been so for long enough.
    fn with(&mut self, look: Look, now: Timestamp) -> Look {
        let Look::Broken(line) = look else {
            self.broken = None;
            return look;
        };
        let since = *self.broken.get_or_insert(now);
        if now.as_second() - since.as_second() >= STUCK {
            Look::Over(Failure::new(Exit::Broken, line))
        } else {
            Look::GoesOn(line)
        }
    }
}

enum Look {
    Holds,
    GoesOn(String),
    /// For now; it may be for a moment only.
    Broken(String),
    Over(Failure),
}

impl Look {
    fn end(self) -> Option<Result<(), Failure>> {
        match self {
            Self::Holds => Some(Ok(())),
            Self::GoesOn(_) | Self::Broken(_) => None,
            Self::Over(failure) => Some(Err(failure)),
        }
    }
}

fn look(core: &Core, cluster: &ClusterKey, options: &Wait) -> Look {
    let Some(session) = core.model.session() else {
        return Look::GoesOn(String::new());
    };
    let derived = session.world.clusters.get(cluster).map(|cluster| session.derived_of(cluster));
    let mut ladders = derived.iter().flat_map(|derived| &derived.ladders);
    let Some(ladder) = ladders.find(|ladder| ladder.entry == options.entry) else {
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
    let blocked = blocked(session, cluster);
    // What blocks the cluster is often the reason of the rung itself.
    let line = match blocked.filter(|why| !line.contains(why)) {
        Some(why) => format!("{line}; {why}"),
        None => line,
    };
    match rung.state {
        RungState::Broken => Look::Broken(line),
        RungState::Unknown if is_missing(session, cluster) => Look::Over(Failure::new(Exit::Unknown, line)),
        _ => Look::GoesOn(match lost(&session.world) {
            Some(why) => format!("{line}; {why}"),
            None => line,
        }),
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
    use crate::domain::Observation;
    use crate::domain::watch::Kind;

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

    // D36p: the patience of runs.
    #[test]
    fn what_is_broken_ends_the_wait_only_when_it_stays_so() {
        let at = |second| Timestamp::from_second(second).unwrap_or_default();
        let broken = || Look::Broken("foo mounted broken".to_owned());
        let mut patience = Patience::default();
        for second in [0, 4, 9] {
            assert!(patience.with(broken(), at(second)).end().is_none(), "{second}");
        }
        assert!(patience.with(Look::GoesOn(String::new()), at(10)).end().is_none());
        assert!(patience.with(broken(), at(11)).end().is_none(), "it begins again");
        assert!(patience.with(broken(), at(20)).end().is_none());
        assert!(matches!(patience.with(broken(), at(21)).end(), Some(Err(failure)) if failure.exit == Exit::Broken));
        let missing = Look::Over(Failure::new(Exit::Unknown, "a permission is missing"));
        assert!(matches!(patience.with(missing, at(22)).end(), Some(Err(failure)) if failure.exit == Exit::Unknown));
        assert!(matches!(patience.with(Look::Holds, at(23)).end(), Some(Ok(()))));
    }
}
