//! The paths of an instance, element by element: expected against live.

use super::PathReport;
use crate::domain::World;
use crate::domain::cluster::Cluster;
use crate::domain::instance::Instance;
use crate::domain::paths::{PathElement, PathSetting, compare, expected};
use crate::domain::probe::InstanceProbe;

/// The paths of an instance, then those of each database that has a value of its own.
pub(super) fn paths(world: &World, cluster: &Cluster, instance: &Instance) -> Vec<PathReport> {
    let entries = world.entries_of(cluster);
    let answer = world.answer_of(instance);
    let mut rows = Vec::new();
    for setting in [
        PathSetting::ExtensionControlPath,
        PathSetting::DynamicLibraryPath,
        PathSetting::LdLibraryPath,
        PathSetting::Path,
    ] {
        let name = setting.as_str();
        let wanted = expected(setting, &entries, cluster.spec.parameters.get(name).map(String::as_str));
        if wanted.is_empty() {
            continue;
        }
        let live = answer.and_then(|answer| live(setting, answer));
        report(&mut rows, setting, None, &wanted, live);
        for (database, own) in answer.into_iter().flat_map(|answer| of_databases(setting, answer)) {
            if Some(own) != live {
                report(&mut rows, setting, Some(database), &wanted, Some(own));
            }
        }
    }
    rows
}

fn report(rows: &mut Vec<PathReport>, setting: PathSetting, database: Option<&str>, wanted: &[PathElement], live: Option<&str>) {
    rows.extend(compare(wanted, live).into_iter().map(|row| PathReport {
        setting: setting.as_str(),
        database: database.map(str::to_owned),
        element: row.element.text,
        entry: row.element.entry,
        expected: row.expected,
        live: row.live,
    }));
}

/// The value of the instance as a whole.
fn live(setting: PathSetting, answer: &InstanceProbe) -> Option<&str> {
    match setting {
        PathSetting::ExtensionControlPath | PathSetting::DynamicLibraryPath => {
            let setting = answer.server.known()?.settings.get(setting.as_str())?;
            Some(&setting.value)
        }
        // The environment was read and has no such variable: that is an empty path.
        PathSetting::LdLibraryPath | PathSetting::Path => {
            let environment = answer.environment.known()?;
            Some(environment.get(setting.as_str()).map_or("", String::as_str))
        }
    }
}

/// The values that new sessions in each database have.
fn of_databases(setting: PathSetting, answer: &InstanceProbe) -> impl Iterator<Item = (&str, &str)> {
    answer.databases.iter().filter_map(move |database| {
        let value = &database.settings.known()?.get(setting.as_str())?.value;
        Some((database.database.as_str(), value.as_str()))
    })
}
