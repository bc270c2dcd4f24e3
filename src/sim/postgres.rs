//! PostgreSQL: what SQL would tell of an instance, and what a `Database` object brings about.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::objects::{NODE, text};
use super::state::{Database, Pod, Sim, Stage};
use crate::backend::ProbeRequest;
use crate::domain::ids::PodKey;
use crate::domain::paths::{PathSetting, expected, of_entry};
use crate::domain::platform::Node;
use crate::domain::probe::{
    AvailableExtension, CrashLine, DatabaseOwner, DatabaseProbe, Dependents, Fact, FileKind, InstalledExtension, InstanceProbe,
    LoadedModule, ManagerReport, OfferedVersion, PathFile, ProbeFailure, Route, ServerFacts, Setting, Templates, UpdatePath,
};
use crate::domain::trouble::POSTGRES;
use crate::domain::{Observation, Timestamp};

impl Sim {
    /// What SQL tells of an instance.
    pub fn probe(&self, request: &ProbeRequest, at: Timestamp) -> Observation {
        let (key, uid, dropping) = (&request.pod, &request.uid, &request.dropping);
        let Some(pod) = self.pods.get(&key.name).filter(|pod| pod.uid == *uid && pod.stage == Stage::Ready) else {
            return Observation::ProbeFailed(ProbeFailure {
                pod: key.clone(),
                uid: uid.clone(),
                at,
                because: "PostgreSQL does not take connections yet".to_owned(),
                missing: Vec::new(),
            });
        };
        let files = self.files(pod);
        Observation::Probed(Box::new(InstanceProbe {
            templates: request.templates.then(|| Templates { at, databases: Vec::new() }),
            pod: key.clone(),
            uid: uid.clone(),
            at,
            route: Route::Simulated,
            user: "postgres".to_owned(),
            superuser: true,
            server: Fact::Known(self.server(pod)),
            available: Fact::Known(available(&files)),
            versions: Fact::Known(versions(&files)),
            overrides: Fact::Known(Vec::new()),
            missing_directories: Vec::new(),
            environment: Fact::Known(environment(pod)),
            databases: self.databases_told(pod, dropping, at),
            files: Fact::Known(files),
        }))
    }

    /// What the instance manager reports.
    pub fn report_of(&self, key: &PodKey, uid: &str, at: Timestamp) -> Option<ManagerReport> {
        let pod = self.pods.get(&key.name).filter(|pod| pod.uid == uid)?;
        let is_primary = self.text(&pod.cluster, "/status/currentPrimary") == pod.name;
        let preload = self.wanted_preload(&pod.cluster);
        Some(ManagerReport {
            pod: key.clone(),
            uid: uid.to_owned(),
            at,
            is_primary,
            pending_restart: pod.preload != preload,
            wal_receiver: !is_primary && pod.stage == Stage::Ready,
            configuration: preload.join(","),
        })
    }

    /// The one node that every pod runs on.
    pub fn nodes() -> Vec<Node> {
        vec![Node {
            name: NODE.to_owned(),
            runtime: "containerd://2.1.4".to_owned(),
            architecture: "amd64".to_owned(),
            schedulable: true,
            labels: Some(std::collections::BTreeMap::new()),
            taints: Vec::new(),
        }]
    }

    /// The last words of a crash-looping instance.
    pub fn crash_line(&self, key: &PodKey, uid: &str, restarts: u32, at: Timestamp) -> CrashLine {
        let library = self
            .pods
            .get(&key.name)
            .and_then(|pod| self.missing_library(pod, &self.wanted_preload(&pod.cluster)));
        CrashLine {
            pod: key.clone(),
            uid: uid.to_owned(),
            container: POSTGRES.to_owned(),
            restarts,
            at,
            fatal: library
                .map(|library| format!("could not access file \"{library}\": No such file or directory"))
                .ok_or_else(|| "the log has no FATAL line".to_owned()),
        }
    }

    fn server(&self, pod: &Pod) -> ServerFacts {
        let is_primary = self.text(&pod.cluster, "/status/currentPrimary") == pod.name;
        let databases = self.servers.get(&pod.cluster).map(|server| &server.databases);
        let mut settings = self.paths(pod);
        settings.insert(
            "shared_preload_libraries".to_owned(),
            Setting {
                value: pod.preload.join(","),
                source: "configuration file".to_owned(),
                file: None,
                pending_restart: pod.preload != self.wanted_preload(&pod.cluster),
            },
        );
        ServerFacts {
            closed: Vec::new(),
            templates: Vec::new(),
            shut: vec!["template0".to_owned()],
            plugins: BTreeMap::new(),
            version: 180_006,
            standby: !is_primary,
            reads_settings: true,
            started: Some(pod.started),
            configured: Some(pod.configured),
            databases: databases
                .into_iter()
                .flatten()
                .map(|(database, content)| DatabaseOwner {
                    database: database.clone(),
                    owner: content.owner.clone(),
                })
                .collect(),
            loaded: pod
                .preload
                .iter()
                .map(|library| LoadedModule {
                    file: format!("{library}.so"),
                    module: Some(library.clone()),
                    version: None,
                })
                .collect(),
            settings,
            wal_receiver: (!is_primary).then_some(true),
        }
    }

