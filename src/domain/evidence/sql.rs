//! Rungs that SQL tells of each instance: on path, available, preloaded.

use super::{NAMES_UNKNOWN, Subject, Sum, Told, broken, holds, on_its_way, unknown};
use crate::domain::classify::{names_a_file, names_file_below};
use crate::domain::fault::{Fault, Shadow};
use crate::domain::instance::Instance;
use crate::domain::ladder::{EvidenceLine, LineSubject, NamesFrom, Rung, RungKind, RungState, Seen, Source};
use crate::domain::paths::{PathSetting, contains_in_order, is_in_mount, mount_of, of_entry};
use crate::domain::probe::{DatabaseProbe, Fact, FileKind, InstanceProbe, PathFile};
use crate::domain::rollout::MountState;
use crate::domain::shell::{ShellCommand, sql_literal};
use crate::domain::world::{EnvironmentGap, Lacking, is_loaded, library_name};

/// The entry's elements stand in the live paths of every instance and database, in order.
pub(super) fn on_path(subject: &Subject) -> Rung {
    let by_hand = subject.psql(Some("app"), "SHOW extension_control_path; SHOW dynamic_library_path");
    each_instance(subject, RungKind::OnPath, by_hand, |instance, answer| {
        path_told(subject, instance, answer)
    })
}

/// Its SQL extensions are offered by every instance, from its own files, and its libraries are there.
pub(super) fn available(subject: &Subject) -> Rung {
    let names: Vec<String> = subject.sql_names.iter().map(|name| sql_literal(name)).collect();
    let those = match names.as_slice() {
        [] => String::new(),
        names => format!(" WHERE name IN ({})", names.join(", ")),
    };
    let statement = format!("SELECT * FROM pg_available_extensions{those}");
    let by_hand = subject.psql(None, &statement);
    each_instance(subject, RungKind::Available, by_hand, |instance, answer| {
        let mounted = mount_state(subject, instance);
        let told = available_told(subject, answer);
        match (mounted, &told.0) {
            // Files cannot be there before the mount is.
            (Some(MountState::Missing | MountState::Stale), RungState::Broken) => (subject.unfinished(), before_mount(told.1)),
            _ => told,
        }
    })
}

fn before_mount(seen: Seen) -> Seen {
    match seen {
        Seen::Fault(fault) => Fault::Unmounted(fault).into(),
        said @ Seen::Said(_) => said,
    }
}

/// Libraries that it needs at start are loaded, and nothing waits for a restart.
pub(super) fn preloaded(subject: &Subject) -> Rung {
    let required = subject.required_libraries();
    let by_hand = subject.psql(None, "SHOW shared_preload_libraries; SELECT * FROM pg_get_loaded_modules()");
    if required.is_empty() {
        let sum = Sum {
            kind: RungKind::Preloaded,
            source: Source::Sql,
            by_hand,
            want: None,
            lines: Vec::new(),
        };
        return match subject.maybe_preloaded() {
            Some(name) => sum.plain(
                RungState::Unknown,
                format!("PostgreSQL says that {name} must be preloaded, and whether it is of this entry is not known"),
                None,
            ),
            None => sum.plain(RungState::NotApplicable, "nothing says that it must be preloaded", None),
        };
    }
    let spec = &subject.cluster.spec;
    let is_asked = |library: &String| {
        spec.preload.iter().any(|asked| library_name(asked) == library)
            || subject.cluster.managed_libraries().any(|managed| managed == library)
    };
    if let Some(library) = required.iter().find(|library| !is_asked(library)) {
        return Sum {
            kind: RungKind::Preloaded,
            source: Source::Cluster,
            by_hand,
            want: Some(subject.want()),
            lines: Vec::new(),
        }
        .plain(
            RungState::Broken,
            Fault::PreloadNotAsked(library.clone()),
            subject.seen(crate::domain::watch::Kind::Cluster),
        );
    }
    each_instance(subject, RungKind::Preloaded, by_hand, |instance, answer| {
        preload_told(subject, instance, answer, &required)
    })
}

