//! Everything that is known and shown. `view` only reads it, `update` alone changes it.

use std::collections::{BTreeMap, BTreeSet};

use super::action::Action;
use super::keys::KeyChord;
use super::msg::Notice;
use crate::backend::{Access, DatabaseAccess, Target, TargetId};
use crate::domain::finding::Finding;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::ladder::{Ladder, RungKind};
use crate::domain::watch::WatchState;
use crate::domain::{Timestamp, World};
use crate::workflow::Form;
use crate::workflow::run::{Kept, Phase, Run, RunId};

/// What kind of session this is; said in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A real target.
    Live,
    /// The built-in simulator.
    Demo,
    /// A recording.
    Replay,
}

/// The whole state of the console.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Live, demo or replay.
    pub mode: Mode,
    /// Read-only or write.
    pub access: Access,
    /// How PostgreSQL may be reached.
    pub database_access: DatabaseAccess,
    /// The time, set by the runtime with every message.
    pub now: Timestamp,
    /// The target on the screen.
    pub active: TargetId,
    /// Everything known, per target: the active one, and those with runs in flight.
    pub sessions: BTreeMap<TargetId, Session>,
    /// What is on the screen.
    pub screen: Screen,
    /// Overlays, the last on top.
    pub overlays: Vec<Overlay>,
    /// Runs of this process, oldest first, each with its target.
    pub runs: Vec<(TargetId, Run)>,
    /// Lines at the bottom, newest last.
    pub notices: Vec<Notice>,
    /// Effective key bindings.
    pub keymap: Vec<Binding>,
    /// Name of the theme.
    pub theme: String,
    /// Names of all themes.
    pub themes: Vec<String>,
    /// The screen must be drawn.
    pub dirty: bool,
    /// Namespaces in which was asked what the user may do.
    pub reviewed: BTreeSet<(TargetId, String)>,
    /// Targets whose instances that could not be asked are going to be asked again.
    pub retrying: BTreeSet<TargetId>,
    /// The run whose confirmation is being typed.
    pub confirming: Option<RunId>,
    /// Counter for run identities of this process; the runtime seeds the prefix.
    pub next_run: u64,
    /// Prefix of run identities of this process, unique over processes.
    pub run_prefix: String,
}

/// What is known of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The target.
    pub target: Target,
    /// Observed facts.
    pub world: World,
    /// Ladders and findings, per cluster; always in step with `world`.
    pub derived: BTreeMap<ClusterKey, Derived>,
    /// Runs found on disk that no process continues.
    pub unfinished: Vec<Kept>,
}

/// What is computed from the world for one cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Derived {
    /// One ladder per entry: declared ones in order, then resolved or mounted leftovers.
    pub ladders: Vec<Ladder>,
    /// Findings, worst first.
    pub findings: Vec<Finding>,
}

/// Panes that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// List of clusters.
    #[default]
    Clusters,
    /// Entries of the selected cluster.
    Entries,
    /// The lower pane.
    Detail,
}

/// What the lower pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum Tab {
    /// Evidence of the selected rung.
    #[default]
    Evidence,
    /// Effective paths.
    Paths,
    /// Instances.
    Instances,
    /// Databases.
    Databases,
    /// Findings.
    Findings,
    /// Journal.
    Journal,
}

impl Tab {
    /// Every tab, in order.
    pub const ALL: [Self; 6] = [
        Self::Evidence,
        Self::Paths,
        Self::Instances,
        Self::Databases,
        Self::Findings,
        Self::Journal,
    ];

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Evidence => "Evidence",
            Self::Paths => "Paths",
            Self::Instances => "Instances",
            Self::Databases => "Databases",
            Self::Findings => "Findings",
            Self::Journal => "Journal",
        }
    }
}

/// What is on the screen. Selections are keys, never row numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Screen {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Focused pane.
    pub focus: Pane,
    /// Content of the lower pane.
    pub tab: Tab,
    /// The lower pane has the whole height.
    pub zoomed: bool,
    /// Selected cluster; `None` selects the first.
    pub cluster: Option<ClusterKey>,
    /// Selected entry, by mount name.
    pub entry: Option<String>,
    /// Selected rung; `None` follows the headline.
    pub rung: Option<RungKind>,
    /// Selected instance in the instances tab.
    pub instance: Option<PodKey>,
    /// Selected row of the other tabs.
    pub rows: BTreeMap<Tab, usize>,
    /// Filter of the cluster list.
    pub cluster_filter: String,
    /// Filter of the entry list.
    pub entry_filter: String,
    /// The filter line is being edited, for this pane.
    pub filtering: Option<Pane>,
}

