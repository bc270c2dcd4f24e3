//! A stage for runs: a world, a clock, an API server and an operator that does one thing at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::second_writer::{self, Theirs};
use crate::backend::{BackendError, ErrorKind, Reply};
use crate::domain::catalog::resolve;
use crate::domain::change::{FIELD_MANAGER, Request, Resource};
use crate::domain::cluster::{self, FieldManager, UpdateStrategy};
use crate::domain::database::{AppliedExtension, Ensure, RequestedExtension};
use crate::domain::extension::ExtensionEntry;
use crate::domain::fixture;
use crate::domain::ids::PodKey;
use crate::domain::instance::{Instance, Mount, Trouble};
use crate::domain::permission::Verdict;
use crate::domain::probe::{
    AvailableExtension, DatabaseOwner, DatabaseProbe, Dependents, Fact, FileKind, InstanceProbe, ManagerReport, Override, ProbeFailure,
    Setting, Templates, UpdatePath,
};
use crate::domain::request::tests::objects::{Refusal, carry_out};
use crate::domain::world::update_path;
use crate::domain::{Observation, Timestamp, World};
use crate::workflow::event::{Command, Event};
use crate::workflow::intent;
use crate::workflow::intent::{DatabaseWish, Intent};
use crate::workflow::run::{Kept, Phase, Run, RunId};

/// What goes wrong with the next write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    Fine,
    /// It is made, and the answer is lost.
    Swallowed,
    /// It is not made, and nothing is heard.
    Lost,
    /// The operator reports in between.
    Report,
    /// Another user edits the spec in between: a library, and the version of an item.
    Edit,
    /// What shall be created, another user has created in between; what shall be changed, another user has changed.
    Taken,
    /// The server refuses it.
    Rejected,
}

pub(super) struct Stage {
    pub(super) world: World,
    pub(super) now: Timestamp,
    pub(super) run: Run,
    /// Requests that were carried out.
    pub(super) writes: Vec<Request>,
    /// What is on disk.
    pub(super) kept: Option<Kept>,
    /// Commands of the run that were not carried out yet.
    queue: Vec<Command>,
    pub(super) wakes: BTreeSet<Timestamp>,
    pub(super) denied: BTreeSet<String>,
    pub(super) faults: Vec<Fault>,
    /// SQL extensions with version, per database.
    pub(super) installed: BTreeMap<String, Vec<(String, String)>>,
    /// Libraries that each pod was started with, by UID.
    pub(super) preloaded: BTreeMap<String, Vec<String>>,
    /// SQL cannot be asked.
    pub(super) mute: bool,
    /// The image of `foo` holds nothing.
    pub(super) hollow: bool,
    /// `LD_LIBRARY_PATH` that each pod was started with, by UID.
    pub(super) linked: BTreeMap<String, String>,
    /// What is set for databases and roles.
    pub(super) overrides: Vec<Override>,
    /// SQL extensions with version in `template1`.
    pub(super) template: Vec<(String, String)>,
    /// What depends on an extension, wherever it is installed.
    pub(super) depending: BTreeMap<String, Vec<String>>,
    /// SQL does not list files: the session is no superuser's.
    pub(super) unlisted: bool,
    /// SQL does not tell which versions are offered.
    pub(super) vague: bool,
    /// Update paths that every image has.
    pub(super) updates: Vec<UpdatePath>,
    /// What images of hstore hold, by reference: the version, its update scripts, and its library.
    pub(super) images: BTreeMap<String, (String, Vec<String>, String)>,
    /// Instances do not answer at all.
    pub(super) deaf: bool,
    /// Standbys do not receive WAL.
    pub(super) silent: bool,
    /// The operator does nothing.
    pub(super) asleep: bool,
    /// Version of the operator, if it is not that of the fixture.
    pub(super) operator: Option<String>,
    /// PostgreSQL leaves extensions in their schema.
    pub(super) immovable: bool,
    /// Schemas that extensions were moved to, by database and name.
    schemas: BTreeMap<(String, String), String>,
    /// The reload that was made last, and when.
    reloaded: (Option<String>, Timestamp),
    /// When each server was started again in its pod, by UID.
    restarted: BTreeMap<String, Timestamp>,
    /// Pods made so far.
    made: u32,
    /// Disk of the state directory is full.
    pub(super) disk_full: bool,
    /// Seconds by which the clock of the API server is ahead of that of this machine.
    pub(super) ahead: i64,
    /// Writes of another user that are still to come, one before each command of the run that is carried out.
    pub(super) theirs: Vec<Theirs>,
    /// What every plan that was confirmed has shown, by the title of the step: the lines that go and come.
    pub(super) shown: BTreeMap<String, Vec<String>>,
    /// Lines that requests took away or added beyond what was shown, and what was lost of others.
    pub(super) harm: Vec<String>,
    /// Objects that others have created so far.
    pub(super) made_by_others: u32,
    /// What this program has made, as facts.
    pub(super) own: BTreeSet<String>,
}

