//! Whether a request for a SQL extension can succeed, by what is read before it is made: its name, its version, and what
//! it requires.
//!
//! The operator creates and updates on the primary, without CASCADE (CNPG `database_controller_sql.go`), so the answer of
//! the primary decides. An image that the primary does not mount yet is judged by an instance of any cluster that mounts
//! it, else by the table of known images; else nothing is known of it.

use super::World;
use super::cluster::Cluster;
use super::database::RequestedExtension;
use super::extension::ExtensionEntry;
use super::image::Reference;
use super::instance::Instance;
use super::known::{known_image, required};
use super::probe::{DatabaseProbe, Fact, FileKind, InstalledExtension, InstanceProbe, PathFile};
use super::world::update_path;

/// An answer with its evidence, a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It is so.
    Yes(String),
    /// It is known not to be so.
    No(String),
    /// It cannot be told.
    Unknown(String),
}

/// A request for a SQL extension in a database.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Everything observed.
    pub world: &'a World,
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The PostgreSQL database.
    pub database: &'a str,
    /// What is asked for.
    pub extension: &'a RequestedExtension,
    /// Entries, resolved, that the primary will mount and does not mount yet.
    pub coming: &'a [ExtensionEntry],
}

impl<'a> Question<'a> {
    /// Whether PostgreSQL knows an extension of that name.
    pub fn name(&self) -> Told {
        let name = &self.extension.name;
        let (primary, probe) = match self.primary() {
            Ok(told) => told,
            Err(why) => return self.by_images(Err(why)),
        };
        if self.installed().is_some() {
            return Told::Yes(format!("{name} is installed in {}", self.database));
        }
        let pod = &primary.key.name;
        match offers(probe, name) {
            Some(true) => Told::Yes(format!("{pod} offers {name}")),
            Some(false) => self.by_images(Ok(format!("{pod} does not offer {name}"))),
            None => self.by_images(Err(because(&probe.available))),
        }
    }

    /// What the images that are to come have, where the primary does not offer the name (`Ok` says so) or nothing is known
    /// of what it offers (`Err` says why).
    fn by_images(&self, here: Result<String, String>) -> Told {
        let name = &self.extension.name;
        let (mut lacks, mut unknown) = (Vec::new(), None);
        for entry in self.coming {
            match image_offers(self.world, entry, name) {
                Told::Yes(evidence) => return Told::Yes(evidence),
                Told::No(evidence) => lacks.push(evidence),
                Told::Unknown(evidence) => unknown = unknown.or(Some(evidence)),
            }
        }
        match (here, unknown) {
            (_, Some(why)) => Told::Unknown(why),
            (Ok(not), None) => {
                lacks.insert(0, not);
                Told::No(lacks.join("; "))
            }
            (Err(why), None) => Told::Unknown(format!("it cannot be read whether {name} is offered, because {why}")),
        }
    }

    /// Whether the version can be installed, or reached from the installed one. `None` when nothing is to be said: no
    /// version is asked for, or the name alone is in question.
    pub fn version(&self) -> Option<Told> {
        let name = &self.extension.name;
        let (primary, probe) = match self.primary() {
            Ok(told) => told,
            Err(why) => {
                let wanted = self.extension.version.as_ref()?;
                return Some(Told::Unknown(format!(
                    "it cannot be read whether {name} {wanted} is offered, because {why}"
                )));
            }
        };
        let pod = &primary.key.name;
        let there = self.installed();
        let Some(wanted) = &self.extension.version else {
            let offered = probe.available.known()?.iter().find(|offered| offered.name == *name)?;
            return (offered.default_version.is_none() && there.is_none()).then(|| {
                Told::No(format!(
                    "{pod} offers {name} without a default version, so that one must be asked for"
                ))
            });
        };
        if let Some(there) = there {
            return Some(self.reached(primary, probe, there, wanted));
        }
        if offers(probe, name) != Some(true) {
            return self.version_by_images(wanted);
        }
        let asked = format!("{name} {wanted}");
        let versions = versions_of(probe, name);
        Some(match versions {
            Some(versions) if versions.contains(&wanted.as_str()) => Told::Yes(format!("{pod} offers {asked}")),
            // Another image may come in the place of the one that offers it now.
            _ if self.is_changing(primary) => Told::Unknown(format!("whether {asked} is offered is known when the image has changed")),
            Some(versions) => Told::No(not_among(pod, name, &versions, wanted)),
            None if default_version(probe, name) == Some(wanted) => Told::Yes(format!("{pod} offers {asked}")),
            None => Told::Unknown(format!(
                "it cannot be read whether {pod} offers {asked}, because {}",
                because(&probe.versions)
            )),
        })
    }