    /// The paths are written and reloaded as soon as the status changes, before pods have the mounts (seen).
    fn paths(&self, pod: &Pod) -> BTreeMap<String, Setting> {
        let entries = self.resolved_entries(&pod.cluster);
        [PathSetting::ExtensionControlPath, PathSetting::DynamicLibraryPath]
            .into_iter()
            .map(|setting| {
                let elements: Vec<String> = expected(setting, &entries, None).into_iter().map(|element| element.text).collect();
                let value = Setting {
                    value: elements.join(":"),
                    source: "configuration file".to_owned(),
                    file: None,
                    pending_restart: false,
                };
                (setting.as_str().to_owned(), value)
            })
            .collect()
    }

    fn files(&self, pod: &Pod) -> Vec<PathFile> {
        let file = |kind, position: usize, element: &str, name: &str, version: Option<&String>| PathFile {
            module: None,
            updates: None,
            libraries: Vec::new(),
            kind,
            position: u32::try_from(position).unwrap_or(u32::MAX).saturating_add(2),
            element: element.to_owned(),
            name: name.to_owned(),
            rank: 1,
            copies: 1,
            default_version: version.cloned(),
        };
        let mut files = vec![file(FileKind::Control, 0, "$system", "plpgsql", Some(&"1.0".to_owned()))];
        for (position, entry) in pod.entries.iter().enumerate() {
            let Some(image) = self.image(entry.reference.as_deref()) else {
                continue;
            };
            if let Some(element) = of_entry(PathSetting::ExtensionControlPath, entry).first() {
                files.extend(
                    image
                        .control
                        .iter()
                        .map(|(name, version)| file(FileKind::Control, position, element, name, Some(version))),
                );
            }
            if let Some(element) = of_entry(PathSetting::DynamicLibraryPath, entry).first() {
                files.extend(
                    image
                        .libraries
                        .iter()
                        .map(|name| file(FileKind::Library, position, element, name, None)),
                );
            }
        }
        files.extend(
            super::images::BUILT_IN
                .iter()
                .map(|name| file(FileKind::Library, 0, "$libdir", name, None)),
        );
        files
    }

    fn databases_told(&self, pod: &Pod, dropping: &[String], at: Timestamp) -> Vec<DatabaseProbe> {
        let Some(server) = self.servers.get(&pod.cluster) else {
            return Vec::new();
        };
        let images: Vec<_> = pod
            .entries
            .iter()
            .filter_map(|entry| self.image(entry.reference.as_deref()))
            .collect();
        server
            .databases
            .iter()
            .map(|(name, content)| {
                let mut installed = vec![installed("plpgsql", "1.0")];
                installed.extend(content.installed.iter().map(|(name, version)| self::installed(name, version)));
                let updates = images.iter().flat_map(|image| &image.updates);
                let from_here = updates.filter(|(name, source, _)| content.installed.get(name) == Some(source));
                DatabaseProbe {
                    database: name.clone(),
                    installed: Fact::Known(installed),
                    settings: Fact::Known(self.paths(pod)),
                    update_paths: Fact::Known(
                        from_here
                            .map(|(name, source, target)| UpdatePath {
                                name: name.clone(),
                                source: source.clone(),
                                target: target.clone(),
                                path: format!("{source}--{target}"),
                            })
                            .collect(),
                    ),
                    dependents: dropping
                        .iter()
                        .filter(|extension| content.installed.contains_key(*extension))
                        .map(|extension| Dependents {
                            extension: extension.clone(),
                            at,
                            objects: Fact::Known(Vec::new()),
                        })
                        .collect(),
                }
            })
            .collect()
    }

