//! The command line as clap reads it.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;

use super::complete;
use super::verbs::Guided;
use super::version;
use crate::backend::DatabaseAccess;
use crate::config::{ConfigFile, Settings, duration};
use crate::domain::findings::ignored::Ignored;
use crate::domain::hidden::Values;
use crate::domain::ladder::RungKind;

const EXIT_CODES: &str = "Exit codes: 0 holds or done · 1 broken or blocked · 2 usage · 3 unreachable · 4 timeout · \
5 refused, or a confirmation is missing · 6 unknown: a permission or a source is missing · 128 + n ended by signal n (watch: 0 on SIGINT)";

/// Heading of the options that say what to do with a plan.
const PLAN: &str = "Plan";

/// A console for the image volume extensions of CloudNativePG.
///
/// Without a command it opens the console on the current context.
#[derive(Debug, Parser)]
#[command(name = "extop", version = version::text(), after_help = EXIT_CODES, max_term_width = 110, subcommand_required = false)]
pub struct Cli {
    /// What counts for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command; without one the console is opened.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Context of the kubeconfig
    #[arg(long, global = true, env = "EXTOP_CONTEXT", value_name = "CONTEXT", hide_env_values = true, add = ArgValueCompleter::new(complete::contexts))]
    pub context: Option<String>,
    /// Kubeconfig file [default: KUBECONFIG, else ~/.kube/config, else the pod's service account]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Namespace [default: that of the context]
    #[arg(
        short,
        long,
        global = true,
        env = "EXTOP_NAMESPACE",
        value_name = "NAMESPACE",
        hide_env_values = true,
        add = ArgValueCompleter::new(complete::namespaces)
    )]
    pub namespace: Option<String>,
    /// All namespaces, whatever -n says
    #[arg(short = 'A', long, global = true)]
    pub all_namespaces: bool,
    /// Time limit of one request, like 10s or 1m
    #[arg(long, global = true, env = "EXTOP_REQUEST_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = duration::parse, hide_env_values = true)]
    pub request_timeout: Duration,
    /// How PostgreSQL may be reached
    #[arg(
        long,
        global = true,
        env = "EXTOP_DB",
        value_name = "ROUTE",
        value_enum,
        default_value_t,
        hide_env_values = true
    )]
    pub db: Db,
    /// Refuse all writes
    #[arg(long, global = true, env = "EXTOP_READ_ONLY", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), hide_env_values = true)]
    pub read_only: bool,
    /// Theme: a built-in one, one of the configuration directory, or a file
    #[arg(long, global = true, env = "EXTOP_THEME", value_name = "THEME", hide_env_values = true)]
    pub theme: Option<String>,
    /// Log file [default: extop.log in the state directory, for the console]
    #[arg(long, global = true, env = "EXTOP_LOG_FILE", value_name = "FILE", hide_env_values = true)]
    pub log_file: Option<PathBuf>,
    /// Level of the log: off, error, warn, info, debug, trace
    #[arg(
        long,
        global = true,
        env = "EXTOP_LOG",
        value_name = "LEVEL",
        default_value = "info",
        hide_env_values = true
    )]
    pub log_level: tracing::level_filters::LevelFilter,
}

/// `--db`.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Db {
    /// Every way, best first: tunnel as superuser, exec, tunnel as application owner, metrics
    #[default]
    Auto,
    /// Only through a port-forward
    Tunnel,
    /// Only psql in the pod
    Exec,
    /// Not at all
    Off,
}

