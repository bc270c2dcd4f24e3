//! A healthy cluster for tests: `shop/orders`, three instances, `pgvector` from a catalog and `hstore` by reference, a
//! `Database` object that asks for both.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::catalog::{Catalog, CatalogImage};
use super::cluster::{CatalogRef, Cluster, ClusterSpec, ClusterStatus, PresentFields, ResolvedImage};
use super::database::{AppliedExtension, Database, Ensure, ReclaimPolicy, RequestedExtension};
use super::extension::ExtensionEntry;
use super::ids::{CatalogKey, ClusterKey, DatabaseKey, PodKey};
use super::instance::{Instance, Mount, Role};
use super::observation::{Objects, Observation};
use super::probe::{
    AvailableExtension, DatabaseOwner, DatabaseProbe, Fact, FileKind, InstalledExtension, InstanceProbe, LoadedModule, OfferedVersion,
    PathFile, Route, ServerFacts, Setting,
};
use super::watch::{Kind, WatchState};
use super::{Timestamp, World};

pub(crate) const OPERAND: &str = "rig.local/postgresql:18.6-minimal-bookworm";
pub(crate) const PGVECTOR: &str = "rig.local/pgvector:0.8.5-18-bookworm";
pub(crate) const HSTORE: &str = "rig.local/hstore:1.8-18-bookworm";

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_795_400_000).unwrap_or_default()
}

pub(crate) fn cluster_key() -> ClusterKey {
    ClusterKey::new("shop", "orders")
}

pub(crate) fn catalog(extensions: Vec<ExtensionEntry>) -> Catalog {
    Catalog {
        key: catalog_key(),
        uid: "catalog".to_owned(),
        resource_version: "5".to_owned(),
        images: vec![CatalogImage {
            major: 18,
            image: OPERAND.to_owned(),
            extensions,
        }],
    }
}

fn catalog_key() -> CatalogKey {
    CatalogKey {
        namespace: Some("shop".to_owned()),
        name: "postgres".to_owned(),
    }
}

pub(crate) fn cluster() -> Cluster {
    let pgvector = ExtensionEntry {
        name: "pgvector".to_owned(),
        ..ExtensionEntry::default()
    };
    let hstore = ExtensionEntry::new("hstore", HSTORE);
    Cluster {
        key: cluster_key(),
        uid: "cluster".to_owned(),
        resource_version: "100".to_owned(),
        generation: 1,
        created: Some(now()),
        deleting: false,
        annotations: BTreeMap::new(),
        labels: BTreeMap::new(),
        managers: Vec::new(),
        spec: ClusterSpec {
            instances: 3,
            catalog: Some(CatalogRef {
                key: catalog_key(),
                major: 18,
            }),
            extensions: vec![pgvector, hstore.clone()],
            present: PresentFields {
                postgresql: true,
                extensions: true,
                preload: false,
            },
            ..ClusterSpec::default()
        },
        status: ClusterStatus {
            phase: "Cluster in healthy state".to_owned(),
            instances: 3,
            ready_instances: 3,
            current_primary: Some("orders-1".to_owned()),
            target_primary: Some("orders-1".to_owned()),
            image: Some(OPERAND.to_owned()),
            resolved: Some(ResolvedImage {
                image: OPERAND.to_owned(),
                major: Some(18),
                extensions: Some(vec![ExtensionEntry::new("pgvector", PGVECTOR), hstore]),
            }),
            instance_names: vec!["orders-1".to_owned(), "orders-2".to_owned(), "orders-3".to_owned()],
            ..ClusterStatus::default()
        },
    }
}

pub(crate) fn mount(entry: &str, reference: &str) -> Mount {
    Mount {
        entry: entry.to_owned(),
        reference: Some(reference.to_owned()),
        pull_policy: None,
        volume: None,
    }
}

pub(crate) fn instance(name: &str) -> Instance {
    Instance {
        key: PodKey::new("shop", name),
        uid: format!("{name}-uid"),
        resource_version: "200".to_owned(),
        cluster: cluster_key(),
        role: if name == "orders-1" { Role::Primary } else { Role::Replica },
        phase: "Running".to_owned(),
        ready: true,
        ready_since: Some(now()),
        was_started: true,
        deleting: false,
        created: Some(now() - SignedDuration::from_secs(30)),
        node: Some("node-1".to_owned()),
        operand_image: OPERAND.to_owned(),
        restarts: 0,
        mounts: vec![mount("pgvector", PGVECTOR), mount("hstore", HSTORE)],
        trouble: None,
        waits: None,
        unready_since: None,
        ends: None,
        dropped: Vec::new(),
        running: true,
        restarted_at: None,
        manager_image: None,
        operator_version: Some("1.30.0".to_owned()),
        status_port_tls: true,
    }
}