pub(super) fn foo() -> ExtensionEntry {
    ExtensionEntry::new("foo", "rig.local/foo:1.0-18-bookworm")
}

pub(super) fn wish(database: &str, extension: &str) -> DatabaseWish {
    DatabaseWish {
        database: database.to_owned(),
        extension: extension.to_owned(),
        version: Some("1.0".to_owned()),
        schema: None,
    }
}

/// Mount foo, preload it, ask for it in a database with an object and in one without.
pub(super) fn add_foo() -> Intent {
    intent::AddExtension {
        entry: foo(),
        preload: vec!["foo".to_owned()],
        databases: vec![wish("app", "foo"), wish("ledger", "foo")],
    }
    .on(fixture::cluster_key())
}

impl Stage {
    pub(super) fn new(intent: Intent) -> Self {
        Self::with(intent, fixture::world())
    }

    pub(super) fn with(intent: Intent, world: World) -> Self {
        let installed = BTreeMap::from([
            (
                "app".to_owned(),
                vec![("vector".to_owned(), "0.8.5".to_owned()), ("hstore".to_owned(), "1.8".to_owned())],
            ),
            ("ledger".to_owned(), Vec::new()),
            ("postgres".to_owned(), Vec::new()),
        ]);
        let now = Timestamp::from_second(fixture::now().as_second() + 1000).unwrap();
        let (run, _) = Run::new(RunId("test".to_owned()), intent.clone(), &world, now);
        let mut stage = Self {
            world,
            now,
            run,
            writes: Vec::new(),
            kept: None,
            queue: Vec::new(),
            wakes: BTreeSet::new(),
            denied: BTreeSet::new(),
            faults: Vec::new(),
            installed,
            preloaded: BTreeMap::new(),
            mute: false,
            hollow: false,
            overrides: Vec::new(),
            linked: BTreeMap::new(),
            template: Vec::new(),
            depending: BTreeMap::new(),
            unlisted: false,
            vague: false,
            updates: Vec::new(),
            images: BTreeMap::new(),
            deaf: false,
            silent: false,
            asleep: false,
            operator: None,
            immovable: false,
            schemas: BTreeMap::new(),
            reloaded: (None, fixture::now()),
            restarted: BTreeMap::new(),
            made: 0,
            disk_full: false,
            ahead: 0,
            theirs: Vec::new(),
            shown: BTreeMap::new(),
            harm: Vec::new(),
            made_by_others: 0,
            own: BTreeSet::new(),
        };
        stage.world.kubernetes = Some("1.36.3".to_owned());
        stage.ask_everybody();
        stage.begin(intent);
        stage
    }

    /// Every instance is asked by SQL.
    pub(super) fn ask_everybody(&mut self) {
        let pods: Vec<PodKey> = self.world.instances.keys().cloned().collect();
        for pod in &pods {
            self.probe(pod);
        }
    }

    /// Begins another run on the same stage.
    pub(super) fn begin(&mut self, intent: Intent) {
        let (run, commands) = Run::new(RunId("test".to_owned()), intent, &self.world, self.now);
        self.run = run;
        self.queue = commands;
        self.settle();
    }

    /// The program is killed: the run and whatever it waits for are gone. What is on disk is taken up again.
    pub(super) fn killed_and_resumed(&mut self) {
        self.killed_and_resumed_at_once();
        self.settle();
    }

    /// The same, and nothing that the run asks for then was carried out yet.
    pub(super) fn killed_and_resumed_at_once(&mut self) {
        self.queue.clear();
        self.wakes.clear();
        let kept = self.kept.clone().expect("something is on disk");
        let json = serde_json::to_string(&kept).unwrap();
        let (run, commands) = Run::resume(serde_json::from_str(&json).unwrap(), &self.world, self.now);
        self.run = run;
        self.queue = commands;
    }

    pub(super) fn tell(&mut self, event: Event) {
        let commands = self.run.handle(event, &self.world, self.now);
        self.queue.extend(commands);
    }

    pub(super) fn confirm(&mut self) {
        self.settle();
        self.tell(Event::Confirmed("orders".to_owned()));
        if self.run.phase != Phase::Review {
            self.remember_what_was_shown();
        }
        self.settle();
    }

    fn remember_what_was_shown(&mut self) {
        for preview in &self.run.plan.previews {
            let title = self.run.plan.steps[preview.step].title.clone();
            self.shown.insert(title, second_writer::lines(&preview.diff));
        }
    }