/// `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// Text for people
    #[default]
    Table,
    /// The same with more columns
    Wide,
    /// The documented JSON document
    Json,
    /// The same document as YAML
    Yaml,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show how far each extension entry got, and where the chain breaks
    Status(Status),
    /// List extension entries, with their images and rungs
    Ext(Query),
    /// List the elements of the effective paths: expected against live
    Paths(Query),
    /// List findings, worst first
    Findings(Findings),
    /// Check what the extensions need: versions, nodes, images, permissions
    Doctor(Doctor),
    /// Print every change as a line of JSON, until it is interrupted
    Watch(Watch),
    /// Wait until a rung of an entry holds
    Wait(Wait),
    /// The verbs that write.
    #[command(flatten)]
    Guided(Guided),
    /// Put back what an unfinished run wrote, as far as it is as the run left it
    PutBack(PutBack),
    /// Runs that were left unfinished: list, continue, abandon
    #[command(subcommand)]
    Runs(Runs),
    /// The same console on a simulated cluster: nothing to install, nothing to break
    Demo(Demo),
    /// Versions, files, settings with their origin, permissions, and what is known of the target
    Info(Info),
    /// Print the JSON schema of a document
    Schema(Schema),
    /// Print a completion script for a shell
    Completion(Completion),
    /// Print the manual page
    Man,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Which, and how they are printed
    #[command(flatten)]
    pub query: Query,
    /// Check what an upgrade to this major version of PostgreSQL needs instead
    #[arg(long, value_name = "MAJOR", value_parser = clap::value_parser!(u32).range(14..100))]
    pub for_major: Option<u32>,
    /// Check what a minimal operand image would take away instead
    #[arg(long)]
    pub for_minimal: bool,
}

/// `ext`, `paths`.
#[derive(Debug, Args)]
pub struct Query {
    /// Cluster, as NAME or NAMESPACE/NAME; all in view without it
    #[arg(add = ArgValueCompleter::new(complete::clusters))]
    pub cluster: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

/// `findings`.
#[derive(Debug, Args)]
pub struct Findings {
    /// Which, and how they are printed
    #[command(flatten)]
    pub query: Query,
    /// Exit with 1 when there is a finding at least so severe
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    pub fail_on: FailOn,
    /// Leave out these findings and count them: CODE, or CODE=SUBJECT as findings print it; may be repeated.
    /// Goes over `ignore` of the configuration file, and '' ignores nothing
    #[arg(long, value_name = "CODE[=SUBJECT]", value_parser = ignored, add = ArgValueCompleter::new(complete::codes))]
    pub ignore: Option<Vec<Ignoring>>,
}

/// What one `--ignore` says.
#[derive(Debug, Clone)]
pub struct Ignoring(pub Vec<Ignored>);

fn ignored(text: &str) -> Result<Ignoring, String> {
    crate::config::ignore::parse_list(text).map(Ignoring)
}

impl Findings {
    /// What is not told: what the flags say, else the configuration file.
    pub(super) fn ignored(&self, configured: &[Ignored]) -> Vec<Ignored> {
        match &self.ignore {
            Some(given) => given.iter().flat_map(|Ignoring(list)| list.clone()).collect(),
            None => configured.to_vec(),
        }
    }
}

/// `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum FailOn {
    /// Something does not work
    #[default]
    Error,
    /// Something will not work, or waits for a person
    Warning,
    /// Anything at all
    Info,
    /// Never
    Never,
}

/// `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// Cluster, as NAME or NAMESPACE/NAME; all in view without it
    #[arg(add = ArgValueCompleter::new(complete::clusters))]
    pub cluster: Option<String>,
    /// End after so long
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub timeout: Option<Duration>,
}

/// `schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// Document
    #[arg(value_enum)]
    pub document: Document,
}

/// Documents with a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// Of `status`
    Status,
    /// Of `ext`
    Ext,
    /// Of `paths`
    Paths,
    /// Of `findings`
    Findings,
    /// Of `doctor`
    Doctor,
    /// Of one line of `watch`
    Watch,
    /// Of `info`
    Info,
    /// Of every verb that writes: its plan, and how its run went
    Run,
    /// Of `runs list`
    Runs,
    /// Of the configuration file
    Config,
}

/// `completion`.
#[derive(Debug, Args)]
pub struct Completion {
    /// Shell
    #[arg(value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    pub shell: String,
}

/// `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Cluster, as NAME or NAMESPACE/NAME; all in view without it
    #[arg(add = ArgValueCompleter::new(complete::clusters))]
    pub cluster: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

