//! Edit an entry: its paths, environment, pull policy and place. What a running server does not take over is followed by a
//! restart in the same run.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::change::{ChangeKind, EntryEdit, FieldEdit};
use crate::domain::cluster::Cluster;
use crate::domain::extension::{EnvVar, ExtensionEntry};
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::request::annotation_time;
use crate::domain::{Timestamp, World};
use crate::workflow::command::Words;
use crate::workflow::form::{Field, FieldId, Form};
use crate::workflow::forms::{HIDDEN, blame_settings, choice, form, line, some, variables, words};
use crate::workflow::intent::{EditEntry, Intent, Place};
use crate::workflow::plan::{Condition, Step};
use crate::workflow::proof::MustShow;
use crate::workflow::steps::step;

pub(super) const ROW: Row = Row {
    verb: Some("edit"),
    begin,
    fill: None,
    submit: Some(submit),
};

/// Policies that Kubernetes takes; an empty one takes the field out.
const POLICIES: [&str; 4] = ["", "IfNotPresent", "Always", "Never"];
/// What is said instead of the name of an entry to come after.
const FIRST: &str = "(first)";

fn begin(chosen: &Chosen, world: &World, _now: Timestamp) -> Result<Begin, String> {
    let (cluster, entry) = (&chosen.cluster, chosen.entry.as_ref().ok_or("no entry is selected")?);
    let entries = world.clusters.get(cluster).map_or(&[][..], |there| &there.spec.extensions);
    let at = entries.iter().position(|there| there.name == *entry);
    let there = at.and_then(|at| entries.get(at));
    let there = there.ok_or_else(|| format!("the cluster itself does not list an entry {entry}"))?;
    let before = at.and_then(|at| entries.get(at.checked_sub(1)?));
    let mut form = form(format!("edit {entry} in {}", cluster.name), fields(entries, entry));
    form.set(FieldId::Name, entry);
    form.set(FieldId::ControlPaths, &there.control_paths.join(" "));
    form.set(FieldId::LibraryPaths, &there.library_paths.join(" "));
    form.set(FieldId::LdPaths, &there.ld_paths.join(" "));
    form.set(FieldId::BinPaths, &there.bin_paths.join(" "));
    let names: Vec<&str> = there.env.iter().map(|variable| variable.name.as_str()).collect();
    form.set(FieldId::Env, &names.join(" "));
    form.set(FieldId::PullPolicy, there.pull_policy.as_deref().unwrap_or_default());
    form.set(FieldId::After, before.map_or(FIRST, |before| &before.name));
    form.set(FieldId::Restart, "yes");
    form.focus = 1;
    Ok(Begin::Form(form))
}

fn fields(entries: &[ExtensionEntry], entry: &str) -> Vec<Field> {
    vec![
        choice(FieldId::Name, "entry", "the entry that is edited", vec![entry.to_owned()], false),
        line(
            FieldId::ControlPaths,
            "control path",
            "extension_control_path below the mount; empty means share, or the catalog's",
        ),
        line(
            FieldId::LibraryPaths,
            "library path",
            "dynamic_library_path below the mount; empty means lib, or the catalog's",
        ),
        line(FieldId::LdPaths, "ld path", "ld_library_path below the mount: needs a restart"),
        line(FieldId::BinPaths, "bin path", "bin_path below the mount: needs a restart"),
        line(
            FieldId::Env,
            "environment",
            "NAME=value; NAME alone keeps its value, what is not named is taken out: needs a restart",
        ),
        choice(
            FieldId::PullPolicy,
            "pull policy",
            "image.pullPolicy; empty takes it out",
            POLICIES.map(str::to_owned).to_vec(),
            false,
        ),
        choice(
            FieldId::After,
            "after",
            "the entry that it comes after",
            places(entries, entry),
            false,
        ),
        choice(
            FieldId::Restart,
            "restart",
            "restart all instances afterwards, where the edit counts from the next start only",
            vec!["yes".to_owned(), "no".to_owned()],
            false,
        ),
    ]
}

fn places(entries: &[ExtensionEntry], but: &str) -> Vec<String> {
    let others = entries.iter().map(|entry| entry.name.clone()).filter(|name| name != but);
    std::iter::once(FIRST.to_owned()).chain(others).collect()
}