    /// Carries out everything that was asked for, until nothing is left.
    pub(super) fn settle(&mut self) {
        for _ in 0..200 {
            if self.queue.is_empty() {
                return;
            }
            let command = self.queue.remove(0);
            self.carry_out(command);
        }
        panic!("the run asks without an end: {:?}", self.run.phase);
    }

    /// Carries out commands until the given one comes, which is left out.
    pub(super) fn settle_until_apply(&mut self) -> Request {
        for _ in 0..400 {
            if self.queue.is_empty() {
                self.tick();
                continue;
            }
            match self.queue.remove(0) {
                Command::Apply(_, request) => return request,
                command => self.carry_out(command),
            }
        }
        panic!("no write comes: {:?} {}", self.run.phase, self.run.progress);
    }

    /// Carries out one command, or lets a second pass.
    pub(super) fn advance(&mut self) {
        if self.queue.is_empty() {
            self.tick();
        } else {
            let command = self.queue.remove(0);
            self.carry_out(command);
        }
    }

    /// The steps whose dry run was asked for and was not carried out yet.
    pub(super) fn asked_dry(&self) -> Vec<usize> {
        let steps = self.queue.iter().filter_map(|command| match command {
            Command::DryRun(step, _) => Some(*step),
            _ => None,
        });
        steps.collect()
    }

    /// Whether the next command is a write.
    pub(super) fn is_about_to_write(&self) -> bool {
        matches!(self.queue.first(), Some(Command::Apply(..)))
    }

    /// The next command, a write, is carried out, and the program is killed before it hears so.
    pub(super) fn killed_before_the_answer(&mut self) {
        let Command::Apply(step, request) = self.queue.remove(0) else {
            panic!("no write: {:?}", self.run.phase)
        };
        self.make(step, &request).expect("the server accepts it");
        self.killed_and_resumed_at_once();
    }

    fn carry_out(&mut self, command: Command) {
        if !self.theirs.is_empty() {
            let theirs = self.theirs.remove(0);
            theirs.make(self);
        }
        match command {
            Command::Keep => {
                if self.disk_full {
                    self.tell(Event::NotKept("no space left on device".to_owned()));
                } else {
                    self.kept = Some(self.run.kept(&crate::backend::TargetIdentity::default()));
                    self.tell(Event::Kept);
                }
            }
            Command::Forget => self.kept = None,
            Command::DryRun(step, _) => self.tell(Event::DryRun(step, Ok(reply(None)))),
            Command::Apply(step, request) => self.apply(step, &request),
            Command::Probe(pods) => {
                for pod in pods {
                    self.probe(&pod);
                }
                self.tell(Event::WorldChanged);
            }
            Command::Report(pods) => {
                for pod in pods {
                    self.report(&pod);
                }
                self.tell(Event::WorldChanged);
            }
            Command::Review(permissions) => {
                let answers = permissions
                    .into_iter()
                    .map(|permission| {
                        let denied = self.denied.contains(&format!("{} {}", permission.verb, permission.resource));
                        (permission, if denied { Verdict::Denied } else { Verdict::Allowed })
                    })
                    .collect();
                self.world.apply(Observation::Permitted(answers), self.now);
                self.tell(Event::WorldChanged);
            }
            Command::Schedule(seconds) => {
                let at = self.now.as_second() + i64::try_from(seconds).unwrap();
                self.wakes.insert(Timestamp::from_second(at).unwrap());
            }
        }
    }

    fn apply(&mut self, step: usize, request: &Request) {
        let fault = (!self.faults.is_empty()).then(|| self.faults.remove(0));
        match fault {
            Some(Fault::Report) => self.touch(false),
            Some(Fault::Edit) => {
                Theirs::AddLibrary.make(self);
                Theirs::RaiseVersion.make(self);
            }
            Some(Fault::Taken) => second_writer::take(self, request),
            Some(Fault::Rejected) => {
                let error = BackendError::new(ErrorKind::Rejected, "the webhook denied it");
                return self.tell(Event::Applied(step, Err(error)));
            }
            Some(Fault::Lost) => {
                let error = BackendError::new(ErrorKind::Timeout, "no answer in time");
                return self.tell(Event::Applied(step, Err(error)));
            }
            Some(Fault::Swallowed | Fault::Fine) | None => {}
        }
        let result = self.make(step, request);
        let result = if fault == Some(Fault::Swallowed) {
            Err(BackendError::new(ErrorKind::Timeout, "no answer in time"))
        } else {
            result
        };
        self.tell(Event::Applied(step, result));
    }

