//! The rule about libraries that a setting or a replication slot names, and that are nowhere.

use std::collections::{BTreeMap, BTreeSet};

use super::{Code, Found, Remedy, Verdict};
use crate::domain::probe::InstanceProbe;
use crate::domain::requirements::{Sighting, sighting};

/// Settings whose libraries PostgreSQL looks for on `dynamic_library_path`, and what fails without them. Those of
/// `local_preload_libraries` are looked for in `$libdir/plugins`, whose files are not listed.
const SETTINGS: [(&str, &str); 3] = [
    ("session_preload_libraries", "new sessions fail"),
    ("archive_library", "no WAL is archived"),
    ("oauth_validator_libraries", "nobody can log in by OAuth"),
];

/// Who names a library, and what fails without it.
type Named = BTreeMap<(String, String, &'static str), BTreeSet<String>>;

impl Found<'_> {
    /// Only where the files were listed.
    pub(super) fn named_libraries(&mut self) {
        let mut named = Named::new();
        for instance in self.world.instances_of(&self.cluster.key) {
            let Some(answer) = self.world.answer_of(instance) else { continue };
            for (who, library, fails) in names(answer) {
                named.entry((library, who, fails)).or_default().insert(instance.key.name.clone());
            }
        }
        for ((library, who, fails), by) in named {
            let Sighting::Missing(without) = sighting(self.world, self.cluster, &library) else {
                continue;
            };
            let without: Vec<&str> = without.iter().map(String::as_str).filter(|name| by.contains(*name)).collect();
            if without.is_empty() {
                continue;
            }
            self.say(Verdict {
                code: Code::NamedLibraryMissing,
                subject: self.of_cluster(),
                message: format!("{who} names {library}, which was not found in {}: {fails}", without.join(", ")),
                remedy_text: format!("Add the entry that has {library}, or take it out there"),
                remedy: Remedy::ByHand,
            });
        }
    }
}

/// The libraries that settings and replication slots of an instance name.
fn names(answer: &InstanceProbe) -> Vec<(String, String, &'static str)> {
    let mut named = Vec::new();
    let server = answer.server.known();
    for (setting, fails) in SETTINGS {
        let of_server = server
            .and_then(|server| server.settings.get(setting))
            .map(|set| (setting.to_owned(), set));
        let of_databases = answer.databases.iter().filter_map(|database| {
            let set = database.settings.known()?.get(setting)?;
            (set.source == "database").then(|| (format!("{setting} of database {}", database.database), set))
        });
        for (who, set) in of_server.into_iter().chain(of_databases) {
            let libraries = set
                .value
                .split(',')
                .map(|name| name.trim().trim_matches('"'))
                .filter(|name| !name.is_empty());
            named.extend(libraries.map(|library| (who.clone(), library.to_owned(), fails)));
        }
    }
    let slots = server.into_iter().flat_map(|server| &server.plugins);
    named.extend(slots.map(|(slot, plugin)| {
        (
            format!("the replication slot {slot}"),
            plugin.clone(),
            "its changes cannot be decoded",
        )
    }));
    named
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]

    use crate::domain::evidence::ladders;
    use crate::domain::finding::Code;
    use crate::domain::findings::findings;
    use crate::domain::fixture;

    fn told(edit: impl Fn(&mut crate::domain::probe::InstanceProbe)) -> Vec<String> {
        let mut world = fixture::world();
        fixture::change_probe(&mut world, "orders-2", edit);
        let cluster = &world.clusters[&fixture::cluster_key()];
        let found = findings(&world, cluster, &ladders(&world, cluster));
        let of_rule = found.iter().filter(|finding| finding.code == Code::NamedLibraryMissing);
        of_rule.map(|finding| finding.message.for_people().to_owned()).collect()
    }

    #[test]
    fn whatever_names_a_library_is_told_with_what_fails() {
        let set = |name: &'static str, value: &'static str| {
            move |probe: &mut crate::domain::probe::InstanceProbe| {
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
            "it is not looked for on the path"
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
}