pub(crate) fn database() -> Database {
    let request = |name: &str, version: Option<&str>| RequestedExtension {
        name: name.to_owned(),
        ensure: Ensure::Present,
        version: version.map(str::to_owned),
        schema: None,
    };
    let applied = |name: &str| AppliedExtension {
        name: name.to_owned(),
        applied: true,
        message: String::new(),
    };
    Database {
        key: DatabaseKey::new("shop", "orders-app"),
        uid: "database".to_owned(),
        resource_version: "300".to_owned(),
        generation: 1,
        observed_generation: Some(1),
        deleting: false,
        cluster: cluster_key(),
        database: "app".to_owned(),
        owner: "app".to_owned(),
        ensure: Ensure::Present,
        reclaim_policy: ReclaimPolicy::Retain,
        extensions: vec![request("vector", Some("0.8.5")), request("hstore", None)],
        extensions_present: true,
        applied: Some(true),
        message: String::new(),
        status_extensions: vec![applied("vector"), applied("hstore")],
        status_parts: Vec::new(),
        managers: Vec::new(),
        marks: Vec::new(),
    }
}

pub(crate) fn setting(value: &str) -> Setting {
    Setting {
        value: value.to_owned(),
        source: "configuration file".to_owned(),
        file: None,
        pending_restart: false,
    }
}

pub(crate) fn paths() -> BTreeMap<String, Setting> {
    BTreeMap::from([
        (
            "extension_control_path".to_owned(),
            setting("$system:/extensions/pgvector/share:/extensions/hstore/share"),
        ),
        (
            "dynamic_library_path".to_owned(),
            setting("$libdir:/extensions/pgvector/lib:/extensions/hstore/lib"),
        ),
    ])
}

pub(crate) fn file(kind: FileKind, position: u32, element: &str, name: &str) -> PathFile {
    PathFile {
        module: None,
        updates: None,
        libraries: Vec::new(),
        kind,
        position,
        element: element.to_owned(),
        name: name.to_owned(),
        rank: 1,
        copies: 1,
        default_version: None,
    }
}

pub(crate) fn installed(name: &str, version: &str, library: &str) -> InstalledExtension {
    InstalledExtension {
        name: name.to_owned(),
        version: version.to_owned(),
        schema: "public".to_owned(),
        owner: "postgres".to_owned(),
        libraries: vec![library.to_owned()],
        requires: Vec::new(),
    }
}

/// A version that can be installed and requires nothing.
pub(crate) fn version(name: &str, version: &str) -> OfferedVersion {
    OfferedVersion {
        name: name.to_owned(),
        version: version.to_owned(),
        requires: Vec::new(),
    }
}

fn versions() -> Vec<OfferedVersion> {
    let all = [("hstore", "1.7"), ("hstore", "1.8"), ("plpgsql", "1.0"), ("vector", "0.8.5")];
    all.map(|(name, number)| version(name, number)).to_vec()
}

fn files() -> Vec<PathFile> {
    vec![
        file(FileKind::Control, 2, "/extensions/pgvector/share", "vector"),
        file(FileKind::Control, 3, "/extensions/hstore/share", "hstore"),
        file(FileKind::Library, 1, "$libdir", "plpgsql"),
        file(FileKind::Library, 2, "/extensions/pgvector/lib", "vector"),
        file(FileKind::Library, 3, "/extensions/hstore/lib", "hstore"),
    ]
}

pub(crate) fn probe(name: &str) -> InstanceProbe {
    let offered = |name: &str, version: &str| AvailableExtension {
        name: name.to_owned(),
        default_version: Some(version.to_owned()),
    };
    let owner = |database: &str, owner: &str| DatabaseOwner {
        database: database.to_owned(),
        owner: owner.to_owned(),
    };
    let mut settings = paths();
    settings.insert("shared_preload_libraries".to_owned(), setting(""));
    InstanceProbe {
        templates: None,
        pod: PodKey::new("shop", name),
        uid: format!("{name}-uid"),
        at: now(),
        route: Route::Exec,
        user: "postgres".to_owned(),
        superuser: true,
        server: Fact::Known(ServerFacts {
            closed: Vec::new(),
            templates: Vec::new(),
            shut: vec!["template0".to_owned()],
            plugins: BTreeMap::new(),
            version: 180_006,
            standby: name != "orders-1",
            reads_settings: true,
            started: Some(now()),
            configured: Some(now()),
            databases: vec![owner("app", "app"), owner("postgres", "postgres")],
            loaded: Vec::new(),
            settings,
            wal_receiver: (name != "orders-1").then_some(true),
        }),
        available: Fact::Known(vec![
            offered("hstore", "1.8"),
            offered("plpgsql", "1.0"),
            offered("vector", "0.8.5"),
        ]),
        versions: Fact::Known(versions()),
        files: Fact::Known(files()),
        overrides: Fact::Known(Vec::new()),
        missing_directories: Vec::new(),
        environment: Fact::Known(BTreeMap::new()),
        databases: vec![
            database_probe("app", &[("vector", "0.8.5"), ("hstore", "1.8")]),
            database_probe("postgres", &[]),
        ],
    }
}