    /// From the installed version to the wanted one.
    fn reached(&self, primary: &Instance, probe: &InstanceProbe, there: &InstalledExtension, wanted: &str) -> Told {
        let pod = &primary.key.name;
        // What comes is last on the path: it counts where nothing offers the name yet.
        let may_come = self.is_changing(primary) || (!self.coming.is_empty() && offers(probe, &there.name) != Some(true));
        let (name, from, database) = (&self.extension.name, &there.version, self.database);
        if from == wanted {
            return Told::Yes(format!("{name} {wanted} is installed in {database}"));
        }
        if let Some(told) = self.coming.iter().find_map(|entry| image_path(self.world, entry, there, wanted)) {
            return told;
        }
        let Some(paths) = self.in_database().map(|probe| &probe.update_paths) else {
            return Told::Unknown(format!("the update paths of {name} in {database} were not read"));
        };
        let mut known = paths.known().into_iter().flatten();
        match (known.find(|path| path.leads(name, from, wanted)), paths) {
            (Some(way), _) => Told::Yes(format!("{pod} has an update path of {name} from {from} to {wanted}: {}", way.path)),
            (None, Fact::Known(_)) if may_come => Told::Unknown(format!(
                "whether an update path leads from {name} {from} to {wanted} is known when the image is mounted"
            )),
            (None, Fact::Known(_)) => Told::No(format!(
                "{name} {from} is installed in {database}, and {pod} has no update path from it to {wanted}"
            )),
            (None, other) => Told::Unknown(format!(
                "it cannot be read whether an update path leads from {name} {from} to {wanted}, because {}",
                because(other)
            )),
        }
    }

    /// The version in the images that are to come.
    fn version_by_images(&self, wanted: &str) -> Option<Told> {
        let name = &self.extension.name;
        let holding: Vec<&ExtensionEntry> = self
            .coming
            .iter()
            .filter(|entry| !matches!(image_offers(self.world, entry, name), Told::No(_)))
            .collect();
        let mut no = None;
        for entry in &holding {
            match image_version(self.world, entry, name, wanted) {
                told @ Some(Told::Yes(_)) => return told,
                told @ Some(Told::No(_)) => no = told,
                _ => {
                    return Some(Told::Unknown(format!(
                        "whether {name} {wanted} is offered is known when the image is mounted"
                    )));
                }
            }
        }
        no
    }

    /// Whether what the extension requires is there, or asked for before it: `before` are the SQL names that the object or
    /// the plan asks for. `None` when it requires nothing.
    pub fn requirements(&self, before: &[String]) -> Option<Told> {
        let (name, database) = (&self.extension.name, self.database);
        let required = self.requires();
        if required.is_empty() {
            return None;
        }
        let all = required.join(", ");
        let open: Vec<String> = required.into_iter().filter(|required| !before.contains(required)).collect();
        let installed = self.in_database().and_then(|probe| probe.installed.known());
        let is_installed = |name: &String| installed.is_some_and(|installed| installed.iter().any(|there| there.name == *name));
        let lacking: Vec<String> = open.into_iter().filter(|required| !is_installed(required)).collect();
        Some(if lacking.is_empty() || is_installed(name) {
            Told::Yes(format!("{name} requires {all}: installed in {database}, or asked for before it"))
        } else if installed.is_some() {
            Told::No(format!(
                "{name} requires {}, which is neither installed in {database} nor asked for before it",
                lacking.join(", ")
            ))
        } else {
            Told::Unknown(format!(
                "{name} requires {}; what is installed in {database} cannot be read, because {}",
                lacking.join(", "),
                self.silence()
            ))
        })
    }

    /// What the extension requires: as the primary tells, else an instance with the image that is to come, else as is known.
    pub fn requires(&self) -> Vec<String> {
        let name = &self.extension.name;
        let images = self.coming.iter().flat_map(|entry| mounting(self.world, entry));
        let mut probes = self.primary().ok().map(|(_, probe)| probe).into_iter();
        let mut others = images.map(|(_, probe, _)| probe);
        probes
            .find_map(|probe| self.requires_by(probe))
            .or_else(|| others.find_map(|probe| self.requires_by(probe)))
            .unwrap_or_else(|| required(name).iter().map(ToString::to_string).collect())
    }

