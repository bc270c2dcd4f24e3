//! Which instances are asked by SQL, and how often.

use crate::app::effect::Effect;
use crate::app::keys::KeyChord;
use crate::app::model::{Asks, Mode, Model};
use crate::app::msg::{Msg, Timer};
use crate::app::update;
use crate::backend::{Access, DatabaseAccess, Read, Scope, Target, TargetId};
use crate::domain::cluster::Cluster;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::instance::{Instance, Role};
use crate::domain::observation::Objects;
use crate::domain::probe::ProbeFailure;
use crate::domain::{Observation, Timestamp, fixture};

const HERE: TargetId = TargetId(1);

fn cluster(number: usize) -> Cluster {
    let name = format!("c-{number:03}");
    let mut cluster = Cluster {
        key: ClusterKey::new("shop", name.clone()),
        ..fixture::cluster()
    };
    cluster.status.instance_names = (1..=3).map(|serial| format!("{name}-{serial}")).collect();
    cluster.status.current_primary = Some(format!("{name}-1"));
    cluster.status.target_primary = Some(format!("{name}-1"));
    cluster
}

/// The three instances of a cluster.
fn instances(number: usize) -> impl Iterator<Item = Instance> {
    let cluster = cluster(number).key;
    (1..=3).map(move |serial| {
        let name = format!("{}-{serial}", cluster.name);
        Instance {
            key: PodKey::new("shop", name.clone()),
            uid: format!("{name}-uid"),
            cluster: cluster.clone(),
            role: if serial == 1 { Role::Primary } else { Role::Replica },
            ..fixture::instance("orders-1")
        }
    })
}

/// A console, or a command, to which so many clusters of three instances are listed; what that asks for.
fn listed(count: usize, asks: Asks) -> (Model, Vec<Effect>) {
    let mut model = Model::new(Mode::Live, Access::Write, DatabaseAccess::Auto, fixture::now(), "test".to_owned());
    model.asks = asks;
    let target = Target {
        unverified: false,
        context: "here".to_owned(),
        server: "https://here.example".to_owned(),
        user: None,
        uid: None,
        scope: Scope::All,
    };
    update(&mut model, Msg::Switched(HERE, target));
    let clusters = Objects::Clusters((0..count).map(cluster).collect());
    let pods = Objects::Instances((0..count).flat_map(instances).collect());
    let effects = update(&mut model, Msg::Observed(HERE, vec![clusters.into(), pods.into()]));
    (model, effects)
}

/// The pods that are asked.
fn asked(effects: &[Effect]) -> Vec<String> {
    let pods = effects.iter().filter_map(|effect| match effect {
        Effect::Read(_, Read::Probe(request)) => Some(request.pod.name.clone()),
        _ => None,
    });
    pods.collect()
}

fn of(number: usize) -> Vec<String> {
    instances(number).map(|instance| instance.key.name).collect()
}

/// When the timer that is set for it goes off, in milliseconds.
fn after(effects: &[Effect], wanted: impl Fn(&Timer) -> bool) -> Option<u64> {
    effects.iter().find_map(|effect| match effect {
        Effect::Schedule { after, timer } if wanted(timer) => Some(*after),
        _ => None,
    })
}

fn later(model: &mut Model, seconds: i64) {
    model.now = Timestamp::from_second(model.now.as_second() + seconds).unwrap();
}

fn failed(instance: &Instance, at: Timestamp) -> Observation {
    Observation::ProbeFailed(ProbeFailure {
        pod: instance.key.clone(),
        uid: instance.uid.clone(),
        at,
        because: "connection refused".to_owned(),
        missing: Vec::new(),
    })
}

#[test]
fn of_few_clusters_all_are_asked_and_of_many_the_one_on_the_screen() {
    assert_eq!(asked(&listed(30, Asks::Sight).1).len(), 90);
    for count in [31, 200, 1_000] {
        assert_eq!(asked(&listed(count, Asks::Sight).1), of(0), "{count}");
    }
}

#[test]
fn status_of_one_cluster_among_two_hundred_asks_its_three_instances() {
    for name in ["c-007", "shop/c-007"] {
        let (mut model, effects) = listed(200, Asks::of(Some(name)));
        assert_eq!(asked(&effects), of(7));
        later(&mut model, 5);
        assert_eq!(asked(&update(&mut model, Msg::Refresh(HERE))), of(7), "as long as it waits");
    }
    assert_eq!(asked(&listed(200, Asks::of(None)).1).len(), 600);
    assert!(asked(&listed(200, Asks::Runs).1).is_empty());
}

