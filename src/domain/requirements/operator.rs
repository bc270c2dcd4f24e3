//! Checks of the operator: what its release knows of extension entries (CloudNativePG release notes 1.27.0, 1.28.2, 1.29.0).

use super::{CheckCode, CheckResult, CheckSubject, Checks};
use crate::domain::era::Era;

impl Checks<'_> {
    pub(super) fn operator(&mut self) {
        let mark = self.world.operator_of(&self.cluster.key).map(str::to_owned);
        let known = mark.and_then(|mark| Some((Era::of_version(&mark)?, mark)));
        let Some((era, version)) = known else {
            let why = "no instance shows the operator's version";
            return self.say(CheckCode::OperatorVersion, CheckResult::Unknown, self.of_cluster(), why, None);
        };
        let (result, evidence, hint) = match era {
            Era::None => (
                CheckResult::Fail,
                format!("CloudNativePG {version} does not know image volume extensions"),
                Some("upgrade the operator to 1.27 or later"),
            ),
            _ => (CheckResult::Pass, format!("CloudNativePG {version}: {}", era.means()), None),
        };
        self.say(CheckCode::OperatorVersion, result, self.of_cluster(), evidence, hint);
        if era != Era::None {
            self.catalogs(era, &version);
            self.fields(era, &version);
        }
    }

    fn catalogs(&mut self, era: Era, version: &str) {
        if self.cluster.spec.catalog.is_none() {
            return;
        }
        let entries = &self.cluster.spec.extensions;
        let without: Vec<String> = entries
            .iter()
            .filter(|entry| era < Era::Catalogs && entry.reference.is_none())
            .map(|entry| entry.name.clone())
            .collect();
        if without.is_empty() {
            let evidence = "every entry has an image";
            return self.say(CheckCode::CatalogSupport, CheckResult::Pass, self.of_cluster(), evidence, None);
        }
        for name in without {
            let evidence = format!("{name} has no image of its own, and CloudNativePG {version} takes none from a catalog");
            let hint = Some("give the entry a reference, or upgrade the operator to 1.29");
            self.say(
                CheckCode::CatalogSupport,
                CheckResult::Fail,
                CheckSubject::Entry(name),
                evidence,
                hint,
            );
        }
    }

    /// Fields that an older operator accepts and ignores, or does not know at all: the API server prunes them then.
    fn fields(&mut self, era: Era, version: &str) {
        let entries = self.cluster.spec.extensions.iter();
        let with: Vec<String> = entries
            .filter(|entry| !entry.bin_paths.is_empty() || !entry.env.is_empty())
            .map(|entry| entry.name.clone())
            .collect();
        for name in with {
            let (result, evidence) = match era {
                Era::Catalogs => (
                    CheckResult::Pass,
                    format!("CloudNativePG {version} uses bin_path and env of {name}"),
                ),
                Era::Prefixed => (
                    CheckResult::Warn,
                    format!("CloudNativePG {version} accepts bin_path and env of {name} and ignores them"),
                ),
                _ => (
                    CheckResult::Fail,
                    format!("CloudNativePG {version} does not know bin_path and env of {name}"),
                ),
            };
            let hint = (era != Era::Catalogs).then_some("upgrade the operator to 1.29");
            self.say(CheckCode::EntryFields, result, CheckSubject::Entry(name), evidence, hint);
        }
    }
}