/// `wait`.
#[derive(Debug, Args)]
pub struct Wait {
    /// Cluster, as NAME or NAMESPACE/NAME
    #[arg(add = ArgValueCompleter::new(complete::clusters))]
    pub cluster: String,
    /// Extension entry, by its mount name
    pub entry: String,
    /// Rung that must hold, with all before it: declared, resolved, mounted, on-path, available, preloaded, requested, installed, at-version
    #[arg(long = "for", value_name = "RUNG")]
    pub rung: RungKind,
    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration::parse)]
    pub timeout: Duration,
}

/// The cluster of a guided action, and what to do with its plan.
#[derive(Debug, Args)]
pub struct OfCluster {
    /// Cluster, as NAME or NAMESPACE/NAME
    #[arg(add = ArgValueCompleter::new(complete::clusters))]
    pub cluster: String,
    /// What to do with the plan.
    #[command(flatten)]
    pub consent: Consent,
}

/// What to do with the plan of a guided action.
#[derive(Debug, Args)]
pub struct Consent {
    /// What to do with the plan; without it the plan is shown and nothing is confirmed
    #[command(flatten)]
    pub go: Go,
    /// Confirm that writes to this cluster are interrupted while its primary restarts
    #[arg(long, help_heading = PLAN, value_name = "CLUSTER", requires = "yes")]
    pub confirm: Option<String>,
    /// Confirm the plan of this digest, after another user has changed what the confirmed plan touches
    #[arg(long, help_heading = PLAN, value_name = "DIGEST", requires = "yes")]
    pub accept_change: Option<String>,
    /// Go through all steps and wait for the proof; without it the command ends after the first write
    #[arg(long, help_heading = PLAN, requires = "yes")]
    pub wait: bool,
    /// Show the values of environment variables of entries, which are hidden without it
    #[arg(long, help_heading = PLAN)]
    pub show_env: bool,
    /// Output format of the plan, and of how its run went
    #[arg(short, long, help_heading = PLAN, value_enum, default_value_t)]
    pub output: Output,
    /// How long to wait
    #[arg(long, help_heading = PLAN, value_name = "DURATION", default_value = "30m", value_parser = duration::parse)]
    pub timeout: Duration,
}

impl Consent {
    /// Whether values of environment variables are shown.
    pub(super) fn values(&self) -> Values {
        if self.show_env { Values::Shown } else { Values::Hidden }
    }
}

/// `put-back`.
#[derive(Debug, Args)]
pub struct PutBack {
    /// Run, or cluster: the last unfinished run that wrote there
    #[arg(value_name = "RUN|CLUSTER", add = ArgValueCompleter::new(complete::runs))]
    pub what: String,
    /// What to do with the plan.
    #[command(flatten)]
    pub consent: Consent,
}

/// `runs`.
#[derive(Debug, Subcommand)]
pub enum Runs {
    /// List the runs of the target that were left unfinished
    List(ListRuns),
    /// Continue a run that was left unfinished
    Continue(ContinueRun),
    /// Abandon a run that was left unfinished; what it has written stays
    Abandon(AbandonRun),
}

