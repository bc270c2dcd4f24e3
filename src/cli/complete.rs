//! Names for the completion of a shell: contexts of the kubeconfig, namespaces and clusters of the target that the line so
//! far means. Never slow, and silent on failure.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::CommandFactory as _;
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, CompletionCandidate};

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::Cli;
use crate::app::model::Asks;
use crate::backend::{Access, DatabaseAccess};
use crate::config::{ConfigFile, Directories, NamespaceChoice, Place, Settings};
use crate::domain::World;
use crate::domain::finding::Code;
use crate::domain::ids::ClusterKey;
use crate::domain::shell::is_plain;
use crate::runtime::{self, Connect};

/// No user waits longer for a name.
const LIMIT: Duration = Duration::from_secs(1);
/// The variable by which the scripts of the shells ask.
const VARIABLE: &str = "EXTOP_COMPLETE";
/// The variable of scripts that were installed before it had a name of extop's own. Many programs know it.
const OLD_VARIABLE: &str = "COMPLETE";

/// Answers the script of a shell, if one asks; it puts `--` before the line that is completed. What goes wrong is not
/// printed: it would appear in the line that the user types. A script that asks by the old variable gets no names.
pub(super) fn answer(arguments: &[OsString]) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if arguments.get(1).is_none_or(|argument| argument != "--") {
        return false;
    }
    if !is_set(VARIABLE) {
        return is_set(OLD_VARIABLE);
    }
    let folder = std::env::current_dir().ok();
    let completed = CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .try_complete(arguments.to_vec(), folder.as_deref());
    !matches!(completed, Ok(false))
}

/// Contexts that begin so.
pub(super) fn contexts(begun: &OsStr) -> Vec<CompletionCandidate> {
    let line = Line::of_process();
    candidates(begun, within(async move { line.connect()?.contexts().await.ok() }))
}

/// Namespaces that begin so.
pub(super) fn namespaces(begun: &OsStr) -> Vec<CompletionCandidate> {
    let line = Line::of_process();
    let names = within(async move {
        let connection = line.connect()?.open(line.settings.place.clone()).await.ok()?;
        Some(connection.observe.namespaces().await)
    });
    candidates(begun, names)
}

/// Clusters that begin so.
pub(super) fn clusters(begun: &OsStr) -> Vec<CompletionCandidate> {
    let line = Line::of_process();
    let names = within(async move {
        let mut headless = Headless::open(&line.settings, line.connect()?).await.ok()?;
        headless.listed().await;
        let all = line.settings.place.namespace == NamespaceChoice::All;
        let keys = headless.clusters(None).ok()?;
        Some(keys.into_iter().map(|key| if all { key.to_string() } else { key.name }).collect())
    });
    candidates(begun, names)
}

/// Mount names of the entries of the cluster that the line names, else of all in view.
pub(super) fn entries(begun: &OsStr) -> Vec<CompletionCandidate> {
    let names = of_clusters(|world, cluster| {
        let there = world.clusters.get(cluster);
        let entries = there.into_iter().flat_map(|there| &there.spec.extensions);
        entries.map(|entry| entry.name.clone()).collect()
    });
    candidates(begun, names)
}

/// Instances of the cluster that the line names, else of all in view.
pub(super) fn instances(begun: &OsStr) -> Vec<CompletionCandidate> {
    let names = of_clusters(|world, cluster| {
        let instances = world.instances_of(cluster);
        instances.map(|instance| instance.key.name.clone()).collect()
    });
    candidates(begun, names)
}

/// Names that belong to the cluster that is a word of the line, else to all in view.
fn of_clusters(names: impl Fn(&World, &ClusterKey) -> Vec<String>) -> Option<Vec<String>> {
    let line = Line::of_process();
    let words: Vec<String> = std::env::args().collect();
    within(async move {
        let mut headless = Headless::open(&line.settings, line.connect()?).await.ok()?;
        headless.settle(Asks::Runs).await.ok()?;
        let world = &headless.session().ok()?.world;
        let is_named = |key: &&ClusterKey| words.iter().any(|word| *word == key.name || *word == key.to_string());
        let chosen: Vec<&ClusterKey> = world.clusters.keys().filter(is_named).collect();
        let meant = if chosen.is_empty() {
            world.clusters.keys().collect()
        } else {
            chosen
        };
        let mut found: Vec<String> = meant.into_iter().flat_map(|key| names(world, key)).collect();
        found.sort();
        found.dedup();
        Some(found)
    })
}

/// Runs that were left unfinished and begin so.
pub(super) fn runs(begun: &OsStr) -> Vec<CompletionCandidate> {
    let line = Line::of_process();
    let names = within(async move {
        let mut headless = Headless::open(&line.settings, line.connect()?).await.ok()?;
        headless.listed().await;
        let unfinished = &headless.session().ok()?.unfinished;
        Some(unfinished.iter().map(|kept| kept.id.0.clone()).collect())
    });
    candidates(begun, names)
}

/// Codes of findings, after those of a list that are there already.
pub(super) fn codes(begun: &OsStr) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let before = begun.rsplit_once(',').map_or(String::new(), |(before, _)| format!("{before},"));
    let names = Code::ALL.iter().map(|code| format!("{before}{}", code.as_str())).collect();
    candidates(OsStr::new(&*begun), Some(names))
}