/// The rung that adds up one line per instance.
fn each_instance(subject: &Subject, kind: RungKind, by_hand: ShellCommand, tell: impl Fn(&Instance, &InstanceProbe) -> Told) -> Rung {
    let lines = subject
        .instances()
        .map(|instance| match subject.ask(instance) {
            Ok(answer) => {
                let (state, seen) = subject.dated(tell(instance, answer), instance, answer);
                EvidenceLine {
                    subject: LineSubject::Instance(instance.key.clone()),
                    state,
                    seen,
                    at: Some(answer.at),
                }
            }
            Err(line) => line,
        })
        .collect();
    let sum = Sum {
        kind,
        source: Source::Sql,
        by_hand,
        want: Some(subject.want()),
        lines,
    };
    match subject.unseen(crate::domain::watch::Kind::Pod) {
        Some(why) => sum.plain(RungState::Unknown, why, None),
        None => subject.explained(sum.rung()),
    }
}

fn mount_state(subject: &Subject, instance: &Instance) -> Option<MountState> {
    let state = subject.rollout.instances.iter().find(|state| state.pod == instance.key)?;
    state
        .mounts
        .iter()
        .find(|mount| mount.entry == subject.entry.name)
        .map(|mount| mount.state)
}

fn path_told(subject: &Subject, instance: &Instance, answer: &InstanceProbe) -> Told {
    if let Some(server) = answer.server.known().filter(|server| server.version < 180_000) {
        return broken(Fault::NoControlPath {
            major: server.version / 10_000,
        });
    }
    let mut checked = 0;
    // A database that is going is not asked, and what is set there serves nobody any more.
    let is_going = |database: &DatabaseProbe| subject.world.dropped_by(&subject.cluster.key, &database.database).is_some();
    let databases: Vec<&DatabaseProbe> = answer.databases.iter().filter(|database| !is_going(database)).collect();
    for setting in [PathSetting::ExtensionControlPath, PathSetting::DynamicLibraryPath] {
        let wanted = of_entry(setting, &subject.entry);
        for database in &databases {
            match live(setting, database) {
                Err(why) => return unknown(format!("{} in {} is not known: {why}", setting.as_str(), database.database)),
                Ok(live) if contains_in_order(live, &wanted) => checked += 1,
                Ok(live) => {
                    let is_missing = |element: &&String| !contains_in_order(live, std::slice::from_ref(*element));
                    let fault = Fault::PathLacks {
                        setting,
                        database: database.database.clone(),
                        live: live.to_owned(),
                        element: wanted.iter().find(is_missing).cloned(),
                    };
                    return (subject.path_state(answer), fault.into());
                }
            }
        }
    }
    if checked == 0 {
        return unknown("no database could be asked");
    }
    // Before the mount is there, its directories cannot be.
    let is_mounted = !matches!(mount_state(subject, instance), Some(MountState::Missing | MountState::Stale));
    if let Some(Lacking { setting, directory }) = answer.lacking(&subject.entry).into_iter().next().filter(|_| is_mounted) {
        return broken(Fault::DirectoryMissing { setting, directory });
    }
    match environment_fault(subject, instance) {
        Some(fault) => broken(fault),
        None => holds(format!("in both paths of {} databases", databases.len())),
    }
}

impl Subject<'_> {
    /// What an answer lacks that is older than what it is compared with says nothing: it is read again.
    fn dated(&self, told: Told, instance: &Instance, answer: &InstanceProbe) -> Told {
        let (state, seen) = told;
        if state != RungState::Broken {
            return (state, seen);
        }
        if !self.world.is_outdated(&self.cluster.key, answer.at) {
            return (state, seen);
        }
        let older = seen.sentence().followed_by(", by evidence older than the last change");
        match self.world.failure_of(instance).filter(|failure| failure.at > answer.at) {
            Some(failure) => unknown(
                older
                    .followed_by("; it cannot be read again, because ")
                    .followed_by(&failure.because),
            ),
            None => on_its_way(older.followed_by("; it is read again")),
        }
    }

    /// An element is in the mount of another entry with the same image.
    fn is_same_image(&self, element: &str) -> bool {
        let other = self.wanted.iter().find(|entry| is_in_mount(element, &entry.name));
        other.is_some_and(|other| other.reference.is_some() && other.reference == self.entry.reference)
    }

    /// A path that lacks an element is on its way while the status has just been taken over.
    fn path_state(&self, answer: &InstanceProbe) -> RungState {
        let taken_over = self
            .cluster
            .status
            .resolved
            .as_ref()
            .and_then(|resolved| resolved.extensions.as_ref())
            .is_none_or(|entries| entries.iter().any(|entry| entry.name == self.entry.name));
        let read_before = self
            .world
            .seen
            .get(&(crate::domain::watch::Kind::Cluster, self.cluster.key.to_string()))
            .is_some_and(|seen| *seen > answer.at);
        if self.rollout.blocked.is_none() && (!taken_over || (read_before && !self.rollout.complete)) {
            RungState::InProgress
        } else {
            RungState::Broken
        }
    }
}

