//! The rules, and what they find.

use super::World;
use super::catalog::resolve;
use super::classify::names_a_file;
use super::cluster::{Cluster, Phase};
use super::fault::{Fault, Shadow};
use super::finding::{Code, Finding, Remedy, Subject};
use super::instance::Instance;
use super::ladder::{Ladder, LineSubject, RungKind, RungState};
use super::rollout::assess;
use super::without_entry::{Lack, orphans};

mod differing;
mod halted;
pub mod ignored;
mod images;
mod instances;
mod loading;
mod named;
mod refused;
mod requests;
mod restarts;
pub mod rules;

/// Every finding about a cluster, worst first.
pub fn findings(world: &World, cluster: &Cluster, ladders: &[Ladder]) -> Vec<Finding> {
    let mut found = Found {
        world,
        cluster,
        list: Vec::new(),
    };
    found.postgres_version();
    found.catalog();
    found.instances();
    found.waiting_for_promotion();
    found.promotion_blocked();
    for ladder in ladders {
        found.shadowed(ladder);
        found.not_installed(ladder);
    }
    found.control_files();
    found.without_files(ladders);
    found.halted();
    found.requests();
    found.images(ladders);
    found.differing(ladders);
    found.named_libraries();
    found.restarts();
    found.restart_unknown();
    found.unreadable();
    found
        .list
        .sort_by_cached_key(|finding| (finding.severity(), finding.code, finding.subject.to_string()));
    found.list
}

/// Findings on their way.
struct Found<'a> {
    world: &'a World,
    cluster: &'a Cluster,
    list: Vec<Finding>,
}

/// What a rule says, before it knows its cluster.
struct Verdict {
    code: Code,
    subject: Subject,
    message: String,
    remedy_text: String,
    remedy: Remedy,
}