/// A database with these SQL extensions, besides the one that each has.
fn database_probe(database: &str, extensions: &[(&str, &str)]) -> DatabaseProbe {
    let all = std::iter::once(&("plpgsql", "1.0")).chain(extensions);
    let all = all.map(|(name, version)| installed(name, version, &format!("$libdir/{name}")));
    DatabaseProbe {
        database: database.to_owned(),
        installed: Fact::Known(all.collect()),
        settings: Fact::Known(paths()),
        update_paths: Fact::Known(Vec::new()),
        dependents: Vec::new(),
    }
}

/// The names of the instances.
pub(crate) const INSTANCES: [&str; 3] = ["orders-1", "orders-2", "orders-3"];

/// A healthy world: every watch live, every instance asked.
pub(crate) fn world() -> World {
    let mut world = World::default();
    let facts = [
        Objects::Clusters(vec![cluster()]).into(),
        Objects::Instances(INSTANCES.map(instance).to_vec()).into(),
        Objects::Databases(vec![database()]).into(),
        Objects::ImageCatalogs(vec![catalog(vec![ExtensionEntry::new("pgvector", PGVECTOR)])]).into(),
        Objects::ClusterImageCatalogs(Vec::new()).into(),
    ];
    let watches = Kind::ALL.map(|kind| Observation::Watch {
        kind,
        state: WatchState::Live,
        at: now(),
    });
    let probes = INSTANCES.map(|name| Observation::Probed(Box::new(probe(name))));
    for observation in facts.into_iter().chain(watches).chain(probes) {
        world.apply(observation, now());
    }
    world
}

/// The server facts of a probe, to be changed.
pub(crate) fn server(probe: &mut InstanceProbe) -> &mut ServerFacts {
    match &mut probe.server {
        Fact::Known(server) => server,
        Fact::Failed(_) | Fact::Unknown(_) => unreachable!("the fixture knows its server"),
    }
}

/// A loaded module.
pub(crate) fn loaded(file: &str) -> LoadedModule {
    LoadedModule {
        file: file.to_owned(),
        module: None,
        version: None,
    }
}

/// Changes the cluster of a world, as a watch event would.
pub(crate) fn change(world: &mut World, edit: impl FnOnce(&mut Cluster)) {
    if let Some(cluster) = world.clusters.get_mut(&cluster_key()) {
        edit(cluster);
    }
}

/// Changes an instance of a world.
pub(crate) fn change_instance(world: &mut World, name: &str, edit: impl FnOnce(&mut Instance)) {
    if let Some(instance) = world.instances.get_mut(&PodKey::new("shop", name)) {
        edit(instance);
    }
}

/// Gives an instance another answer of SQL.
pub(crate) fn change_probe(world: &mut World, name: &str, edit: impl FnOnce(&mut InstanceProbe)) {
    let mut changed = probe(name);
    edit(&mut changed);
    world.apply(Observation::Probed(Box::new(changed)), now());
}

/// Another cluster, `shop/billing`, whose only instance mounts an image as `entry` and has listed its files: control files
/// with the version that they offer and their update scripts, and libraries.
pub(crate) fn mounted_elsewhere(world: &mut World, entry: &str, reference: &str, controls: &[(&str, &str, &[&str])], libraries: &[&str]) {
    let key = ClusterKey::new("shop", "billing");
    let mut there = cluster();
    there.key = key.clone();
    "billing".clone_into(&mut there.uid);
    there.spec.extensions = vec![ExtensionEntry::new(entry, reference)];
    if let Some(resolved) = there.status.resolved.as_mut() {
        resolved.extensions = Some(there.spec.extensions.clone());
    }
    let mut pod = instance("billing-1");
    pod.cluster = key.clone();
    pod.mounts = vec![mount(entry, reference)];
    let mut told = probe("billing-1");
    let mut files: Vec<PathFile> = Vec::new();
    for (name, version, updates) in controls {
        files.push(PathFile {
            default_version: Some((*version).to_owned()),
            updates: Some(updates.iter().map(ToString::to_string).collect()),
            ..file(FileKind::Control, 2, &format!("/extensions/{entry}/share"), name)
        });
    }
    let element = format!("/extensions/{entry}/lib");
    files.extend(libraries.iter().map(|name| file(FileKind::Library, 2, &element, name)));
    told.files = Fact::Known(files);
    told.databases.clear();
    world.clusters.insert(key, there);
    world.instances.insert(pod.key.clone(), pod);
    world.apply(Observation::Probed(Box::new(told)), now());
}