fn live(setting: PathSetting, database: &DatabaseProbe) -> Result<&str, &str> {
    match &database.settings {
        Fact::Known(settings) => settings
            .get(setting.as_str())
            .map(|setting| setting.value.as_str())
            .ok_or("the session may not read it"),
        Fact::Failed(error) => Err(&error.message),
        Fact::Unknown(why) => Err(why),
    }
}

/// What the running server's environment lacks; `None` when nothing does, or when the entry sets nothing there. That the
/// environment cannot be read does not hide what the paths tell.
fn environment_fault(subject: &Subject, instance: &Instance) -> Option<Fault> {
    let gaps = subject
        .world
        .environment_gaps(instance, subject.wanted, Some(&subject.entry.name))?;
    Some(match gaps.value.into_iter().next()? {
        EnvironmentGap::Path { setting, wanted, .. } => Fault::EnvironmentLacks { setting, elements: wanted },
        EnvironmentGap::Variable { name, wanted, .. } => Fault::VariableDiffers { name, wanted },
    })
}

fn available_told(subject: &Subject, answer: &InstanceProbe) -> Told {
    let names = own_names(subject, answer);
    if names.is_empty() {
        return module_told(subject, answer);
    }
    let mut versions = Vec::new();
    for name in &names {
        match offered(subject, answer, name) {
            Ok(version) => versions.push(version.map_or_else(|| name.clone(), |version| format!("{name} {version}"))),
            Err(told) => return told,
        }
    }
    let Some(all) = answer.files.known() else {
        let why = answer.files.because().unwrap_or_default();
        return unknown(format!("files are not readable: {why}"));
    };
    let libraries = all.iter().filter(|file| file.kind == FileKind::Library);
    let there: Vec<&str> = libraries.map(|file| file.name.as_str()).collect();
    // Another instance may have another image: what its scripts name says nothing here.
    let mut wanted = subject.called_libraries();
    wanted.extend(answer.files_of(&subject.entry.name).flat_map(|file| file.libraries.clone()));
    if let Some(library) = wanted.iter().find(|library| !there.contains(&library.as_str())) {
        return broken(Fault::LibraryMissing(library.clone()));
    }
    // A control file whose library its own image brings means that one, before any database has it.
    wanted.extend(answer.files_of(&subject.entry.name).filter_map(|file| file.module.clone()));
    match shadowed_library(subject, answer, |library| wanted.contains(library)) {
        Some(fault) => broken(fault),
        None => holds(format!("offers {}", versions.join(", "))),
    }
}

/// The SQL extensions that an instance has of the entry: those of its own mount where files of it were seen there (another
/// instance may have another image), else those that are known of the entry.
fn own_names(subject: &Subject, answer: &InstanceProbe) -> Vec<String> {
    let mut files = answer.files_of(&subject.entry.name).peekable();
    if files.peek().is_none() {
        return subject.sql_names.clone();
    }
    let own: Vec<&PathFile> = files.filter(|file| file.kind == FileKind::Control).collect();
    let names = subject.sql_names.iter();
    names.filter(|name| own.iter().any(|file| file.name == **name)).cloned().collect()
}

/// A library of the entry that is needed and taken from elsewhere. The same image under another name has the same library.
fn shadowed_library(subject: &Subject, answer: &InstanceProbe, is_needed: impl Fn(&String) -> bool) -> Option<Fault> {
    let own = answer.files_of(&subject.entry.name).filter(|file| file.kind == FileKind::Library);
    let hidden = own.filter(|file| file.rank > 1 && is_needed(&file.name));
    let all = answer.files.known()?;
    hidden
        .filter_map(|own| {
            let mut copies = all.iter().filter(|file| file.kind == FileKind::Library && file.name == own.name);
            copies.find(|file| file.rank == 1)
        })
        .find(|taken| !is_in_mount(&taken.element, &subject.entry.name) && !subject.is_same_image(&taken.element))
        .map(|taken| Fault::Shadowed {
            name: format!("{}.so", taken.name),
            element: taken.element.clone(),
            by: shadow(&taken.element),
        })
}