fn submit(form: &mut Form, _world: &World, cluster: &Cluster, now: Timestamp) -> Intent {
    let name = form.value(FieldId::Name).trim().to_owned();
    let entries = &cluster.spec.extensions;
    let Some(at) = entries.iter().position(|there| there.name == name) else {
        form.blame(FieldId::Name, Some(format!("the cluster has no entry {name} any more")));
        return EditEntry::default().on(cluster.key.clone());
    };
    let there = entries.get(at).cloned().unwrap_or_default();
    let mut after = ExtensionEntry {
        control_paths: words(form.value(FieldId::ControlPaths)),
        library_paths: words(form.value(FieldId::LibraryPaths)),
        ld_paths: words(form.value(FieldId::LdPaths)),
        bin_paths: words(form.value(FieldId::BinPaths)),
        pull_policy: some(form.value(FieldId::PullPolicy)),
        ..there.clone()
    };
    match environment(form.value(FieldId::Env), &there.env) {
        Ok(env) => after.env = env,
        Err(why) => form.blame(FieldId::Env, Some(why)),
    }
    blame_settings(form, &after);
    let edit = EntryEdit::between(&there, &after);
    let wanted = some(form.value(FieldId::After)).unwrap_or_else(|| FIRST.to_owned());
    let is = at
        .checked_sub(1)
        .and_then(|before| entries.get(before))
        .map_or(FIRST, |before| &before.name);
    let place = (wanted != is).then(|| if wanted == FIRST { Place::First } else { Place::After(wanted) });
    if edit.is_empty() && place.is_none() {
        form.blame(FieldId::ControlPaths, Some("nothing is changed".to_owned()));
    }
    let restart = (edit.needs_restart() && form.value(FieldId::Restart).trim() != "no").then_some(now);
    EditEntry { edit, place, restart }.on(cluster.key.clone())
}

/// A name without a value keeps the one that it has: values are not shown.
fn environment(text: &str, before: &[EnvVar]) -> Result<Vec<EnvVar>, String> {
    let mut env = Vec::new();
    for word in words(text) {
        let (name, value) = word.split_once('=').unwrap_or((&word, HIDDEN));
        match before.iter().find(|variable| variable.name == name && value == HIDDEN) {
            Some(variable) => env.push(variable.clone()),
            None => env.extend(variables(&word)?),
        }
    }
    Ok(env)
}

impl Guided for EditEntry {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("edit {}", self.edit.entry)
    }

    fn words(&self, values: Values) -> Words {
        let edit = &self.edit;
        let mut words = Words::default().name(&edit.entry);
        for (field, paths) in [
            ("control-path", &edit.control_paths),
            ("library-path", &edit.library_paths),
            ("ld-path", &edit.ld_paths),
            ("bin-path", &edit.bin_paths),
        ] {
            words = match paths {
                Some(paths) if paths.is_empty() => words.option("--clear", field),
                Some(paths) => words.options(&format!("--{field}"), paths),
                None => words,
            };
        }
        words = words.variables(&edit.env.set, values).options("--unset-env", &edit.env.unset);
        words = match &edit.pull_policy {
            FieldEdit::Keep => words,
            FieldEdit::Set(policy) => words.option("--pull-policy", policy),
            FieldEdit::Clear => words.option("--clear", "pull-policy"),
        };
        words = match &self.place {
            Some(Place::First) => words.flag("--first"),
            Some(Place::After(entry)) => words.option("--after", entry),
            None => words,
        };
        if edit.needs_restart() && self.restart.is_none() {
            words.flag("--no-restart")
        } else {
            words
        }
    }

    fn steps(&self, cluster: &ClusterKey, _world: &World) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.edit.is_empty() {
            let until = if self.edit.pull_policy == FieldEdit::Keep {
                Condition::Resolved(cluster.clone())
            } else {
                Condition::RolloutComplete(cluster.clone())
            };
            steps.push(step(ChangeKind::EditEntry { edit: self.edit.clone() }.on(cluster.clone()), until));
        }
        if let Some(place) = &self.place {
            let change = ChangeKind::MoveEntry {
                entry: self.edit.entry.clone(),
                after: match place {
                    Place::First => None,
                    Place::After(name) => Some(name.clone()),
                },
            };
            steps.push(step(change.on(cluster.clone()), Condition::Resolved(cluster.clone())));
        }
        if let Some(at) = self.restart {
            steps.push(step(
                ChangeKind::RestartCluster { at }.on(cluster.clone()),
                Condition::Restarted(cluster.clone(), annotation_time(at)),
            ));
        }
        steps
    }

    /// Nothing is loaded before the restart that was not asked for.
    fn is_proved(&self) -> bool {
        !self.edit.is_empty() && (self.restart.is_some() || !self.edit.needs_restart())
    }

    /// Paths and environment are as the operator resolved them on every instance, read in the running server.
    fn must_show(&self, _cluster: &Cluster, _world: &World) -> MustShow {
        MustShow {
            entry: Some(self.edit.entry.clone()),
            ..MustShow::default()
        }
    }
}
