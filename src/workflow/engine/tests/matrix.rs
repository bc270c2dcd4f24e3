//! Every guided action, in every topology, with an operator of today and an older one, killed in every phase: it comes to its
//! end with one write per step, or is refused before the first.

use super::changing::{AFTER, older, replica, single, supervised, switchover, to, with_update_scripts};
use super::life::{declare, drop_in, edit, ld_path, refresh, remove, set_schema, set_version, update};
use super::stage::{Stage, add_foo, foo};
use super::{ONE_WRITE_PER_STEP, blocked, failed, why};
use crate::domain::World;
use crate::domain::extension::ExtensionEntry;
use crate::domain::fixture;
use crate::domain::ids::PodKey;
use crate::domain::instance::Trouble;
use crate::workflow::event::Event;
use crate::workflow::intent::{self, Place};
use crate::workflow::run::Phase;
use crate::workflow::{GuidedAction, Intent};

const IMAGE: &str = "JsonPatch Cluster orders";
const RESTART: &str = "MergePatch Cluster orders";
const STATUS: &str = "JsonPatch ClusterStatus orders";
const ITEM: &str = "JsonPatch Database orders-app";

/// What a cluster is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topology {
    Three,
    Single,
    Supervised,
    Switchover,
    /// The entry that the actions are about comes from the catalog.
    Catalog,
    Replica,
}

impl Topology {
    const ALL: [Self; 6] = [
        Self::Three,
        Self::Single,
        Self::Supervised,
        Self::Switchover,
        Self::Catalog,
        Self::Replica,
    ];

    fn edit(self, world: &mut World) {
        match self {
            Self::Three => {}
            Self::Single => single(world),
            Self::Supervised => supervised(world),
            Self::Switchover => switchover(world),
            Self::Catalog => {
                let pgvector = ExtensionEntry::new("pgvector", fixture::PGVECTOR);
                let catalog = fixture::catalog(vec![pgvector, ExtensionEntry::new("hstore", fixture::HSTORE)]);
                world.catalogs.insert(catalog.key.clone(), catalog);
                fixture::change(world, |cluster| cluster.spec.extensions[1].reference = None);
            }
            Self::Replica => replica(world),
        }
    }
}

/// What becomes of an action.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It is refused before a write.
    Refused,
    /// Done, with these writes.
    Done(Vec<String>),
}

fn done(writes: &[&str]) -> End {
    End::Done(writes.iter().map(|write| (*write).to_owned()).collect())
}

/// One action, and what has to be there before it.
struct Act {
    intent: fn(&Stage) -> Intent,
    prepare: fn(&mut Stage),
    writes: &'static [&'static str],
}

impl Act {
    fn new(intent: fn(&Stage) -> Intent, writes: &'static [&'static str]) -> Self {
        Self {
            intent,
            prepare: |_| {},
            writes,
        }
    }

    fn after(self, prepare: fn(&mut Stage)) -> Self {
        Self { prepare, ..self }
    }
}

fn act(action: GuidedAction) -> Act {
    match action {
        GuidedAction::AddExtension => Act::new(|_| add_foo(), &ONE_WRITE_PER_STEP),
        GuidedAction::ChangeImage => Act::new(|_| to(AFTER), &[IMAGE, ITEM]),
        GuidedAction::EditEntry => Act::new(|_| edit(ld_path(), Some(Place::First)), &[IMAGE, IMAGE, RESTART]),
        GuidedAction::SetVersion => Act::new(|_| set_version("0.8.6"), &[ITEM]),
        GuidedAction::SetSchema => Act::new(|_| set_schema("tools"), &[ITEM]),
        GuidedAction::Declare => Act::new(|_| declare("ledger", "hstore"), &["Create Database orders-ledger"]),
        GuidedAction::DropExtension => Act::new(|_| drop_in("app", "hstore"), &[ITEM]),
        GuidedAction::Refresh => Act::new(|_| refresh(), &["JsonPatch DatabaseStatus orders-app"]).after(|stage| {
            stage.installed.get_mut("app").unwrap().retain(|(name, _)| name != "hstore");
        }),
        GuidedAction::RemoveExtension => Act::new(|_| remove("hstore"), &[ITEM, IMAGE]),
        GuidedAction::EditPreload => Act::new(
            |_| {
                let libraries = vec!["pg_stat_statements".to_owned()];
                intent::EditPreload { libraries, before: None }.on(fixture::cluster_key())
            },
            &[IMAGE],
        ),
        GuidedAction::Reload => Act::new(|stage| intent::Reload { at: stage.now }.on(fixture::cluster_key()), &[RESTART]),
        GuidedAction::RestartCluster => Act::new(
            |stage| intent::RestartCluster { at: stage.now }.on(fixture::cluster_key()),
            &[RESTART],
        ),
        GuidedAction::RestartInstance => Act::new(
            |stage| {
                let pod = &stage.world.instances[&PodKey::new("shop", "orders-1")];
                let (pod, uid, restarts) = (pod.key.clone(), pod.uid.clone(), pod.restarts);
                intent::RestartInstance { pod, uid, restarts }.on(fixture::cluster_key())
            },
            &[STATUS],
        ),
        GuidedAction::DeleteStuckPod => Act::new(
            |_| {
                let pod = PodKey::new("shop", "orders-2");
                let uid = "orders-2-uid".to_owned();
                intent::DeleteStuckPod { pod, uid }.on(fixture::cluster_key())
            },
            &["Delete Pod orders-2"],
        )
        .after(stuck),
        GuidedAction::Promote => Act::new(
            |stage| {
                let instance = "orders-2".to_owned();
                intent::Promote { instance, at: stage.now }.on(fixture::cluster_key())
            },
            &[STATUS],
        ),
        GuidedAction::PutBack => {
            Act::new(|stage| stage.run.put_back(&stage.world).expect("something to put back"), &[IMAGE]).after(mounted_and_left)
        }
    }
}