    /// The server carries a write out.
    fn make(&mut self, step: usize, request: &Request) -> Result<Reply, BackendError> {
        let before = self.world.clone();
        match carry_out(&mut self.world, request) {
            Ok(()) => {
                self.writes.push(request.clone());
                second_writer::judge(self, &before, step, request);
                self.sign(request);
                if request.resource == Resource::ClusterStatus {
                    self.restart_in_place();
                }
                Ok(Reply {
                    uid: self.uid(request),
                    ..reply(self.generation(request))
                })
            }
            Err(Refusal::Conflict) => Err(BackendError::new(ErrorKind::Conflict, "the object has been modified")),
            Err(refusal) => Err(BackendError::new(ErrorKind::Rejected, format!("{refusal:?}"))),
        }
    }

    /// The server of the primary is started again in its pod, where the status asks for it.
    fn restart_in_place(&mut self) {
        let status = &self.world.clusters[&fixture::cluster_key()].status;
        let (phase, primary) = (status.phase_kind(), status.current_primary.clone());
        if phase != cluster::Phase::RestartingInPlace {
            return;
        }
        let primary = self
            .world
            .instances
            .values()
            .find(|instance| Some(&instance.key.name) == primary.as_ref());
        let uid = primary.expect("a primary").uid.clone();
        let libraries = self.wanted_libraries();
        self.restarted.insert(uid.clone(), self.now);
        self.preloaded.insert(uid, libraries);
    }

    /// The API server records who has written what, and when by its clock.
    pub(super) fn sign(&mut self, request: &Request) {
        let wrote = Timestamp::from_second(self.now.as_second() + self.ahead).ok();
        let body = request.body.to_string();
        let manager = |extensions: bool, preload: bool| FieldManager {
            manager: FIELD_MANAGER.to_owned(),
            operation: "Update".to_owned(),
            owns_extensions: extensions,
            owns_preload: preload,
            wrote,
        };
        match request.resource {
            Resource::Cluster => fixture::change(&mut self.world, |cluster| {
                let own = cluster.managers.iter().find(|there| there.manager == FIELD_MANAGER);
                let (extensions, preload) = own.map_or((false, false), |own| (own.owns_extensions, own.owns_preload));
                cluster.managers.retain(|there| there.manager != FIELD_MANAGER);
                cluster.managers.push(manager(
                    extensions || body.contains("postgresql/extensions"),
                    preload || body.contains("shared_preload_libraries"),
                ));
            }),
            Resource::Database => {
                if let Some(object) = self.world.databases.values_mut().find(|object| object.key.name == request.name) {
                    object.managers = vec![manager(true, false)];
                }
            }
            _ => {}
        }
    }

    /// The UID that the answer to a write tells.
    fn uid(&self, request: &Request) -> Option<String> {
        let object = self.world.databases.values().find(|object| object.key.name == request.name);
        match request.resource {
            Resource::Database => object.map(|object| object.uid.clone()),
            _ => Some(self.world.clusters[&fixture::cluster_key()].uid.clone()),
        }
    }

    fn generation(&self, request: &Request) -> Option<i64> {
        match request.resource {
            Resource::Cluster => self.world.clusters.get(&fixture::cluster_key()).map(|cluster| cluster.generation),
            Resource::Database => self
                .world
                .databases
                .values()
                .find(|object| object.key.name == request.name)
                .map(|object| object.generation),
            _ => None,
        }
    }

    /// The cluster is written by somebody else: a report of the operator, or an edit of the spec.
    pub(super) fn touch(&mut self, edit: bool) {
        fixture::change(&mut self.world, |cluster| {
            cluster.resource_version = (cluster.resource_version.parse::<u64>().unwrap() + 1).to_string();
            cluster.generation += i64::from(edit);
        });
    }

    /// One second passes, and the operator does one thing.
    pub(super) fn tick(&mut self) {
        self.now = Timestamp::from_second(self.now.as_second() + 1).unwrap();
        if !self.asleep {
            self.operate();
        }
        let due: Vec<Timestamp> = self.wakes.iter().copied().filter(|wake| *wake <= self.now).collect();
        for wake in due {
            self.wakes.remove(&wake);
            self.tell(Event::Deadline(0));
        }
        self.tell(Event::WorldChanged);
    }

    /// Time passes until the run is in such a phase.
    pub(super) fn until(&mut self, what: &str, wanted: impl Fn(&Phase) -> bool) {
        for _ in 0..2000 {
            if wanted(&self.run.phase) {
                return;
            }
            if self.queue.is_empty() {
                self.tick();
            } else {
                let command = self.queue.remove(0);
                self.carry_out(command);
            }
        }
        panic!(
            "{what}: still {:?}, {}\n{}\n{:#?}",
            self.run.phase,
            self.run.progress,
            self.told().join("\n"),
            self.run
                .plan
                .checks
                .iter()
                .filter(|check| check.result != crate::workflow::plan::CheckResult::Pass)
                .collect::<Vec<_>>()
        );
    }

