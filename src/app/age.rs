//! Ages as people read them, which of them are on the screen, and for how long they are counted: a console that nobody looks
//! at draws nothing, and an age that is not counted would be wrong. So after a while without a key times of day are shown.

use super::model::{Model, Overlay, Pane, Tab, is_moving};
use crate::domain::Timestamp;
use crate::domain::ladder::Source;
use crate::domain::watch::WatchState;
use crate::workflow::run::Run;

/// After so many seconds without a key the user is taken to be away.
const UNATTENDED: i64 = 60;

/// How long ago: `now`, `12 s`, `3 min`, `2 h`, `4 d`.
pub fn age(now: Timestamp, at: Timestamp) -> String {
    match now.as_second().saturating_sub(at.as_second()) {
        ..=0 => "now".to_owned(),
        seconds => duration(seconds),
    }
}

/// A number of seconds: `12 s`, `3 min`, `2 h`, `4 d`.
pub fn duration(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How long a run has taken is counted: while it continues, or while the user looks.
pub fn is_counted(model: &Model, run: &Run) -> bool {
    is_moving(run) || (!run.is_over() && !model.is_unattended)
}

/// Times whose age the screen shows.
pub(super) fn shown(model: &Model) -> impl Iterator<Item = Timestamp> {
    let mut times: Vec<Timestamp> = model
        .runs
        .iter()
        .filter(|(_, run)| is_counted(model, run))
        .filter_map(|(_, run)| run.started)
        .collect();
    if let Some(session) = model.session().filter(|_| !model.is_unattended) {
        let world = &session.world;
        times.extend(world.watches.values().filter_map(|status| match status.state {
            WatchState::Stale { since, .. } => Some(since),
            _ => None,
        }));
        if let Some(cluster) = model.selected_cluster() {
            times.extend(
                world
                    .instances_of(cluster)
                    .filter_map(|instance| world.answer_of(instance))
                    .map(|answer| answer.at),
            );
        }
        if model.screen.tab == Tab::Evidence && model.screen.focus != Pane::Extensions {
            times.extend(evidence(model));
        }
        if model.overlays.iter().any(|overlay| matches!(overlay, Overlay::Runs(_))) {
            times.extend(
                session
                    .unfinished
                    .iter()
                    .filter_map(|kept| kept.transcript.last())
                    .map(|line| line.at),
            );
        }
    }
    times.into_iter()
}

/// Times of the evidence of the selected rung, where a watch does not hold it up to date.
fn evidence(model: &Model) -> Vec<Timestamp> {
    let rung = model.selected_ladder().and_then(|ladder| match model.screen.rung {
        Some(kind) => ladder.rung(kind),
        None => ladder.headline(),
    });
    let Some(rung) = rung.filter(|rung| rung.source == Source::Sql) else {
        return Vec::new();
    };
    let lines = rung.evidence.iter().filter_map(|line| line.at);
    lines.chain(rung.observed_at).collect()
}

/// A second has passed: what reads differently now is drawn, and what is not counted any more is drawn once.
pub(super) fn tick(model: &mut Model) {
    let before = std::mem::replace(&mut model.ticked, model.now);
    let mut differs = shown(model).any(|at| age(before, at) != age(model.now, at));
    if !model.is_unattended && model.now.as_second() - model.attended.as_second() >= UNATTENDED {
        differs |= shown(model).next().is_some();
        model.is_unattended = true;
    }
    model.dirty |= differs;
}

/// The user has pressed a key.
pub(super) fn attend(model: &mut Model) {
    model.attended = model.now;
    if std::mem::take(&mut model.is_unattended) {
        let differs = shown(model).next().is_some();
        model.dirty |= differs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_grow_coarser() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let ages: Vec<String> = [0, 1, 119, 120, 7_200, 172_800].map(|seconds| age(at(seconds), at(0))).to_vec();
        assert_eq!(ages, ["now", "1 s", "119 s", "2 min", "2 h", "2 d"]);
        assert_eq!(age(at(0), at(5)), "now");
    }
}