/// `runs list`.
#[derive(Debug, Args)]
pub struct ListRuns {
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

/// `runs continue`.
#[derive(Debug, Args)]
pub struct ContinueRun {
    /// Run
    #[arg(add = ArgValueCompleter::new(complete::runs))]
    pub run: String,
    /// What to do with what is left of the plan.
    #[command(flatten)]
    pub consent: Consent,
}

/// `runs abandon`.
#[derive(Debug, Args)]
pub struct AbandonRun {
    /// Run
    #[arg(add = ArgValueCompleter::new(complete::runs))]
    pub run: String,
    /// Output format of how it went
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

/// How far a guided action goes.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Go {
    /// Print the plan and end
    #[arg(long, help_heading = PLAN)]
    pub plan: bool,
    /// Print the plan, and fail when the API server would refuse it
    #[arg(long, help_heading = PLAN)]
    pub dry_run: bool,
    /// Confirm the plan
    #[arg(long, help_heading = PLAN)]
    pub yes: bool,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Scenario
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
    /// What to ask the simulated cluster; without it the console is opened
    #[command(subcommand)]
    pub look: Option<Look>,
}

/// What a simulated cluster can be asked without the console.
#[derive(Debug, Subcommand)]
pub enum Look {
    /// Show how far each extension entry got, and where the chain breaks
    Status(Status),
    /// List extension entries, with their images and rungs
    Ext(Query),
    /// List the elements of the effective paths: expected against live
    Paths(Query),
    /// List findings, worst first
    Findings(Findings),
    /// Check what the extensions need: versions, nodes, images, permissions
    Doctor(Doctor),
    /// Print every change as a line of JSON, until it is interrupted
    Watch(Watch),
    /// Wait until a rung of an entry holds
    Wait(Wait),
    /// Versions, files and settings with their origin
    Info(Info),
    /// The verbs that write, to the simulated cluster alone.
    #[command(flatten)]
    Guided(Guided),
}

impl From<Look> for Command {
    fn from(look: Look) -> Self {
        match look {
            Look::Status(options) => Self::Status(options),
            Look::Ext(options) => Self::Ext(options),
            Look::Paths(options) => Self::Paths(options),
            Look::Findings(options) => Self::Findings(options),
            Look::Doctor(options) => Self::Doctor(options),
            Look::Watch(options) => Self::Watch(options),
            Look::Wait(options) => Self::Wait(options),
            Look::Info(options) => Self::Info(options),
            Look::Guided(wanted) => Self::Guided(wanted),
        }
    }
}

/// `info`.
#[derive(Debug, Args)]
pub struct Info {
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

impl From<Db> for DatabaseAccess {
    fn from(db: Db) -> Self {
        match db {
            Db::Auto => Self::Auto,
            Db::Tunnel => Self::Tunnel,
            Db::Exec => Self::Exec,
            Db::Off => Self::Off,
        }
    }
}

impl Global {
    /// The settings that the file and these options make. `source` tells where clap found the value of an option.
    pub fn settings(&self, file: &ConfigFile, source: &dyn Fn(&str) -> Option<ValueSource>) -> Settings {
        super::settings::settings(self, file, source)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::config::NamespaceChoice;
    use crate::workflow::{GuidedAction, actions};

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_guided_action_has_a_verb_or_says_that_it_has_none() {
        let command = Cli::command();
        let verbs: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        for action in GuidedAction::ALL {
            let row = actions::row(*action);
            assert!(row.verb.is_none_or(|verb| verbs.contains(&verb)), "{action:?}");
        }
        assert_eq!(actions::row(GuidedAction::AddExtension).verb, Some("add"));
    }

    #[test]
    fn global_options_stand_before_and_after_the_command() {
        let before = parse("extop -n shop --db exec status orders -o json").unwrap();
        let after = parse("extop status orders -o json -n shop --db exec").unwrap();
        for cli in [before, after] {
            let given = |_: &str| Some(ValueSource::CommandLine);
            let settings = cli.global.settings(&ConfigFile::default(), &given);
            assert_eq!(settings.place.namespace, NamespaceChoice::Named("shop".to_owned()));
            assert_eq!(settings.database, DatabaseAccess::Exec);
            assert!(matches!(cli.command, Some(Command::Status(Status { output: Output::Json, .. }))));
        }
    }

    #[test]
    fn a_confirmation_needs_the_plan_to_be_confirmed_too() {
        assert!(parse("extop add orders foo --confirm orders").is_err());
        assert!(parse("extop add orders foo --confirm-library foo").is_err());
        assert!(parse("extop add orders foo --yes --plan").is_err());
        assert!(parse("extop add orders foo --yes --confirm orders --wait").is_ok());
        let Some(Command::Guided(Guided::Add(add))) = parse("extop add orders foo --yes --confirm-library foo --confirm-library bar")
            .unwrap()
            .command
        else {
            panic!()
        };
        assert_eq!(add.confirm_library, ["foo", "bar"]);
    }

    #[test]
    fn an_unknown_rung_is_answered_with_the_rungs() {
        let error = parse("extop wait orders foo --for instaled").unwrap_err().to_string();
        assert!(error.contains("installed"), "{error}");
    }
}
