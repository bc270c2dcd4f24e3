//! Guards on libraries to preload: the names that no instance can vouch for are typed once more. Only what is added is judged.

use super::Situation;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::check::{Check, CheckCode, CheckResult, CheckSubject};
use crate::domain::cluster::Cluster;
use crate::domain::requirements::{Sighting, sighting};
use crate::domain::sentence::Sentence;

/// The libraries that a change adds to those that the cluster preloads; none when it is another change.
fn added_libraries(change: &Change, cluster: &Cluster) -> Vec<String> {
    let ChangeKind::EditPreload { edit } = &change.kind else {
        return Vec::new();
    };
    let is_new = |library: &&String| !cluster.spec.preload.contains(library);
    edit.add.iter().filter(is_new).cloned().collect()
}

/// Libraries whose names must be typed once more, because no instance can tell whether it has them. Those that were typed
/// before are among them.
pub(in crate::workflow) fn unlisted(situation: &Situation<'_>) -> Vec<String> {
    let Some(cluster) = situation.cluster() else { return Vec::new() };
    let added = situation.at_hand().flat_map(|change| added_libraries(change, cluster));
    let mut libraries: Vec<String> = added
        .filter(|library| matches!(sighting(situation.world, cluster, library), Sighting::Unlisted(_)))
        .collect();
    libraries.dedup();
    libraries
}

/// What the answer of a check means for the step at hand: a library that was not found before the mount must be found now, and
/// the name of one that no instance can list is typed once more.
pub(super) fn at_step(situation: &Situation<'_>, cluster: &Cluster, check: &mut Check) {
    let (CheckCode::PreloadLibraries, CheckResult::Unknown, CheckSubject::Library(library)) = (check.code, check.result, &check.subject)
    else {
        return;
    };
    match sighting(situation.world, cluster, library) {
        Sighting::Unlisted(_) if situation.typed.contains(library) => {
            check.result = CheckResult::Warn;
            let evidence = std::mem::take(&mut check.evidence);
            check.evidence = evidence.followed_by("; its name was typed once more");
        }
        Sighting::Unlisted(_) => {
            let evidence = std::mem::take(&mut check.evidence);
            check.evidence = evidence.followed_by("; its name must be typed once more");
        }
        _ if situation.step.is_some() => {
            check.result = CheckResult::Fail;
            check.evidence = Sentence::new(format_args!("no instance has {library} yet: PostgreSQL does not start without it"));
            check.hint = Some(Sentence::new("wait until every instance mounts its entry"));
        }
        _ => {}
    }
}
