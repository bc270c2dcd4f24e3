//! Rules about what differs: between instances, between what is written and what holds, between what is asked and what is there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Code, Found, Instance, Ladder, Remedy, Subject, Verdict, assess};
use crate::domain::database::RESERVED;
use crate::domain::paths::PathSetting;
use crate::domain::probe::{Fact, InstanceProbe};
use crate::domain::requirements::{Sighting, sighting};
use crate::domain::rollout;
use crate::domain::watch::Kind;
use crate::domain::world::library_name;

/// The file that `ALTER SYSTEM` writes.
const ALTER_SYSTEM: &str = "postgresql.auto.conf";
/// Settings that the operator writes for the entries.
const PATHS: [PathSetting; 2] = [PathSetting::ExtensionControlPath, PathSetting::DynamicLibraryPath];

impl Found<'_> {
    pub(super) fn differing(&mut self, ladders: &[Ladder]) {
        self.preload_without_library();
        self.availability();
        self.overridden();
        self.emptied();
        self.fields_ignored();
        for ladder in ladders {
            self.not_declared(ladder);
            self.update_offered(ladder);
            self.behind(ladder);
        }
    }

    fn ready(&self) -> Vec<&Instance> {
        let instances = self.world.instances_of(&self.cluster.key);
        instances.filter(|instance| instance.is_up()).collect()
    }

    /// Only where the files were listed.
    fn preload_without_library(&mut self) {
        let listed = self.cluster.spec.preload.iter();
        let mut without: BTreeMap<String, Vec<String>> = listed
            .filter_map(|library| match sighting(self.world, self.cluster, library) {
                Sighting::Missing(instances) => Some((library.clone(), instances)),
                Sighting::Found { .. } | Sighting::Later | Sighting::Unlisted(_) => None,
            })
            .collect();
        // Said already, of an instance that crash-loops for it.
        without.retain(|library, _| self.list.iter().all(|said| said.remedy != Remedy::RemovePreload(library.clone())));
        for (library, names) in without {
            self.say(Verdict {
                code: Code::PreloadWithoutLibrary,
                subject: self.of_cluster(),
                message: format!(
                    "shared_preload_libraries lists {library}, which was not found in {}: the next start fails",
                    names.join(", ")
                ),
                remedy_text: format!("Add the entry that has {library}, or take it out of shared_preload_libraries"),
                remedy: Remedy::RemovePreload(library),
            });
        }
    }

    fn availability(&mut self) {
        let rollout = assess(self.world, self.cluster);
        if rollout.instances.iter().any(|instance| !instance.done) {
            return;
        }
        let offers: Vec<(&str, BTreeSet<String>)> = self
            .ready()
            .into_iter()
            .filter_map(|instance| Some((instance.key.name.as_str(), offer(self.world.answer_of(instance)?)?)))
            .collect();
        let Some((first, of_first)) = offers.first() else { return };
        let Some((other, of_other)) = offers.iter().find(|(_, of_other)| of_other != of_first) else {
            return;
        };
        let differing: Vec<&str> = of_first.symmetric_difference(of_other).map(String::as_str).collect();
        let message = format!("{first} and {other} do not offer the same: {}", differing.join(", "));
        self.say(Verdict {
            code: Code::AvailabilityDiffers,
            subject: self.of_cluster(),
            message,
            remedy_text: "Pin the images by digest, and restart the instance that is behind".to_owned(),
            remedy: Remedy::ByHand,
        });
    }

    fn overridden(&mut self) {
        let primary = self.world.primary_of(self.cluster);
        let Some(answer) = primary.and_then(|primary| self.world.answer_of(primary)) else {
            return;
        };
        let mut told: Vec<String> = Vec::new();
        for set in answer.overrides.known().into_iter().flatten() {
            if PATHS.iter().any(|path| path.as_str() == set.name) {
                told.push(format!("{} TO '{}'", set.statement(), set.value));
            }
        }
        let settings = answer.server.known().map(|server| &server.settings);
        for path in PATHS {
            let setting = settings.and_then(|settings| settings.get(path.as_str()));
            if setting.is_some_and(|setting| setting.file.as_ref().is_some_and(|file| file.ends_with(ALTER_SYSTEM))) {
                told.push(format!("ALTER SYSTEM SET {}", path.as_str()));
            }
        }
        for statement in told {
            self.say(Verdict {
                code: Code::PathOverridden,
                subject: self.of_cluster(),
                message: format!("{statement} overrides the path written by the operator, so what it adds does not reach those sessions"),
                remedy_text: "RESET it, unless it is intentional".to_owned(),
                remedy: Remedy::ByHand,
            });
        }
    }

    fn emptied(&mut self) {
        let (Some(asked), Some(catalog)) = (&self.cluster.spec.catalog, self.world.catalog_of(self.cluster)) else {
            return;
        };
        for (name, field) in &self.cluster.spec.emptied {
            let Some(base) = catalog.entry(asked.major, name) else { continue };
            let is_set = match field.as_str() {
                "extension_control_path" => !base.control_paths.is_empty(),
                "dynamic_library_path" => !base.library_paths.is_empty(),
                "ld_library_path" => !base.ld_paths.is_empty(),
                "bin_path" => !base.bin_paths.is_empty(),
                _ => !base.env.is_empty(),
            };
            if !is_set {
                continue;
            }
            self.say(Verdict {
                code: Code::OverrideIgnored,
                subject: Subject::Entry(name.clone()),
                message: format!(
                    "{field} of {name} is written as an empty list, and the operator takes that of the catalog {}",
                    asked.key
                ),
                remedy_text: "Write what shall be there, or give the entry another name and image".to_owned(),
                remedy: Remedy::ByHand,
            });
        }
    }

    fn fields_ignored(&mut self) {
        if rollout::reports_resolution(self.world, self.cluster) {
            return;
        }
        for entry in &self.cluster.spec.extensions {
            let fields = [("bin_path", !entry.bin_paths.is_empty()), ("env", !entry.env.is_empty())];
            let written: Vec<&str> = fields.iter().filter(|(_, is_set)| *is_set).map(|(field, _)| *field).collect();
            if written.is_empty() {
                continue;
            }
            self.say(Verdict {
                code: Code::FieldsIgnored,
                subject: Subject::Entry(entry.name.clone()),
                message: format!(
                    "{} of {} has no effect: this operator accepts and ignores it",
                    written.join(" and "),
                    entry.name
                ),
                remedy_text: "Upgrade the operator to 1.29".to_owned(),
                remedy: Remedy::ByHand,
            });
        }
    }

    fn not_declared(&mut self, ladder: &Ladder) {
        // Without the objects nobody can tell what they ask for.
        if !self.world.knows(Kind::Database) {
            return;
        }
        for row in ladder.databases.iter().filter(|row| !row.is_requested && row.object.is_none()) {
            let Some(installed) = &row.installed else { continue };
            self.say(Verdict {
                code: Code::NotDeclared,
                subject: Subject::Entry(ladder.entry.clone()),
                message: format!(
                    "{} {installed} is installed in database {}, and no Database object asks for it there",
                    row.extension, row.database
                ),
                remedy_text: if RESERVED.contains(&row.database.as_str()) {
                    format!("Look after it by hand: the operator manages no extensions in {}", row.database)
                } else {
                    "Declare it in a Database object if the operator shall look after it".to_owned()
                },
                remedy: if RESERVED.contains(&row.database.as_str()) {
                    Remedy::ByHand
                } else {
                    Remedy::Declare(row.database.clone(), row.extension.clone())
                },
            });
        }
    }

    fn update_offered(&mut self, ladder: &Ladder) {
        let free = |row: &&crate::domain::ladder::DatabaseRow| row.is_requested && row.requested.is_none() && row.update_path == Some(true);
        for row in ladder.databases.iter().filter(free) {
            let (Some(installed), Some(available)) = (&row.installed, &row.available) else {
                continue;
            };
            let loaded = self
                .loaded(&row.database, &row.extension)
                .map_or_else(String::new, |version| format!(" (the library that is loaded is {version})"));
            self.say(Verdict {
                code: Code::UpdateOffered,
                subject: Subject::Entry(ladder.entry.clone()),
                message: format!(
                    "{} is {installed} in database {}, and the image has {available}{loaded}",
                    row.extension, row.database
                ),
                remedy_text: format!("Ask for version {available} in the Database object; the operator updates it then"),
                remedy: Remedy::SetVersion(row.database.clone(), row.extension.clone()),
            });
        }
    }

    /// What is installed is not among what the image has, and no path leads from it.
    fn behind(&mut self, ladder: &Ladder) {
        let Some(answer) = self.world.teller_of(self.cluster) else { return };
        let Some(versions) = answer.versions.known() else { return };
        for row in &ladder.databases {
            let (Some(installed), Some(available)) = (&row.installed, &row.available) else {
                continue;
            };
            let mut offered = versions.iter().filter(|offered| offered.name == row.extension);
            let paths = self.world.facts_of(self.cluster, &row.database);
            let paths = paths.and_then(|(_, facts)| facts.update_paths.known());
            let leads = paths.is_none_or(|paths| paths.iter().any(|path| path.leads(&row.extension, installed, available)));
            if installed == available || leads || offered.any(|offered| offered.version == *installed) {
                continue;
            }
            self.say(Verdict {
                code: Code::ImageBehind,
                subject: Subject::Entry(ladder.entry.clone()),
                message: format!(
                    "{} {installed} is installed in database {}, and the image has {available} and no path from {installed} to it",
                    row.extension, row.database
                ),
                remedy_text: format!("Use an image that has {} {installed} or newer", row.extension),
                remedy: Remedy::ChangeImage(ladder.entry.clone()),
            });
        }
    }

    /// Version of the module of an installed extension, if the primary has loaded it and it tells.
    fn loaded(&self, database: &str, extension: &str) -> Option<String> {
        let answer = self.world.answer_of(self.world.primary_of(self.cluster)?)?;
        let installed = answer
            .databases
            .iter()
            .find(|asked| asked.database == database)?
            .installed
            .known()?;
        let libraries = &installed.iter().find(|found| found.name == extension)?.libraries;
        let modules = &answer.server.known()?.loaded;
        let names: Vec<&str> = libraries.iter().map(|library| library_name(library)).collect();
        let module = modules.iter().find(|module| names.contains(&library_name(&module.file)))?;
        module.version.clone()
    }
}

/// What an instance offers, as `name version`.
fn offer(answer: &InstanceProbe) -> Option<BTreeSet<String>> {
    let Fact::Known(available) = &answer.available else { return None };
    let one = |name: &str, version: Option<&String>| match version {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    };
    Some(
        available
            .iter()
            .map(|found| one(&found.name, found.default_version.as_ref()))
            .collect(),
    )
}
