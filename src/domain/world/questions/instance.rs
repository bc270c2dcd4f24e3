//! Questions about an instance.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::Dated;
use super::entry::library_name;
use crate::domain::database::Database;
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::{DatabaseKey, PodKey};
use crate::domain::instance::{Instance, Mount};
use crate::domain::paths::{PathSetting, contains_in_order, of_entry};
use crate::domain::probe::{CrashLine, ManagerReport, ServerFacts};
use crate::domain::trouble::{Blame, Trouble};
use crate::domain::{Timestamp, World};

/// Whether a setting of an instance waits for a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingRestart<'a> {
    /// It does.
    pub waits: bool,
    /// The first setting that does, where SQL names it.
    pub setting: Option<&'a str>,
    /// When that was read.
    pub at: Timestamp,
}

/// What the environment of a running server lacks of what an entry adds: only a restart brings it (CNPG
/// `pkg/management/postgres/instance.go`; the environment is made when PostgreSQL is started).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentGap {
    /// Directories are not in a path, in their order.
    Path {
        /// Name of the entry.
        entry: String,
        /// The path.
        setting: PathSetting,
        /// The directories of the entry.
        wanted: Vec<String>,
    },
    /// A variable has another value, or none.
    Variable {
        /// Name of the entry.
        entry: String,
        /// The variable.
        name: String,
        /// The value that the entry gives it.
        wanted: String,
    },
}

impl EnvironmentGap {
    /// Name of the entry.
    pub fn entry(&self) -> &str {
        match self {
            Self::Path { entry, .. } | Self::Variable { entry, .. } => entry,
        }
    }

    /// Name of the variable.
    pub fn variable(&self) -> &str {
        match self {
            Self::Path { setting, .. } => setting.as_str(),
            Self::Variable { name, .. } => name,
        }
    }
}

impl Instance {
    /// The pod is the one of that UID: names are reused, so a name alone is no identity.
    pub fn is(&self, uid: &str) -> bool {
        self.uid == uid
    }

    /// The pod works: it is ready, and not on its way out.
    pub fn is_up(&self) -> bool {
        self.ready && !self.deleting
    }

    /// Whom the trouble of the pod concerns, if it has one.
    pub fn blame(&self) -> Option<Blame> {
        let trouble = self.trouble.as_ref().filter(|_| !self.ready && !self.deleting)?;
        Some(trouble.blames(&self.mounts))
    }

    /// The pod never started, and waits for an image of an entry that it cannot get, as far as is said.
    pub fn waits_for_image(&self) -> bool {
        !self.was_started && matches!(self.blame(), Some(Blame::Entry(_) | Blame::SomeImage))
    }

    /// A pod that is stuck: it never started, it cannot get an image, and a new one would mount other entries, so that
    /// deleting it helps. `entries` are those that a new pod would get. The operator does not replace such a pod
    /// (`pkg/utils/pod_conditions.go`, `IsPodActive`; seen).
    pub fn is_stuck(&self, entries: &[ExtensionEntry]) -> bool {
        let is_other = |name: &str| {
            let of_name = |mount: &&Mount| mount.entry == name;
            let reference = self.mounts.iter().find(of_name).and_then(|mount| mount.reference.as_ref());
            let wanted = entries.iter().find(|entry| entry.name == name);
            wanted.is_none_or(|entry| entry.reference.is_some() && entry.reference.as_ref() != reference)
        };
        let would_wait_again = matches!(self.blame(), Some(Blame::Entry(name)) if !is_other(&name));
        self.waits_for_image() && !would_wait_again && self.mounts_differ(entries)
    }

    /// What the pod mounts is not what a new pod would, given these entries. An entry whose reference is not known does
    /// not differ by it.
    pub fn mounts_differ(&self, entries: &[ExtensionEntry]) -> bool {
        let is_wanted = |mount: &Mount| {
            let wanted = entries.iter().find(|entry| entry.name == mount.entry);
            wanted.is_some_and(|entry| entry.reference.is_none() || entry.reference == mount.reference)
        };
        let is_mounted = |entry: &ExtensionEntry| self.mounts.iter().any(|mount| mount.entry == entry.name);
        !self.mounts.iter().all(is_wanted) || !entries.iter().all(is_mounted)
    }
}

impl World {
    /// The pod of that name, if it is the one of that UID.
    pub fn pod(&self, pod: &PodKey, uid: &str) -> Option<&Instance> {
        self.instances.get(pod).filter(|instance| instance.is(uid))
    }

    /// The `Database` object of that name, if it is the one of that UID.
    pub fn object(&self, key: &DatabaseKey, uid: &str) -> Option<&Database> {
        self.databases.get(key).filter(|object| object.uid == uid)
    }

    /// The report of the instance manager about an instance as it is: one about a predecessor of its name does not count.
    pub fn report_of(&self, instance: &Instance) -> Option<&ManagerReport> {
        self.reports.get(&instance.key).filter(|report| report.uid == instance.uid)
    }

    /// The last words of an instance as it is.
    pub fn crash_of(&self, instance: &Instance) -> Option<&CrashLine> {
        let trouble = instance.trouble.as_ref()?;
        self.crashes.get(&instance.key).filter(|line| line.is_of(instance, trouble))
    }