    pub(super) fn until_done(&mut self) {
        self.until("done", |phase| *phase == Phase::Done);
        self.settle();
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.run.transcript.iter().map(|line| line.text.clone()).collect()
    }

    pub(super) fn check(&self, code: crate::workflow::plan::CheckCode) -> crate::workflow::plan::CheckResult {
        let checks = &self.run.plan.checks;
        checks
            .iter()
            .filter(|check| check.code == code)
            .map(|check| check.result)
            .max_by_key(|result| *result as u8 == crate::workflow::plan::CheckResult::Fail as u8)
            .unwrap_or_else(|| panic!("no check {code:?} in {checks:#?}"))
    }

    /// What was written, as `resource name path…`.
    pub(super) fn written(&self) -> Vec<String> {
        self.writes
            .iter()
            .map(|request| format!("{:?} {:?} {}", request.method, request.resource, request.name))
            .collect()
    }

    // --- PostgreSQL ---

    fn wanted_libraries(&self) -> Vec<String> {
        self.world.clusters[&fixture::cluster_key()].spec.preload.clone()
    }

    /// SQL answers, or says why it cannot.
    pub(super) fn probe(&mut self, pod: &PodKey) {
        let Some(instance) = self.world.instances.get(pod).cloned() else {
            return;
        };
        if self.deaf {
            return;
        }
        let observation = if self.mute || !instance.ready {
            Observation::ProbeFailed(ProbeFailure {
                pod: pod.clone(),
                uid: instance.uid.clone(),
                at: self.now,
                because: "you may not create pods/exec in shop".to_owned(),
                missing: Vec::new(),
            })
        } else {
            Observation::Probed(Box::new(self.answer(&instance)))
        };
        self.world.apply(observation, self.now);
    }

    /// The live paths: the operator writes them as soon as an entry is resolved.
    fn paths(&self) -> BTreeMap<String, Setting> {
        let mut paths = fixture::paths();
        let entries = self.world.entries_of(&self.world.clusters[&fixture::cluster_key()]);
        if entries.iter().any(|entry| entry.name == "foo") {
            for (setting, part) in [("extension_control_path", "share"), ("dynamic_library_path", "lib")] {
                write!(paths.get_mut(setting).unwrap().value, ":/extensions/foo/{part}").unwrap();
            }
        }
        paths
    }

    fn answer(&self, instance: &Instance) -> InstanceProbe {
        let mut probe = fixture::probe(&instance.key.name);
        probe.uid.clone_from(&instance.uid);
        probe.at = self.now;
        let libraries = self.preloaded.get(&instance.uid).cloned().unwrap_or_default();
        let wanted = self.wanted_libraries();
        let is_primary = self.is_primary(&instance.key.name);
        let is_replica_cluster = self.world.clusters[&fixture::cluster_key()].follows().is_some();
        let server = fixture::server(&mut probe);
        server.standby = is_replica_cluster || !is_primary;
        server.loaded = libraries.iter().map(|library| fixture::loaded(&format!("{library}.so"))).collect();
        let mut setting = fixture::setting(&libraries.join(","));
        setting.pending_restart = libraries != wanted;
        server.settings.insert("shared_preload_libraries".to_owned(), setting);
        server.templates = vec!["template1".to_owned()];
        server.started = self.restarted.get(&instance.uid).copied().or(server.started);
        server.configured = Some(self.reloaded.1);
        server.databases.push(DatabaseOwner {
            database: "ledger".to_owned(),
            owner: "bookkeeper".to_owned(),
        });
        let paths = self.paths();
        if !self.hollow && instance.mounts.iter().any(|mount| mount.entry == "foo") {
            if let Fact::Known(offered) = &mut probe.available {
                offered.push(AvailableExtension {
                    name: "foo".to_owned(),
                    default_version: Some("1.0".to_owned()),
                });
            }
            if let Fact::Known(versions) = &mut probe.versions {
                versions.push(fixture::version("foo", "1.0"));
            }
            if let Fact::Known(files) = &mut probe.files {
                files.push(fixture::file(FileKind::Control, 4, "/extensions/foo/share", "foo"));
                files.push(fixture::file(FileKind::Library, 4, "/extensions/foo/lib", "foo"));
            }
        }
        self.show_image(instance, &mut probe);
        if let Fact::Known(files) = &mut probe.files {
            files.push(fixture::file(FileKind::Library, 1, "$libdir", "pg_stat_statements"));
        }
        probe.overrides = Fact::Known(self.overrides.clone());
        let linked = self.linked.get(&instance.uid).cloned().unwrap_or_default();
        probe.environment = Fact::Known(BTreeMap::from([("LD_LIBRARY_PATH".to_owned(), linked)]));
        if self.unlisted {
            probe.files = Fact::Unknown("the files on the paths are shown to a superuser only".to_owned());
        }
        if self.vague {
            probe.versions = Fact::Unknown("it took too long".to_owned());
        }
        probe.templates = (is_primary && self.run.reads_templates()).then(|| Templates {
            at: self.now,
            databases: vec![self.database(instance, "template1", &self.template, &paths)],
        });
        let installed = self.installed.iter();
        probe.databases = installed
            .map(|(database, installed)| self.database(instance, database, installed, &paths))
            .collect();
        probe
    }