impl Found<'_> {
    fn say(&mut self, verdict: Verdict) {
        self.list.push(Finding {
            code: verdict.code,
            cluster: self.cluster.key.clone(),
            subject: verdict.subject,
            message: verdict.message.into(),
            remedy_text: verdict.remedy_text.into(),
            remedy: verdict.remedy,
        });
    }

    fn of_cluster(&self) -> Subject {
        Subject::Cluster(self.cluster.key.name.clone())
    }

    fn postgres_version(&mut self) {
        if self.cluster.spec.extensions.is_empty() {
            return;
        }
        let major = self.world.postgres_major(self.cluster).map(|major| major.number);
        if let Some(major) = major.filter(|major| *major < 18) {
            self.say(Verdict {
                code: Code::PostgresTooOld,
                subject: self.of_cluster(),
                message: format!("PostgreSQL {major} has no extension_control_path, so the mounted extensions are never found; the operator does not say so"),
                remedy_text: "Upgrade the cluster to PostgreSQL 18 or take the entries out".to_owned(),
                remedy: Remedy::ByHand,
            });
        }
    }

    fn catalog(&mut self) {
        let status = &self.cluster.status;
        let reported = status.phase_kind() == Phase::CatalogError;
        let catalog = self.world.catalog_of(self.cluster);
        // Without the catalog the merge cannot tell.
        let ours = if self.cluster.spec.catalog.is_none() || catalog.is_some() {
            resolve(self.cluster, catalog).errors
        } else {
            Vec::new()
        };
        if !reported && ours.is_empty() {
            return;
        }
        let why = if reported && !status.phase_reason.is_empty() {
            status.phase_reason.clone()
        } else {
            ours.first().map(|(_, why)| why.clone()).unwrap_or_default()
        };
        let entry = ours.first().map(|(name, _)| name.clone());
        self.say(Verdict {
            code: Code::CatalogError,
            subject: entry.clone().map_or_else(|| self.of_cluster(), Subject::Entry),
            message: format!("The operator has halted everything for this cluster, failover included: {why}"),
            remedy_text: match &entry {
                Some(entry) => format!("Put {entry} back into the catalog, or give the entry an image reference of its own"),
                None => "Correct the catalog".to_owned(),
            },
            remedy: entry.map_or(Remedy::ByHand, Remedy::ChangeImage),
        });
    }

    fn waiting_for_promotion(&mut self) {
        if self.cluster.status.phase_kind() == Phase::WaitingForUser {
            let primary = self.cluster.status.current_primary.as_deref().unwrap_or("the primary");
            self.say(Verdict {
                code: Code::WaitingForPromotion,
                subject: self.of_cluster(),
                message: format!("The update is supervised: the replicas are done, and {primary} waits until a user promotes a standby"),
                remedy_text: "Promote an updated standby".to_owned(),
                remedy: Remedy::Promote,
            });
        }
    }

    /// The operator waits to promote a standby that does not receive WAL: [`World::standby_blocks`].
    fn promotion_blocked(&mut self) {
        let Some(block) = self.world.standby_blocks(self.cluster) else {
            return;
        };
        let names: Vec<&str> = block.silent.iter().map(|standby| standby.key.name.as_str()).collect();
        let names = names.join(", ");
        let message = if block.all {
            format!("No standby streams from the primary ({names}), so the operator waits forever before it promotes one")
        } else {
            format!("Not every standby streams from the primary ({names}): the operator waits forever if it elects one that does not")
        };
        self.say(Verdict {
            code: Code::PromotionBlocked,
            subject: self.of_cluster(),
            message,
            remedy_text: "Fix the replication first; the update then continues".to_owned(),
            remedy: Remedy::ByHand,
        });
    }

    fn shadowed(&mut self, ladder: &Ladder) {
        let shadow = ladder.rung(RungKind::Available).and_then(|rung| {
            rung.broken().find_map(|(line, fault)| match fault {
                Fault::Shadowed { by, .. } => Some((line, fault, by)),
                _ => None,
            })
        });
        let Some((line, fault, by)) = shadow else { return };
        let subject = Subject::Entry(ladder.entry.clone());
        if let Shadow::Entry(other) = by {
            // While directories are missing, either may work only through the other.
            if [&ladder.entry, other].iter().any(|entry| self.lacks_directory(entry)) {
                return;
            }
            return self.say(Verdict {
                code: Code::ShadowedByEntry,
                subject,
                message: format!("On {}, {fault}: the entry {other} comes first", line.subject),
                remedy_text: format!("Take {} or {other} out, or change their order", ladder.entry),
                remedy: Remedy::ByHand,
            });
        }
        let image = self.cluster.status.image.as_deref().unwrap_or("the operand image");
        self.say(Verdict {
            code: Code::ShadowedBySystem,
            subject,
            message: format!(
                "On {}, {fault}; {image} ships it itself, and the operator does not say so",
                line.subject
            ),
            remedy_text: "Use a minimal operand image, or take the entry out".to_owned(),
            remedy: Remedy::ByHand,
        });
    }

    fn lacks_directory(&self, name: &str) -> bool {
        let entries = self.world.entries_of(self.cluster);
        let Some(entry) = entries.iter().find(|entry| entry.name == name) else {
            return false;
        };
        let mut answers = self
            .world
            .instances_of(&self.cluster.key)
            .filter_map(|instance| self.world.answer_of(instance));
        answers.any(|answer| !answer.lacking(entry).is_empty())
    }

    fn not_installed(&mut self, ladder: &Ladder) {
        let Some(installed) = ladder.rung(RungKind::Installed) else {
            return;
        };
        for (line, fault) in installed.broken() {
            let Fault::AppliedNotInstalled { object } = fault else { continue };
            self.say(Verdict {
                code: Code::AppliedNotInstalled,
                subject: Subject::Database(object.clone()),
                message: format!("{object} says applied: true, but pg_extension does not have it ({})", line.subject),
                remedy_text:
                    "Have the operator look again, or create the extension by hand: it looks only once for each change of the object"
                        .to_owned(),
                remedy: match &line.subject {
                    LineSubject::Pair { database, extension } => Remedy::Refresh(database.clone(), extension.clone()),
                    _ => Remedy::ByHand,
                },
            });
        }
    }

    /// A view that fails is told because it fails, whatever the words are.
    fn control_files(&mut self) {
        let failed: Vec<(String, String)> = self
            .world
            .instances_of(&self.cluster.key)
            .filter_map(|instance| {
                let error = self.world.answer_of(instance)?.poison()?;
                Some((instance.key.name.clone(), error.message.clone()))
            })
            .collect();
        if let Some((name, message)) = failed.first() {
            let image = self.image_in(message).map(|image| format!(" ({image})")).unwrap_or_default();
            let remedy_text = if names_a_file(message) {
                "Use an image whose control files PostgreSQL can read"
            } else {
                "Find the entry whose control file does that, by taking one out after the other, and use another image for it"
            };
            self.say(Verdict {
                code: Code::ControlFileBroken,
                subject: Subject::Instance(name.clone()),
                message: format!(
                    "pg_available_extensions fails as a whole on {} of the instances{image}: {message}",
                    failed.len()
                ),
                remedy_text: remedy_text.to_owned(),
                remedy: Remedy::ByHand,
            });
        }
    }

    /// What is installed or asked for, and has no files.
    fn without_files(&mut self, ladders: &[Ladder]) {
        for orphan in orphans(self.world, self.cluster, ladders) {
            let name = &orphan.extension;
            let (code, remedy_text) = match &orphan.lack {
                Lack::Control(_) => (
                    Code::InstalledNotOffered,
                    format!("Mount the image that has {name} again, or drop {name} there"),
                ),
                Lack::Library(library, _) => (
                    Code::InstalledWithoutLibrary,
                    format!("Mount the image that has {library} again, or drop {name} there"),
                ),
                Lack::Offer(_) => (
                    Code::ExtensionNotOffered,
                    "Mount an image that has it, or take it out of the object".to_owned(),
                ),
            };
            self.say(Verdict {
                code,
                subject: orphan.object.clone().map_or_else(|| self.of_cluster(), Subject::Database),
                message: orphan.to_string(),
                remedy_text,
                remedy: Remedy::ByHand,
            });
        }
    }

    fn unreadable(&mut self) {
        let namespace = &self.cluster.key.namespace;
        let unreadable: Vec<_> = self
            .world
            .unreadable
            .iter()
            .filter(|((_, object), _)| object.starts_with(&format!("{namespace}/")))
            .map(|((kind, object), why)| (*kind, object.clone(), why.clone()))
            .collect();
        for (kind, object, why) in unreadable {
            self.say(Verdict {
                code: Code::UnreadableObject,
                subject: Subject::Object(kind, object.clone()),
                message: format!("The {} {object} cannot be read: {why}", kind.as_str()),
                remedy_text: "Correct the object; the others are not affected".to_owned(),
                remedy: Remedy::ByHand,
            });
        }
    }
}

#[cfg(test)]
mod tests;