/// Prints the script that a shell reads once.
pub(super) fn script(shell: &str, out: &mut dyn std::io::Write) -> Result<Exit, Failure> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(shell)
        .ok_or_else(|| Failure::new(Exit::Usage, format!("unknown shell '{shell}'")))?;
    completer.write_registration(VARIABLE, "extop", "extop", "extop", out)?;
    Ok(Exit::Done)
}

/// Names that begin so. bash puts a candidate into the line without quotes, so only names that need none are offered.
fn candidates(begun: &OsStr, names: Option<Vec<String>>) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let names = names.unwrap_or_default().into_iter();
    names
        .filter(|name| name.starts_with(&*begun) && is_plain(name) && !name.starts_with('-'))
        .map(CompletionCandidate::new)
        .collect()
}

fn within<T>(names: impl Future<Output = Option<T>>) -> Option<T> {
    runtime::block_on(async { tokio::time::timeout(LIMIT, names).await.ok().flatten() })
        .ok()
        .flatten()
}

/// What the line so far says of the target.
struct Line {
    settings: Settings,
    demo: bool,
    scenario: Option<String>,
}

impl Line {
    fn of_process() -> Self {
        let file = Directories::of_user()
            .ok()
            .and_then(|directories| ConfigFile::read(&directories.config_file()).ok())
            .unwrap_or_default();
        let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::new(words, &file, variable)
    }

    fn new(words: impl Iterator<Item = String>, file: &ConfigFile, variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut context = variable("EXTOP_CONTEXT").or_else(|| file.context.as_ref().map(|placed| placed.value.clone()));
        let mut namespace = variable("EXTOP_NAMESPACE").or_else(|| file.namespace.as_ref().map(|placed| placed.value.clone()));
        let (mut kubeconfig, mut demo, mut scenario) = (None, false, None);
        // Before `--` is how the shell calls; after it the line that is completed.
        let mut words = words.skip_while(|word| word != "--").skip(1);
        while let Some(word) = words.next() {
            let (option, joined) = match word.split_once('=') {
                Some((option, value)) => (option.to_owned(), Some(value.to_owned())),
                None => (word, None),
            };
            match option.as_str() {
                "--context" => context = joined.or_else(|| words.next()),
                "-n" | "--namespace" => namespace = joined.or_else(|| words.next()),
                "--kubeconfig" => kubeconfig = joined.or_else(|| words.next()),
                "--scenario" => scenario = joined.or_else(|| words.next()),
                "-A" | "--all-namespaces" => namespace = Some("*".to_owned()),
                "demo" => demo = true,
                _ => {}
            }
        }
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let namespace = match filled(namespace) {
            Some(all) if all == "*" => NamespaceChoice::All,
            Some(name) => NamespaceChoice::Named(name),
            None => NamespaceChoice::OfContext,
        };
        let settings = Settings {
            place: Place {
                context: filled(context),
                namespace,
            },
            kubeconfig: filled(kubeconfig).map(PathBuf::from),
            request_timeout: LIMIT,
            database: DatabaseAccess::Off,
            access: Access::ReadOnly,
            ..Settings::default()
        };
        Self {
            settings,
            demo,
            scenario: filled(scenario),
        }
    }

    fn connect(&self) -> Option<Arc<dyn Connect>> {
        if self.demo {
            runtime::demo(&self.settings, self.scenario.as_deref()).ok()
        } else {
            // A person who types a word is not asked for another.
            Some(runtime::live_command(&self.settings, false))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &str) -> Line {
        let words = words.split(' ').map(str::to_owned);
        Line::new(words, &ConfigFile::default(), |_| None)
    }

    #[test]
    fn the_line_so_far_says_which_target_is_meant() {
        let line = line("extop -- extop --context=prod status -n shop or");
        assert_eq!(line.settings.place.context.as_deref(), Some("prod"));
        assert_eq!(line.settings.place.namespace, NamespaceChoice::Named("shop".to_owned()));
        assert!(!line.demo);
    }

    #[test]
    fn a_value_that_is_being_typed_means_nothing_yet() {
        let line = line("extop -- extop status -n ");
        assert_eq!(line.settings.place.namespace, NamespaceChoice::OfContext);
    }

    // E11: bash puts a candidate into the line as it is.
    #[test]
    fn a_name_that_a_shell_would_not_take_as_it_is_is_not_offered() {
        let names = [
            "team/prod@eu",
            "arn:aws:eks:eu-west-1:1:cluster/x",
            "$(touch pwned)",
            "a;touch pwned",
            "two words",
            "-x",
        ];
        let offered = candidates(OsStr::new(""), Some(names.map(str::to_owned).to_vec()));
        let values: Vec<&OsStr> = offered.iter().map(CompletionCandidate::get_value).collect();
        assert_eq!(values, names[..2]);
    }

    #[test]
    fn every_shell_has_a_script() {
        for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
            let mut out = Vec::new();
            assert_eq!(script(shell, &mut out), Ok(Exit::Done));
            assert!(String::from_utf8(out).unwrap().contains("extop"), "{shell}");
        }
    }
}