/// What lies over the panes.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// Help, scrolled by so many rows.
    Help(usize),
    /// Guided actions for the selection: each with the reason why it cannot be taken, if so; selected row.
    Menu(Vec<(Action, Option<String>)>, usize),
    /// A form and what it is for.
    Form(FormFor, Form),
    /// A run: its plan while in review, its steps afterwards. Scroll, typed confirmation.
    Run(RunId, usize, String),
    /// The list of runs in flight and unfinished; selected row.
    Runs(usize),
    /// The command palette: text, selected row.
    Palette(String, usize),
    /// Choose a context: names once listed, filter text, selected row.
    Contexts(Option<Vec<String>>, usize),
    /// Choose a namespace.
    Namespaces(Option<Vec<String>>, usize),
    /// Quit although a run is in flight?
    ConfirmQuit,
    /// A message with a title.
    Message(String, Vec<String>),
}

/// What a form is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormFor {
    /// Add an extension to the cluster.
    AddExtension(ClusterKey),
    /// Change the image of an entry.
    ChangeImage(ClusterKey, String),
    /// Edit the preload libraries.
    EditPreload(ClusterKey),
    /// Promote an instance.
    Promote(ClusterKey),
}

/// Where a binding counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Everywhere outside of overlays.
    Main,
    /// In any overlay.
    Overlay,
}

/// One key binding. Dispatch, help and footer all come from this table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// Where it counts.
    pub context: Context,
    /// The key.
    pub chord: KeyChord,
    /// What it does.
    pub action: Action,
    /// It is worth a place in the footer.
    pub in_footer: bool,
}

impl Model {
    /// Nothing is known yet; the first session comes with `Msg::Switched`.
    pub fn new(mode: Mode, access: Access, database_access: DatabaseAccess, now: Timestamp, run_prefix: String) -> Self {
        Self {
            mode,
            access,
            database_access,
            now,
            active: TargetId(0),
            sessions: BTreeMap::new(),
            screen: Screen::default(),
            overlays: Vec::new(),
            runs: Vec::new(),
            notices: Vec::new(),
            keymap: super::keymap::bindings(),
            theme: String::new(),
            themes: Vec::new(),
            dirty: true,
            reviewed: BTreeSet::new(),
            retrying: BTreeSet::new(),
            confirming: None,
            next_run: 0,
            run_prefix,
        }
    }

    /// Something on the screen counts seconds, so that `Msg::Tick` is wanted once a second.
    pub fn needs_tick(&self) -> bool {
        let running = self
            .runs
            .iter()
            .any(|(_, run)| !run.is_over() && !matches!(run.phase, Phase::Review | Phase::Failed { .. } | Phase::Blocked { .. }));
        let stale = self.session().is_some_and(|session| {
            let mut watches = session.world.watches.values();
            watches.any(|status| matches!(status.state, WatchState::Stale { .. }))
        });
        running || stale
    }

    /// The session on the screen.
    pub fn session(&self) -> Option<&Session> {
        self.sessions.get(&self.active)
    }

    /// A run by its identity.
    pub fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.iter().find(|(_, run)| run.id == *id).map(|(_, run)| run)
    }

    /// Key of the selected cluster: the chosen one while it exists and passes the filter, else the first that does.
    pub fn selected_cluster(&self) -> Option<&ClusterKey> {
        let session = self.session()?;
        let mut keys = session
            .world
            .clusters
            .keys()
            .filter(|key| self.screen.cluster_filter.is_empty() || key.to_string().contains(&self.screen.cluster_filter));
        let chosen = self.screen.cluster.as_ref();
        keys.clone().find(|key| Some(*key) == chosen).or_else(|| keys.next())
    }

    /// The ladder of the selected entry.
    pub fn selected_ladder(&self) -> Option<&Ladder> {
        let derived = self.session()?.derived.get(self.selected_cluster()?)?;
        let mut ladders = derived
            .ladders
            .iter()
            .filter(|ladder| self.screen.entry_filter.is_empty() || ladder.entry.contains(&self.screen.entry_filter));
        let chosen = self.screen.entry.as_ref();
        ladders
            .clone()
            .find(|ladder| Some(&ladder.entry) == chosen)
            .or_else(|| ladders.next())
    }

    /// No write can be made.
    pub fn is_read_only(&self) -> bool {
        self.access == Access::ReadOnly
    }
}