/// An image without SQL extensions, as far as is known: only its library counts.
fn module_told(subject: &Subject, answer: &InstanceProbe) -> Told {
    match &answer.files {
        Fact::Known(_) => {
            let found: Vec<&str> = answer
                .files_of(&subject.entry.name)
                .filter(|file| file.kind == FileKind::Library)
                .map(|file| file.name.as_str())
                .collect();
            if found.is_empty() && !answer.lacking(&subject.entry).is_empty() {
                unknown(format!("{NAMES_UNKNOWN}, because directories of it do not exist"))
            } else if found.is_empty() {
                broken(Fault::NoLibrary)
            } else if let Some(fault) = shadowed_library(subject, answer, |_| true) {
                broken(fault)
            } else {
                holds(format!("has the libraries {}", found.join(", ")))
            }
        }
        other if subject.names_from == NamesFrom::Unknown => unknown(format!(
            "{NAMES_UNKNOWN}, because files are not readable: {}",
            other.because().unwrap_or_default()
        )),
        other => unknown(format!("files are not readable: {}", other.because().unwrap_or_default())),
    }
}

/// The version that an instance offers of a SQL extension from the entry's own files, or why it does not.
fn offered(subject: &Subject, answer: &InstanceProbe, name: &str) -> Result<Option<String>, Told> {
    let controls: Vec<_> = answer
        .files
        .known()
        .into_iter()
        .flatten()
        .filter(|file| file.kind == FileKind::Control && file.name == name)
        .collect();
    let mount = subject.entry.mount_path();
    let taken = controls.iter().find(|file| file.rank == 1);
    let is_own = |file: &&PathFile| is_in_mount(&file.element, &subject.entry.name);
    if let Some(taken) = taken.filter(|taken| !is_own(taken)) {
        // Where the image has no copy on the path, nothing comes before it.
        if controls.iter().all(|file| !is_own(file)) && !answer.lacking(&subject.entry).is_empty() {
            return Err(unknown(format!(
                "whether the image has {name} is not known, because directories of it do not exist"
            )));
        }
        return Err(broken(Fault::Shadowed {
            name: name.to_owned(),
            element: taken.element.clone(),
            by: shadow(&taken.element),
        }));
    }
    match &answer.available {
        Fact::Known(available) => match available.iter().find(|found| found.name == name) {
            Some(found) => Ok(found.default_version.clone()),
            // The table may name what an image of that repository does not have.
            None if subject.names_from == NamesFrom::KnowledgeBase && answer.files.known().is_none() => Err(unknown(format!(
                "{name} is not in pg_available_extensions, and whether the image has it is not known, because files are not readable: {}",
                answer.files.because().unwrap_or_default()
            ))),
            None => Err(broken(Fault::NotOffered(name.to_owned()))),
        },
        // One bad control file fails the view for all; files tell of the others.
        Fact::Failed(error) if names_file_below(&error.message, &mount) => Err(broken(Fault::ControlFile(error.message.clone()))),
        Fact::Failed(error) if answer.poison().is_some() && !names_a_file(&error.message) => {
            Err(broken(Fault::ViewFails(error.message.clone())))
        }
        Fact::Failed(error) => match taken {
            Some(taken) => Ok(taken.default_version.clone()),
            None => Err(unknown(format!("pg_available_extensions fails: {}", error.message))),
        },
        Fact::Unknown(why) => Err(unknown(why.clone())),
    }
}

/// Whose an element of the control path is.
fn shadow(element: &str) -> Shadow {
    match mount_of(element) {
        Some(entry) => Shadow::Entry(entry.to_owned()),
        None if element == "$system" => Shadow::System,
        None => Shadow::Element,
    }
}

fn preload_told(subject: &Subject, instance: &Instance, answer: &InstanceProbe, required: &[String]) -> Told {
    let server = match &answer.server {
        Fact::Known(server) => server,
        other => return unknown(other.because().unwrap_or_default()),
    };
    if let Some(library) = required.iter().find(|library| !is_loaded(server, library)) {
        let state = if subject.rollout.complete || subject.rollout.blocked.is_some() {
            RungState::Broken
        } else {
            RungState::InProgress
        };
        return (state, Fault::NotLoaded(library.clone()).into());
    }
    if subject.world.pending_restart(instance).is_some_and(|pending| pending.waits) {
        return (subject.unfinished(), Fault::RestartPending.into());
    }
    holds(format!("{} loaded", required.join(", ")))
}