    fn requires_by(&self, probe: &InstanceProbe) -> Option<Vec<String>> {
        let name = &self.extension.name;
        let wanted = self
            .extension
            .version
            .as_deref()
            .or_else(|| default_version(probe, name).map(String::as_str))?;
        let mut offered = probe.versions.known()?.iter();
        let row = offered.find(|offered| offered.name == *name && offered.version == wanted)?;
        Some(row.requires.clone())
    }

    /// The primary and its present answer; the error completes "because ...".
    fn primary(&self) -> Result<(&'a Instance, &'a InstanceProbe), String> {
        let primary = self.world.primary_of(self.cluster).ok_or("the cluster has no primary")?;
        match (self.world.failure_of(primary), self.world.answer_of(primary)) {
            (Some(failure), _) => Err(failure.because.clone()),
            (None, Some(probe)) => Ok((primary, probe)),
            (None, None) => Err(format!("{} was not asked yet", primary.key.name)),
        }
    }

    fn in_database(&self) -> Option<&'a DatabaseProbe> {
        let (_, probe) = self.primary().ok()?;
        probe.databases.iter().find(|asked| asked.database == self.database)
    }

    /// What is installed of it, as far as that is known.
    fn installed(&self) -> Option<&'a InstalledExtension> {
        let installed = self.in_database()?.installed.known()?;
        installed.iter().find(|there| there.name == self.extension.name)
    }

    /// Why nothing is known of the database.
    fn silence(&self) -> String {
        match (self.primary(), self.in_database()) {
            (Err(why), _) => why,
            (Ok(_), Some(probe)) => because(&probe.installed),
            (Ok((primary, _)), None) => format!("{} did not read it", primary.key.name),
        }
    }

    /// A mounted image is going to be another one.
    fn is_changing(&self, primary: &Instance) -> bool {
        let mounted = |entry: &ExtensionEntry| primary.mounts.iter().any(|mount| mount.entry == entry.name);
        self.coming.iter().any(mounted)
    }
}

fn because<T>(fact: &Fact<T>) -> String {
    fact.because().unwrap_or("it was not read").to_owned()
}

/// Whether an instance offers a name: by the view, else by the control files on its path.
fn offers(probe: &InstanceProbe, name: &str) -> Option<bool> {
    if let Some(offered) = probe.available.known() {
        return Some(offered.iter().any(|offered| offered.name == name));
    }
    let files = probe.files.known()?;
    Some(files.iter().any(|file| file.kind == FileKind::Control && file.name == name))
}

fn default_version<'a>(probe: &'a InstanceProbe, name: &str) -> Option<&'a String> {
    let offered = probe.available.known().into_iter().flatten();
    let by_view = offered
        .filter(|offered| offered.name == name)
        .find_map(|offered| offered.default_version.as_ref());
    by_view.or_else(|| {
        let mut files = probe.files.known().into_iter().flatten();
        files
            .find(|file| file.kind == FileKind::Control && file.name == name && file.rank == 1)
            .and_then(|file| file.default_version.as_ref())
    })
}

/// The versions of a name that can be installed.
fn versions_of<'a>(probe: &'a InstanceProbe, name: &str) -> Option<Vec<&'a str>> {
    let versions = probe.versions.known()?.iter();
    Some(
        versions
            .filter(|offered| offered.name == name)
            .map(|offered| offered.version.as_str())
            .collect(),
    )
}

fn not_among(pod: &str, name: &str, versions: &[&str], wanted: &str) -> String {
    if versions.is_empty() {
        format!("{pod} has no script that installs {name}")
    } else {
        format!("{pod} offers {name} in version {}, not {wanted}", versions.join(", "))
    }
}

/// Ready instances of any cluster that mount the image of an entry and have answered, with the name that they mount it by.
pub(in crate::domain) fn mounting<'a>(
    world: &'a World,
    entry: &'a ExtensionEntry,
) -> impl Iterator<Item = (&'a Instance, &'a InstanceProbe, &'a str)> {
    world
        .instances
        .values()
        .filter(|instance| instance.is_up())
        .filter_map(move |instance| {
            let mut mounts = instance.mounts.iter();
            let mount = mounts.find(|mount| mount.reference.is_some() && mount.reference == entry.reference)?;
            Some((instance, world.answer_of(instance)?, mount.entry.as_str()))
        })
}