#[test]
fn whoever_walks_through_a_list_asks_nobody_and_where_the_selection_stays_is_asked_once() {
    let (mut model, _) = listed(200, Asks::Sight);
    let down: KeyChord = "j".parse().unwrap();
    let walked: Vec<Effect> = (0..5).flat_map(|_| update(&mut model, Msg::Key(down))).collect();
    assert!(asked(&walked).is_empty());
    let looked = |number: usize| Msg::Timer(Timer::Looked(HERE, cluster(number).key));
    assert!(after(&walked, |timer| *timer == Timer::Looked(HERE, cluster(5).key)).is_some());
    assert!(asked(&update(&mut model, looked(3))).is_empty(), "it is not selected any more");
    assert_eq!(asked(&update(&mut model, looked(5))), of(5));
    assert!(asked(&update(&mut model, looked(5))).is_empty(), "it was asked just now");
    later(&mut model, 301);
    assert_eq!(asked(&update(&mut model, looked(5))), of(5), "what is old is read again");
}

#[test]
fn every_five_minutes_what_is_on_the_screen_is_asked_and_nothing_else() {
    for count in [10, 200] {
        let (mut model, _) = listed(count, Asks::Sight);
        for _ in 0..3 {
            later(&mut model, 300);
            let effects = update(&mut model, Msg::Timer(Timer::Evidence(HERE)));
            assert_eq!(asked(&effects), of(0), "{count}");
            assert_eq!(after(&effects, |timer| *timer == Timer::Evidence(HERE)), Some(300_000));
        }
    }
}

#[test]
fn a_command_that_follows_all_clusters_spreads_its_questions_over_the_five_minutes() {
    let (mut model, _) = listed(200, Asks::Everything);
    later(&mut model, 300);
    let mut all = Vec::new();
    for _ in 0..30 {
        let effects = update(&mut model, Msg::Timer(Timer::Evidence(HERE)));
        assert_eq!(after(&effects, |timer| *timer == Timer::Evidence(HERE)), Some(10_000));
        let pods = asked(&effects);
        assert_eq!(pods.len(), 20);
        all.extend(pods);
        later(&mut model, 10);
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 600, "each once");
}

#[test]
fn instances_that_cannot_be_asked_are_tried_again_ever_more_seldom_and_where_somebody_looks() {
    let (mut model, _) = listed(200, Asks::Sight);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let facts = instances(0).map(|instance| failed(&instance, model.now)).collect();
        let effects = update(&mut model, Msg::Observed(HERE, facts));
        pauses.push(after(&effects, |timer| *timer == Timer::Retry(HERE)).unwrap() / 1000);
        later(&mut model, i64::try_from(*pauses.last().unwrap()).unwrap());
        assert_eq!(asked(&update(&mut model, Msg::Timer(Timer::Retry(HERE)))), of(0));
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    let (mut model, _) = listed(200, Asks::Everything);
    let facts = (0..200).flat_map(instances).map(|instance| failed(&instance, model.now)).collect();
    update(&mut model, Msg::Observed(HERE, facts));
    assert_eq!(
        asked(&update(&mut model, Msg::Timer(Timer::Retry(HERE)))).len(),
        20,
        "not all at one time"
    );
}

// P6
#[test]
fn what_the_user_may_do_is_asked_where_the_selection_is() {
    let (mut model, _) = listed(1, Asks::Sight);
    let spread = |number: usize| Cluster {
        key: ClusterKey::new(format!("ns-{number:03}"), "orders"),
        ..fixture::cluster()
    };
    let reviewed = |effects: &[Effect]| -> Vec<String> {
        let reads = effects.iter().filter_map(|effect| match effect {
            Effect::Read(_, Read::Rules(asked)) => asked.first()?.namespace.clone(),
            Effect::Read(_, Read::Permissions(asked)) => Some(format!("{} questions", asked.len())),
            _ => None,
        });
        reads.collect()
    };
    let clusters = Objects::Clusters((0..200).map(spread).collect());
    let effects = update(&mut model, Msg::Observed(HERE, vec![clusters.into()]));
    assert_eq!(reviewed(&effects), ["ns-000"]);
    let effects = update(&mut model, Msg::Key("j".parse().unwrap()));
    assert_eq!(reviewed(&effects), ["ns-001"]);
    let effects = update(&mut model, Msg::Key("k".parse().unwrap()));
    assert!(reviewed(&effects).is_empty(), "it is known");
}

#[test]
fn a_replica_at_rest_is_asked_in_one_database_while_its_primary_can_be_asked() {
    let one_database = |effects: &[Effect]| -> Vec<bool> {
        let reads = effects.iter().filter_map(|effect| match effect {
            Effect::Read(_, Read::Probe(request)) => Some(request.one_database),
            _ => None,
        });
        reads.collect()
    };
    let (mut model, effects) = listed(1, Asks::Sight);
    assert_eq!(one_database(&effects), [false, true, true]);
    let primary = instances(0).next().unwrap();
    let fact = failed(&primary, model.now);
    update(&mut model, Msg::Observed(HERE, vec![fact]));
    let effects = update(&mut model, Msg::Refresh(HERE));
    assert_eq!(one_database(&effects), [false; 3], "somebody must tell of the databases");
}