    fn database(
        &self,
        instance: &Instance,
        database: &str,
        installed: &[(String, String)],
        paths: &BTreeMap<String, Setting>,
    ) -> DatabaseProbe {
        DatabaseProbe {
            database: database.to_owned(),
            installed: Fact::Known(
                installed
                    .iter()
                    .map(|(name, version)| {
                        let mut there = fixture::installed(name, version, &format!("$libdir/{name}"));
                        if let Some(schema) = self.schemas.get(&(database.to_owned(), name.clone())) {
                            there.schema.clone_from(schema);
                        }
                        there
                    })
                    .collect(),
            ),
            settings: Fact::Known(paths.clone()),
            update_paths: Fact::Known(self.paths_from(instance, installed)),
            dependents: self.dependents(database),
        }
    }

    /// What the statement tells of each extension that is installed in a database.
    fn dependents(&self, database: &str) -> Vec<Dependents> {
        let installed = self.installed.get(database).into_iter().flatten();
        installed
            .map(|(name, _)| Dependents {
                extension: name.clone(),
                at: self.now,
                objects: Fact::Known(self.depending.get(name).cloned().unwrap_or_default()),
            })
            .collect()
    }

    /// What an instance has of hstore, by the image that it mounts.
    fn image_of(&self, instance: &Instance) -> Option<&(String, Vec<String>, String)> {
        let mount = instance.mounts.iter().find(|mount| mount.entry == "hstore")?;
        self.images.get(mount.reference.as_ref()?)
    }

    fn show_image(&self, instance: &Instance, probe: &mut InstanceProbe) {
        let Some((version, updates, library)) = self.image_of(instance) else {
            return;
        };
        if let Fact::Known(offered) = &mut probe.available {
            for row in offered.iter_mut().filter(|row| row.name == "hstore") {
                row.default_version = Some(version.clone());
            }
        }
        if let Fact::Known(versions) = &mut probe.versions {
            versions.retain(|row| row.name != "hstore");
            versions.push(fixture::version("hstore", version));
        }
        if let Fact::Known(files) = &mut probe.files {
            for file in files.iter_mut().filter(|file| file.name == "hstore") {
                match file.kind {
                    FileKind::Control => {
                        file.default_version = Some(version.clone());
                        file.updates = Some(updates.clone());
                    }
                    FileKind::Library => file.name.clone_from(library),
                }
            }
        }
    }

    fn paths_from(&self, instance: &Instance, installed: &[(String, String)]) -> Vec<UpdatePath> {
        let mut paths = self.updates.clone();
        if let Some((version, updates, _)) = self.image_of(instance) {
            let there = installed.iter().find(|(name, _)| name == "hstore");
            let path = there.and_then(|(_, from)| Some((from, update_path(updates, from, version)?)));
            paths.extend(path.filter(|(from, _)| *from != version).map(|(from, path)| UpdatePath {
                name: "hstore".to_owned(),
                source: from.clone(),
                target: version.clone(),
                path,
            }));
        }
        paths
    }

    fn is_primary(&self, name: &str) -> bool {
        let status = &self.world.clusters[&fixture::cluster_key()].status;
        status.current_primary.as_deref() == Some(name)
    }

    fn report(&mut self, pod: &PodKey) {
        let Some(instance) = self.world.instances.get(pod).cloned() else {
            return;
        };
        if self.deaf {
            return;
        }
        let pending = self.preloaded.get(&instance.uid).cloned().unwrap_or_default() != self.wanted_libraries();
        let report = ManagerReport {
            pod: pod.clone(),
            uid: instance.uid.clone(),
            at: self.now,
            is_primary: self.is_primary(&instance.key.name),
            pending_restart: pending,
            wal_receiver: !self.is_primary(&instance.key.name) && !self.silent,
            configuration: format!("{:?}", self.wanted_libraries()),
        };
        self.world.apply(Observation::Managed(report), self.now);
    }

    // --- the operator ---

