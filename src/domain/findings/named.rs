//! The rule about libraries that a setting or a replication slot names, and that are nowhere.

use std::collections::{BTreeMap, BTreeSet};

use super::{Code, Found, Remedy, Verdict};
use crate::domain::classify::{Failure, classify};
use crate::domain::removal::{Named, loads};
use crate::domain::requirements::{Sighting, sighting};

impl Found<'_> {
    /// Only where the files were listed, or PostgreSQL itself says so.
    pub(super) fn named_libraries(&mut self) {
        self.refused_sessions();
        let mut named: BTreeMap<Named, BTreeSet<String>> = BTreeMap::new();
        for instance in self.world.instances_of(&self.cluster.key) {
            for one in self.world.answer_of(instance).map(loads).unwrap_or_default() {
                named.entry(one).or_default().insert(instance.key.name.clone());
            }
        }
        for ((library, who, fails), by) in named {
            let Sighting::Missing(without) = sighting(self.world, self.cluster, &library) else {
                continue;
            };
            let without: Vec<&str> = without.iter().map(String::as_str).filter(|name| by.contains(*name)).collect();
            if !without.is_empty() {
                let message = format!("{who} names {library}, which was not found in {}: {fails}", without.join(", "));
                self.named(message, format!("Add the entry that has {library}, or take it out there"));
            }
        }
    }

    /// What every session loads is nowhere, so that PostgreSQL refuses them all, and nothing else can be read.
    fn refused_sessions(&mut self) {
        let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for instance in self.world.instances_of(&self.cluster.key).filter(|instance| instance.is_up()) {
            let failure = self.world.failure_of(instance).and_then(|failure| classify(&failure.because));
            if let Some(Failure::LibraryMissing { library }) = failure {
                refused.entry(library).or_default().push(instance.key.name.clone());
            }
        }
        for (library, names) in refused {
            self.named(
                format!("Every new session fails in {}: PostgreSQL could not access file \"{library}\"", names.join(", ")),
                format!(
                    "Add the entry that has {library}, or take it out of session_preload_libraries in spec.postgresql.parameters, or where else it is set"
                ),
            );
        }
    }

    fn named(&mut self, message: String, remedy_text: String) {
        self.say(Verdict {
            code: Code::NamedLibraryMissing,
            subject: self.of_cluster(),
            message,
            remedy_text,
            remedy: Remedy::ByHand,
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]

    use crate::domain::evidence::ladders;
    use crate::domain::finding::Code;
    use crate::domain::findings::findings;
    use crate::domain::fixture;
    use crate::domain::ids::PodKey;
    use crate::domain::probe::{Fact, InstanceProbe, Override, ProbeFailure};
    use crate::domain::{Observation, World};

    fn told_of(world: &World) -> Vec<String> {
        let cluster = &world.clusters[&fixture::cluster_key()];
        let found = findings(world, cluster, &ladders(world, cluster));
        let of_rule = found.iter().filter(|finding| finding.code == Code::NamedLibraryMissing);
        of_rule.map(|finding| finding.message.for_people().to_owned()).collect()
    }

    fn told(edit: impl Fn(&mut InstanceProbe)) -> Vec<String> {
        let mut world = fixture::world();
        fixture::change_probe(&mut world, "orders-2", edit);
        told_of(&world)
    }

    #[test]
    fn whatever_names_a_library_is_told_with_what_fails() {
        let set = |name: &'static str, value: &'static str| {
            move |probe: &mut InstanceProbe| {
                fixture::server(probe).settings.insert(name.to_owned(), fixture::setting(value));
            }
        };
        assert_eq!(
            told(set("archive_library", "shipper")),
            ["archive_library names shipper, which was not found in orders-2: no WAL is archived"]
        );
        assert_eq!(told(set("oauth_validator_libraries", "vector")), [""; 0], "it is there");
        assert_eq!(
            told(set("local_preload_libraries", "shipper")),
            [""; 0],
            "its directory is not listed"
        );
        assert_eq!(
            told(set("session_preload_libraries", "/opt/shipper")),
            [""; 0],
            "it is not on the path"
        );
        let slot = told(|probe| {
            let plugin = ("audit".to_owned(), "wal2nothing".to_owned());
            fixture::server(probe).plugins.extend([plugin]);
        });
        assert_eq!(
            slot,
            ["the replication slot audit names wal2nothing, which was not found in orders-2: its changes cannot be decoded"]
        );
    }

    #[test]
    fn what_sessions_of_one_role_load_is_told_with_the_statement_that_set_it() {
        let of_role = told(|probe| {
            probe.overrides = Fact::Known(vec![Override {
                database: None,
                role: Some("auditor".to_owned()),
                name: "session_preload_libraries".to_owned(),
                value: "vector, shipper".to_owned(),
            }]);
        });
        assert_eq!(
            of_role,
            ["ALTER ROLE auditor SET session_preload_libraries names shipper, which was not found in orders-2: new sessions fail"]
        );
    }

    #[test]
    fn a_library_that_every_session_misses_is_told_by_the_refusal() {
        let of = |because: &str| {
            let mut world = fixture::world();
            let failure = ProbeFailure {
                pod: PodKey::new("shop", "orders-2"),
                uid: "orders-2-uid".to_owned(),
                at: fixture::now(),
                because: because.to_owned(),
                missing: Vec::new(),
            };
            world.apply(Observation::ProbeFailed(failure), fixture::now());
            told_of(&world)
        };
        let words = r#"exec: PostgreSQL in orders-2 refuses psql: could not access file "shipper": No such file or directory"#;
        assert_eq!(
            of(words),
            [r#"Every new session fails in orders-2: PostgreSQL could not access file "shipper""#]
        );
        assert_eq!(of("you may not create pods/exec in shop"), [""; 0]);
    }
}