    /// The instance manager of the primary makes a database as its object asks, once per generation.
    pub(super) fn reconcile_database(&mut self, name: &str) {
        let Some(object) = self.databases.get(name).cloned() else { return };
        let cluster = text(&object, "/spec/cluster/name").to_owned();
        let database = text(&object, "/spec/name").to_owned();
        let primary = self.text(&cluster, "/status/currentPrimary");
        let Some(pod) = self.pods.get(&primary).filter(|pod| pod.stage == Stage::Ready).cloned() else {
            self.after(30.0, super::state::Step::Database(name.to_owned()));
            return;
        };
        let offered = available(&self.files(&pod));
        let updates: Vec<_> = pod
            .entries
            .iter()
            .filter_map(|entry| self.image(entry.reference.as_deref()))
            .flat_map(|image| image.updates.clone())
            .collect();
        let Some(server) = self.servers.get_mut(&cluster) else { return };
        let content = server.databases.entry(database).or_insert_with(Database::default);
        text(&object, "/spec/owner").clone_into(&mut content.owner);
        let mut statuses = Vec::new();
        let mut failed = false;
        for wanted in object.pointer("/spec/extensions").and_then(Value::as_array).into_iter().flatten() {
            let name = text(wanted, "/name");
            let result = one_extension(content, wanted, &offered, &updates);
            failed |= result.is_err();
            statuses.push(match result {
                Ok(()) => json!({"name": name, "applied": true}),
                Err(message) => json!({"name": name, "applied": false, "message": message}),
            });
        }
        let generation = object.pointer("/metadata/generation").cloned().unwrap_or_default();
        let observed = object.pointer("/status/observedGeneration").cloned();
        let mut status = json!({"applied": !failed, "extensions": statuses});
        if let Some(map) = status.as_object_mut() {
            if failed {
                map.insert("message".to_owned(), json!("database object reconciliation failed"));
                // It stays behind until an attempt succeeds.
                if let Some(observed) = observed {
                    map.insert("observedGeneration".to_owned(), observed);
                }
            } else {
                map.insert("observedGeneration".to_owned(), generation);
            }
        }
        self.change_database(name, |object| {
            if let Some(map) = object.as_object_mut() {
                map.insert("status".to_owned(), status);
            }
        });
        if failed {
            self.after(30.0, super::state::Step::Database(name.to_owned()));
        }
    }
}

fn one_extension(
    content: &mut Database,
    wanted: &Value,
    offered: &[AvailableExtension],
    updates: &[(String, String, String)],
) -> Result<(), String> {
    let name = text(wanted, "/name");
    if text(wanted, "/ensure") == "absent" {
        content.installed.remove(name);
        return Ok(());
    }
    let version = Some(text(wanted, "/version")).filter(|version| !version.is_empty());
    let Some(there) = content.installed.get(name).cloned() else {
        let default = offered
            .iter()
            .find(|extension| extension.name == name)
            .and_then(|extension| extension.default_version.clone())
            .ok_or_else(|| format!("while creating extension \"{name}\": ERROR: extension \"{name}\" is not available (SQLSTATE 0A000)"))?;
        if version.is_some_and(|version| version != default) {
            let version = version.unwrap_or_default();
            return Err(format!(
                "while creating extension \"{name}\": ERROR: extension \"{name}\" has no installation script nor update path for version \"{version}\" (SQLSTATE 22023)"
            ));
        }
        content.installed.insert(name.to_owned(), default);
        return Ok(());
    };
    match version {
        Some(version) if version != there => {
            let path = (name.to_owned(), there.clone(), version.to_owned());
            if !updates.contains(&path) {
                return Err(format!(
                    "altering version: ERROR: extension \"{name}\" has no update path from version \"{there}\" to version \"{version}\" (SQLSTATE 22023)"
                ));
            }
            content.installed.insert(name.to_owned(), version.to_owned());
            Ok(())
        }
        _ => Ok(()),
    }
}

fn available(files: &[PathFile]) -> Vec<AvailableExtension> {
    let mut offered: Vec<AvailableExtension> = files
        .iter()
        .filter(|file| file.kind == FileKind::Control)
        .map(|file| AvailableExtension {
            name: file.name.clone(),
            default_version: file.default_version.clone(),
        })
        .collect();
    offered.sort_by(|a, b| a.name.cmp(&b.name));
    offered
}

/// An image has one version of an extension.
fn versions(files: &[PathFile]) -> Vec<OfferedVersion> {
    available(files)
        .into_iter()
        .filter_map(|extension| {
            Some(OfferedVersion {
                name: extension.name,
                version: extension.default_version?,
                requires: Vec::new(),
            })
        })
        .collect()
}

fn installed(name: &str, version: &str) -> InstalledExtension {
    InstalledExtension {
        name: name.to_owned(),
        version: version.to_owned(),
        schema: if name == "plpgsql" { "pg_catalog" } else { "public" }.to_owned(),
        owner: "postgres".to_owned(),
        libraries: vec![format!("$libdir/{name}")],
        requires: Vec::new(),
    }
}

fn environment(pod: &Pod) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    for (setting, name) in [(PathSetting::LdLibraryPath, "LD_LIBRARY_PATH"), (PathSetting::Path, "PATH")] {
        let added: Vec<String> = pod.environment.iter().flat_map(|entry| of_entry(setting, entry)).collect();
        if !added.is_empty() {
            let value = environment.entry(name.to_owned()).or_default();
            if !value.is_empty() {
                value.push(':');
            }
            value.push_str(&added.join(":"));
        }
    }
    for variable in pod
        .environment
        .iter()
        .flat_map(|entry| entry.env.iter().map(move |variable| (entry, variable)))
    {
        let (entry, variable) = variable;
        environment.insert(variable.name.clone(), variable.value.replace("${image_root}", &entry.mount_path()));
    }
    environment
}