    fn operate(&mut self) {
        self.apply_databases();
        self.promote();
        self.reload();
        if self.make_missing() || self.take_over() {
            return;
        }
        let waiting = self
            .world
            .instances
            .values()
            .find(|instance| !instance.ready)
            .map(|instance| instance.key.name.clone());
        if let Some(name) = waiting {
            return self.start(&name);
        }
        let Some(name) = self.next_to_roll() else {
            return self.phase("Cluster in healthy state");
        };
        let cluster = self.world.clusters[&fixture::cluster_key()].clone();
        let is_primary = cluster.status.current_primary.as_ref() == Some(&name);
        if is_primary && cluster.spec.update_strategy == UpdateStrategy::Supervised {
            return self.phase("Waiting for user action");
        }
        if is_primary && self.mounts_are_right(&name) {
            // In place: the pod stays.
            let uid = self.world.instances[&PodKey::new("shop", name.clone())].uid.clone();
            let libraries = self.wanted_libraries();
            self.preloaded.insert(uid, libraries);
            return self.phase("Primary instance is being restarted in-place");
        }
        self.phase("Upgrading cluster");
        self.world.instances.remove(&PodKey::new("shop", name));
    }

    /// The instance that was asked for becomes the primary.
    fn promote(&mut self) {
        fixture::change(&mut self.world, |cluster| {
            cluster.status.current_primary.clone_from(&cluster.status.target_primary);
        });
    }

    /// Every server reads its configuration again where it is asked to.
    fn reload(&mut self) {
        let annotations = &self.world.clusters[&fixture::cluster_key()].annotations;
        let asked = annotations.get(crate::domain::cnpg::RELOADED_AT).cloned();
        if asked != self.reloaded.0 {
            self.reloaded = (asked, self.now);
        }
    }

    fn phase(&mut self, phase: &str) {
        let ready = self.world.instances.values().filter(|instance| instance.ready).count();
        fixture::change(&mut self.world, |cluster| {
            if cluster.status.phase != phase {
                phase.clone_into(&mut cluster.status.phase);
                cluster.resource_version = (cluster.resource_version.parse::<u64>().unwrap() + 1).to_string();
            }
            cluster.status.ready_instances = u32::try_from(ready).unwrap();
        });
    }

    /// Resolved entries follow the spec.
    fn take_over(&mut self) -> bool {
        let cluster = self.world.clusters[&fixture::cluster_key()].clone();
        let merged: Vec<ExtensionEntry> = resolve(&cluster, self.world.catalog_of(&cluster))
            .entries
            .into_iter()
            .map(|resolved| resolved.entry)
            .collect();
        let known = cluster.status.resolved.as_ref().and_then(|resolved| resolved.extensions.clone());
        // An operator before 1.29 reports none.
        if !crate::domain::rollout::reports_resolution(&self.world, &cluster) || known.as_ref() == Some(&merged) {
            return false;
        }
        fixture::change(&mut self.world, |cluster| {
            cluster.status.resolved.as_mut().unwrap().extensions = Some(merged);
        });
        true
    }

    fn wanted_mounts(&self) -> Vec<Mount> {
        let cluster = &self.world.clusters[&fixture::cluster_key()];
        self.world
            .entries_of(cluster)
            .iter()
            .map(|entry| fixture::mount(&entry.name, entry.reference.as_deref().unwrap()))
            .collect()
    }

    /// `LD_LIBRARY_PATH` as the resolved entries make it.
    fn linked_by_entries(&self) -> String {
        let entries = self.world.entries_of(&self.world.clusters[&fixture::cluster_key()]);
        let paths = entries.iter().flat_map(|entry| {
            let below = |path: &String| format!("/extensions/{}/{path}", entry.name);
            entry.ld_paths.iter().map(below).collect::<Vec<_>>()
        });
        paths.collect::<Vec<_>>().join(":")
    }

    fn make_missing(&mut self) -> bool {
        let Some(name) = fixture::INSTANCES
            .iter()
            .find(|name| !self.world.instances.contains_key(&PodKey::new("shop", **name)))
        else {
            return false;
        };
        let count = self.world.clusters[&fixture::cluster_key()].spec.instances as usize;
        if self.world.instances.len() >= count {
            return false;
        }
        self.made += 1;
        let linked = self.linked_by_entries();
        let mut instance = fixture::instance(name);
        instance.uid = format!("{name}-uid-{}", self.made);
        if let Some(version) = &self.operator {
            instance.operator_version = Some(version.clone());
        }
        self.linked.insert(instance.uid.clone(), linked);
        instance.ready = false;
        instance.was_started = false;
        instance.phase = "Pending".to_owned();
        instance.created = Timestamp::from_second(self.now.as_second() + self.ahead).ok();
        instance.ready_since = None;
        instance.mounts = self.wanted_mounts();
        instance.restarted_at = self.world.clusters[&fixture::cluster_key()]
            .annotations
            .get(crate::domain::rollout::RESTARTED_AT)
            .cloned();
        self.world.instances.insert(instance.key.clone(), instance);
        self.phase("Waiting for the instances to become active");
        true
    }

