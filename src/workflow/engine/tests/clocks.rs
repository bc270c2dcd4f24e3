//! D11: the API server's clock and this machine's are never compared.

use super::stage::Stage;
use crate::domain::fixture;
use crate::workflow::intent;
use crate::workflow::run::Phase;

/// Preloads a library; the instances, whether SQL answers, and by how much the server's clock is ahead.
fn preload(instances: u32, mute: bool, ahead: i64) -> Stage {
    let mut world = fixture::world();
    fixture::change(&mut world, |cluster| {
        (cluster.spec.instances, cluster.status.instances, cluster.status.ready_instances) = (instances, instances, instances);
        cluster.status.instance_names.truncate(instances as usize);
    });
    if instances == 1 {
        world.instances.retain(|key, _| key.name == "orders-1");
    }
    let mut stage = Stage::with(
        intent::EditPreload {
            libraries: vec!["pg_stat_statements".to_owned()],
            before: None,
        }
        .on(fixture::cluster_key()),
        world,
    );
    stage.ahead = ahead;
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    stage.mute = mute;
    stage
}

const AHEAD: [i64; 3] = [-3600, 0, 3600];

#[test]
fn a_preload_is_not_taken_for_done_before_the_operator_has_done_anything() {
    for (instances, mute, ahead) in all() {
        let mut stage = preload(instances, mute, ahead);
        stage.asleep = true;
        for _ in 0..60 {
            stage.tick();
            stage.settle();
        }
        assert_eq!(
            stage.run.phase,
            Phase::Waiting(0),
            "{instances} instances, mute {mute}, the server is {ahead} s ahead: {:#?}",
            stage.told()
        );
    }
}

#[test]
fn a_preload_is_taken_for_done_once_the_instances_have_been_restarted() {
    for (instances, mute, ahead) in all() {
        let mut stage = preload(instances, mute, ahead);
        stage.until(
            &format!("{instances} instances, mute {mute}, the server is {ahead} s ahead"),
            |phase| matches!(phase, Phase::Proving | Phase::Done),
        );
    }
}

fn all() -> impl Iterator<Item = (u32, bool, i64)> {
    [1, 3].into_iter().flat_map(|instances| {
        [false, true]
            .into_iter()
            .flat_map(move |mute| AHEAD.into_iter().map(move |ahead| (instances, mute, ahead)))
    })
}