/// An instance that mounts the image and was never asked, where nobody who mounts it has told its files.
pub(in crate::domain) fn unasked_mounting<'a>(world: &'a World, entry: &'a ExtensionEntry) -> Option<&'a Instance> {
    if mounting(world, entry).any(|(_, answer, _)| answer.files.known().is_some()) {
        return None;
    }
    let mounts = |instance: &&Instance| {
        let mut mounts = instance.mounts.iter();
        entry.reference.is_some() && mounts.any(|mount| mount.reference == entry.reference)
    };
    let up = world.instances.values().filter(|instance| instance.is_up());
    let unasked = up.filter(|instance| world.answer_of(instance).is_none() && world.failure_of(instance).is_none());
    unasked.into_iter().find(mounts)
}

/// PostgreSQL looks into the same directories of the image there.
pub(in crate::domain) fn same_paths(world: &World, instance: &Instance, mounted: &str, entry: &ExtensionEntry) -> bool {
    let Some(cluster) = world.clusters.get(&instance.cluster) else {
        return false;
    };
    let entries = world.entries_of(cluster);
    entries
        .iter()
        .any(|there| there.name == mounted && there.control_paths == entry.control_paths)
}

fn image_offers(world: &World, entry: &ExtensionEntry, name: &str) -> Told {
    let Some(reference) = &entry.reference else {
        return Told::Unknown(format!("which image {} gets is not known", entry.name));
    };
    let mut lacks = None;
    for (instance, probe, mounted) in mounting(world, entry) {
        let pod = &instance.key.name;
        let files: Vec<&PathFile> = probe.files_of(mounted).collect();
        let has = files.iter().any(|file| file.kind == FileKind::Control && file.name == name);
        if has || (probe.files.known().is_none() && offers(probe, name) == Some(true)) {
            return Told::Yes(format!("{pod} mounts {reference} and offers {name}"));
        }
        // Where nothing of the image is on the path, nothing is known of it.
        let was_seen = !files.is_empty() || (probe.files.known().is_none() && offers(probe, name) == Some(false));
        if was_seen && same_paths(world, instance, mounted, entry) {
            lacks = lacks.or(Some(format!("{pod} mounts {reference} and does not offer {name}")));
        }
    }
    if let Some(lacks) = lacks {
        return Told::No(lacks);
    }
    let known = Reference::parse(reference).ok().and_then(|reference| known_image(&reference));
    match known.map(|known| known.sql_names) {
        Some(names) if names.contains(&name) => Told::Yes(format!("the image {reference} is known to have {name}")),
        Some([]) => Told::No(format!("the image {reference} is known to have no SQL extension")),
        Some(names) => Told::No(format!("the image {reference} is known to have {}, not {name}", names.join(", "))),
        None => Told::Unknown(format!("whether {reference} has {name} is known when it is mounted")),
    }
}

/// Whether an image that some instance mounts has an update path from what is installed; `None` when none tells.
fn image_path(world: &World, entry: &ExtensionEntry, there: &InstalledExtension, wanted: &str) -> Option<Told> {
    let (name, from) = (&there.name, &there.version);
    mounting(world, entry).find_map(|(instance, probe, mounted)| {
        let pod = &instance.key.name;
        let mut files = probe.files_of(mounted);
        let scripts = files
            .find(|file| file.kind == FileKind::Control && file.name == *name)?
            .updates
            .as_ref()?;
        Some(match update_path(scripts, from, wanted) {
            Some(path) => Told::Yes(format!("{pod} mounts the same image, with the update path {path} of {name}")),
            None => Told::No(format!(
                "{pod} mounts the same image, which has no update path of {name} from {from} to {wanted}"
            )),
        })
    })
}

/// The version of a name in an image that some instance mounts; `None` when none tells.
fn image_version(world: &World, entry: &ExtensionEntry, name: &str, wanted: &str) -> Option<Told> {
    let mut lacks = None;
    for (instance, probe, mounted) in mounting(world, entry) {
        let pod = &instance.key.name;
        let files: Vec<&PathFile> = probe.files_of(mounted).collect();
        // What another element of the path hides is told by nobody.
        let Some(control) = files
            .iter()
            .find(|file| file.kind == FileKind::Control && file.name == name && file.rank == 1)
        else {
            continue;
        };
        let versions = versions_of(probe, name);
        let has = versions.as_ref().is_some_and(|versions| versions.contains(&wanted));
        if has || control.default_version.as_deref() == Some(wanted) {
            return Some(Told::Yes(format!("{pod} mounts the same image and offers {name} {wanted}")));
        }
        lacks = lacks.or_else(|| Some(Told::No(not_among(pod, name, &versions?, wanted))));
    }
    lacks
}