    /// A pod becomes ready, unless its image cannot be pulled or its library is nowhere.
    fn start(&mut self, name: &str) {
        let libraries = self.wanted_libraries();
        let now = self.now;
        let key = PodKey::new("shop", name);
        let instance = self.world.instances.get_mut(&key).unwrap();
        let bad = instance
            .mounts
            .iter()
            .find_map(|mount| mount.reference.clone().filter(|reference| reference.contains("nowhere")));
        let trouble = |reason: &str, message: String, init: bool| Trouble {
            container: "c".to_owned(),
            init,
            reason: reason.to_owned(),
            message,
            ..Trouble::default()
        };
        if let Some(reference) = bad {
            instance.trouble = Some(trouble("ImagePullBackOff", format!("Back-off pulling {reference}"), true));
        } else if libraries.iter().any(|library| library == "nothere") {
            instance.trouble = Some(trouble("CrashLoopBackOff", String::new(), false));
            instance.was_started = true;
        } else {
            instance.trouble = None;
            instance.ready = true;
            instance.was_started = true;
            instance.phase = "Running".to_owned();
            instance.ready_since = Some(now);
            let uid = instance.uid.clone();
            self.preloaded.insert(uid, libraries);
        }
    }

    fn mounts_are_right(&self, name: &str) -> bool {
        let wanted = self.wanted_mounts();
        let instance = &self.world.instances[&PodKey::new("shop", name)];
        let cluster = &self.world.clusters[&fixture::cluster_key()];
        let asked = cluster.annotations.get(crate::domain::rollout::RESTARTED_AT);
        instance.mounts == wanted && instance.restarted_at.as_ref() == asked
    }

    /// Replicas first, the primary last.
    fn next_to_roll(&self) -> Option<String> {
        let primary = self.world.clusters[&fixture::cluster_key()].status.current_primary.clone();
        let wanted = self.wanted_libraries();
        let mut names: Vec<String> = self
            .world
            .instances
            .values()
            .filter(|instance| {
                !self.mounts_are_right(&instance.key.name) || self.preloaded.get(&instance.uid).cloned().unwrap_or_default() != wanted
            })
            .map(|instance| instance.key.name.clone())
            .collect();
        names.sort_by_key(|name| (Some(name) == primary.as_ref(), name.clone()));
        names.into_iter().next()
    }

    fn apply_databases(&mut self) {
        let primary = self.world.instances.values().find(|instance| self.is_primary(&instance.key.name));
        let image = primary.and_then(|primary| self.image_of(primary)).cloned();
        for object in self.world.databases.values_mut() {
            if object.observed_generation == Some(object.generation) {
                continue;
            }
            let installed = self.installed.entry(object.database.clone()).or_default();
            let before = installed.clone();
            let there = |item: &RequestedExtension| before.iter().find(|(name, _)| *name == item.name);
            // An image that is known updates along its scripts alone.
            let fails = |item: &RequestedExtension| match (&image, &item.version) {
                _ if item.ensure == Ensure::Absent => false,
                (Some((_, updates, _)), Some(wanted)) if item.name == "hstore" => {
                    there(item).is_some_and(|(_, from)| from != wanted && update_path(updates, from, wanted).is_none())
                }
                _ => item.version.as_deref() == Some("9.9"),
            };
            for item in &object.extensions {
                installed.retain(|(name, _)| *name != item.name);
                let stays = there(item).filter(|_| image.is_some() && item.name == "hstore" && (fails(item) || item.version.is_none()));
                if item.ensure == Ensure::Absent {
                    continue;
                }
                if let Some(stays) = stays {
                    installed.push(stays.clone());
                } else if !fails(item) {
                    installed.push((item.name.clone(), item.version.clone().unwrap_or_else(|| "1.0".to_owned())));
                }
            }
            for item in object.extensions.iter().filter(|item| !self.immovable && !fails(item)) {
                if let Some(schema) = &item.schema {
                    self.schemas.insert((object.database.clone(), item.name.clone()), schema.clone());
                }
            }
            let failing = object.extensions.iter().any(fails);
            object.applied = Some(!failing);
            object.status_extensions = object
                .extensions
                .iter()
                .map(|item| AppliedExtension {
                    name: item.name.clone(),
                    applied: !fails(item),
                    message: if fails(item) {
                        format!(
                            "extension has no installation script nor update path for version \"{}\"",
                            item.version.as_deref().unwrap_or_default()
                        )
                    } else {
                        String::new()
                    },
                })
                .collect();
            if !failing {
                object.observed_generation = Some(object.generation);
            }
        }
    }
}

fn reply(generation: Option<i64>) -> Reply {
    Reply {
        resource_version: None,
        generation,
        uid: None,
        warnings: crate::domain::change::warnings::Warnings::default(),
    }
}