    /// Whether a setting waits for a restart: by the newer of SQL and the instance manager's report; `None` when neither
    /// says. SQL counts where the session may read every setting, and a setting that it sees waiting counts always. The
    /// report says no, whatever waits, while a standby waits for the primary to lower a setting
    /// (`pkg/management/postgres/probes.go`), so a yes that is as new goes before it.
    pub fn pending_restart(&self, instance: &Instance) -> Option<PendingRestart<'_>> {
        let by_sql = self.answer_of(instance).and_then(|answer| {
            let server = answer.server.known()?;
            let waiting = server.settings.iter().find(|(_, setting)| setting.pending_restart);
            (server.reads_settings || waiting.is_some()).then(|| PendingRestart {
                waits: waiting.is_some(),
                setting: waiting.map(|(name, _)| name.as_str()),
                at: answer.at,
            })
        });
        let reported = self.report_of(instance).map(|report| PendingRestart {
            waits: report.pending_restart,
            setting: None,
            at: report.at,
        });
        by_sql
            .into_iter()
            .chain(reported)
            .max_by_key(|said| (said.at, said.waits, said.setting.is_some()))
    }

    /// Whether a standby receives WAL: by its manager's report, unless that is of a primary, else by SQL; `None` when
    /// neither says.
    pub fn streams(&self, instance: &Instance) -> Option<Dated<bool>> {
        let report = self.report_of(instance).filter(|report| !report.is_primary);
        let reported = report.map(|report| Dated {
            value: report.wal_receiver,
            at: report.at,
        });
        reported.or_else(|| {
            let answer = self.answer_of(instance)?;
            Some(Dated {
                value: answer.server.known()?.wal_receiver?,
                at: answer.at,
            })
        })
    }

    /// What the environment of an instance's running server lacks of what the entries of its cluster ([`World::entries_of`])
    /// add, all of them or the one with this name; `None` when the environment cannot be read.
    pub fn environment_gaps(
        &self,
        instance: &Instance,
        entries: &[ExtensionEntry],
        only: Option<&str>,
    ) -> Option<Dated<Vec<EnvironmentGap>>> {
        let answer = self.answer_of(instance)?;
        let environment = answer.environment.known()?;
        let mut gaps = Vec::new();
        let asked = entries.iter().enumerate();
        for (at, entry) in asked.filter(|(_, entry)| only.is_none_or(|name| entry.name == name)) {
            for setting in [PathSetting::LdLibraryPath, PathSetting::Path] {
                let wanted = of_entry(setting, entry);
                let live = environment.get(setting.as_str()).map_or("", String::as_str);
                if !contains_in_order(live, &wanted) {
                    gaps.push(EnvironmentGap::Path {
                        entry: entry.name.clone(),
                        setting,
                        wanted,
                    });
                }
            }
            let later = entries.get(at + 1..).unwrap_or_default();
            for variable in &entry.env {
                // A later entry may set the same variable again, and wins.
                let is_last = later.iter().all(|entry| entry.env.iter().all(|other| other.name != variable.name));
                let wanted = expanded(&variable.value, &entry.mount_path());
                if is_last && environment.get(&variable.name) != Some(&wanted) {
                    gaps.push(EnvironmentGap::Variable {
                        entry: entry.name.clone(),
                        name: variable.name.clone(),
                        wanted,
                    });
                }
            }
        }
        Some(Dated {
            value: gaps,
            at: answer.at,
        })
    }
}

impl CrashLine {
    /// It is of the container in trouble of an instance as it is.
    pub(in crate::domain) fn is_of(&self, instance: &Instance, trouble: &Trouble) -> bool {
        self.uid == instance.uid && self.container == trouble.container
    }
}

/// A library is loaded at start: the module is there, and where `shared_preload_libraries` can be read it is named there (a
/// session loads libraries, too).
pub fn is_loaded(server: &ServerFacts, library: &str) -> bool {
    let name = library_name(library);
    let is_there = server
        .loaded
        .iter()
        .any(|module| library_name(&module.file) == name || module.module.as_deref() == Some(name));
    let is_named = server.settings.get("shared_preload_libraries").is_none_or(|setting| {
        let mut listed = setting.value.split(',');
        listed.any(|listed| library_name(listed.trim().trim_matches('"')) == name)
    });
    is_there && is_named
}

/// The value of a variable of an entry: `${image_root}` is the mount, and two dollars are one (CNPG
/// `pkg/postgres/environment.go`).
fn expanded(value: &str, mount: &str) -> String {
    static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(\$+)\{([^}]+)\}").ok());
    let Some(placeholder) = PLACEHOLDER.as_ref() else {
        return value.to_owned();
    };
    let replaced = placeholder.replace_all(value, |found: &Captures<'_>| {
        let dollars = found.get(1).map_or(0, |dollars| dollars.len());
        let name = found.get(2).map_or("", |name| name.as_str());
        let kept = "$".repeat(dollars / 2);
        if dollars % 2 == 1 && name == "image_root" {
            format!("{kept}{mount}")
        } else if dollars % 2 == 1 {
            format!("{kept}${{{name}}}")
        } else {
            format!("{kept}{{{name}}}")
        }
    });
    replaced.into_owned()
}

#[cfg(test)]
mod tests;