/// A mount that was written and then left alone.
fn mounted_and_left(stage: &mut Stage) {
    stage.asleep = true;
    let wanted = intent::AddExtension {
        entry: foo(),
        preload: Vec::new(),
        databases: Vec::new(),
    };
    stage.begin(wanted.on(fixture::cluster_key()));
    stage.confirm();
    assert_eq!(stage.run.phase, Phase::Waiting(0));
    stage.tell(Event::Cancelled);
    stage.settle();
    stage.writes.clear();
    stage.asleep = false;
}

/// The pod of a standby does not start, with an image that nobody wants any more.
fn stuck(stage: &mut Stage) {
    fixture::change_instance(&mut stage.world, "orders-2", |pod| {
        (pod.ready, pod.was_started, pod.running) = (false, false, false);
        pod.mounts[1].reference = Some("rig.local/hstore:nowhere".to_owned());
        pod.trouble = Some(Trouble {
            container: "c".to_owned(),
            init: true,
            reason: "ImagePullBackOff".to_owned(),
            message: "Back-off pulling image rig.local/hstore:nowhere".to_owned(),
            ..Trouble::default()
        });
    });
}

fn stage_of(topology: Topology, is_older: bool, act: &Act) -> Stage {
    let mut world = fixture::world();
    if is_older {
        older(&mut world);
    }
    topology.edit(&mut world);
    let mut stage = Stage::with(refresh(), world);
    stage.operator = is_older.then(|| "1.28.2".to_owned());
    stage.updates = vec![update("0.8.5", "0.8.6")];
    with_update_scripts(&mut stage, &["1.8--1.9"]);
    (act.prepare)(&mut stage);
    stage.ask_everybody();
    let intent = (act.intent)(&stage);
    stage.begin(intent);
    stage
}

/// Somebody promotes a standby.
fn promote_another(stage: &mut Stage) {
    fixture::change(&mut stage.world, |cluster| {
        let is_first = cluster.status.current_primary.as_deref() == Some("orders-1");
        cluster.status.target_primary = Some(if is_first { "orders-2" } else { "orders-1" }.to_owned());
    });
}

/// Confirms what is in review, and promotes where the operator waits for a user; killed when a phase is met for the first
/// time, and once more between each write and its answer.
fn walk(what: &str, stage: &mut Stage) {
    let (mut met, mut written) = (Vec::new(), Vec::new());
    for _ in 0..4000 {
        let phase = stage.run.phase.clone();
        if stage.is_about_to_write() && met.contains(&phase) && !written.contains(&phase) {
            written.push(phase);
            stage.killed_before_the_answer();
            continue;
        }
        match &phase {
            Phase::Done => return,
            phase if failed(phase) => panic!("{what}: {}\n{}", why(&stage.run), stage.told().join("\n")),
            Phase::Review => stage.confirm(),
            phase if blocked(phase) => promote_another(stage),
            _ => {}
        }
        if stage.kept.is_some() && !met.contains(&phase) && phase != Phase::Review {
            met.push(phase);
            stage.killed_and_resumed_at_once();
            continue;
        }
        stage.advance();
    }
    panic!("{what}: {:?} {}\n{}", stage.run.phase, stage.run.progress, stage.told().join("\n"));
}

fn end(what: &str, topology: Topology, is_older: bool, act: &Act) -> End {
    let mut stage = stage_of(topology, is_older, act);
    if stage.run.plan.is_refused() {
        stage.confirm();
        assert_eq!(stage.writes.len(), 0, "{what}");
        return End::Refused;
    }
    walk(what, &mut stage);
    assert_eq!(stage.harm, Vec::<String>::new(), "{what}");
    End::Done(stage.written())
}

fn is_refused(action: GuidedAction, topology: Topology) -> bool {
    match topology {
        // There is no standby.
        Topology::Single => matches!(action, GuidedAction::DeleteStuckPod | GuidedAction::Promote),
        // Its databases have what those of another cluster have.
        Topology::Replica => matches!(
            action,
            GuidedAction::AddExtension
                | GuidedAction::SetVersion
                | GuidedAction::SetSchema
                | GuidedAction::Declare
                | GuidedAction::DropExtension
                | GuidedAction::Refresh
                | GuidedAction::RemoveExtension
        ),
        _ => false,
    }
}

fn expected(action: GuidedAction, topology: Topology, act: &Act) -> End {
    match (topology, action) {
        _ if is_refused(action, topology) => End::Refused,
        // The path is read on a replica, which is then promoted.
        (Topology::Supervised, GuidedAction::ChangeImage) => done(&[IMAGE, STATUS, ITEM]),
        (Topology::Replica, GuidedAction::ChangeImage) => done(&[IMAGE]),
        _ => done(act.writes),
    }
}

#[test]
fn every_action_comes_to_its_end_in_every_topology_and_era_though_it_is_killed_in_every_phase() {
    for action in GuidedAction::ALL {
        let act = act(*action);
        for topology in Topology::ALL {
            // Catalogs bring entries since 1.29.
            let eras: &[bool] = if topology == Topology::Catalog { &[false] } else { &[false, true] };
            for is_older in eras {
                let what = format!("{action:?}, {topology:?}, operator {}", if *is_older { "1.28.2" } else { "1.30" });
                assert_eq!(end(&what, topology, *is_older, &act), expected(*action, topology, &act), "{what}");
            }
        }
    }
}
