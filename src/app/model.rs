//! Everything that is known and shown. `view` only reads it, `update` alone changes it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::action::Action;
use super::filter::Filter;
use super::keys::KeyChord;
use super::listing::{Brief, Sort};
use super::msg::{EditorId, Notice};
use crate::backend::{Access, DatabaseAccess, Target, TargetId};
use crate::domain::cluster::Cluster;
use crate::domain::evidence::ladders;
use crate::domain::finding::Finding;
use crate::domain::findings::findings;
use crate::domain::findings::ignored::{self, Ignored};
use crate::domain::hidden::Values;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::ladder::{Ladder, RungKind};
use crate::domain::shell::ShellCommand;
use crate::domain::watch::WatchState;
use crate::domain::{Timestamp, World};
use crate::workflow::run::{Kept, Phase, Run, RunId};
use crate::workflow::{Form, FormFor};

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

/// Which clusters are asked by SQL without being told to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Asks {
    /// What is looked at, and what runs are about; of a small scope all, when they change.
    #[default]
    Sight,
    /// What runs are about, and nothing else.
    Runs,
    /// The clusters of this name: `NAME` or `NAMESPACE/NAME`.
    Named(String),
    /// All of them.
    Everything,
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
    /// Which clusters are asked by SQL.
    pub asks: Asks,
    /// Clusters that are looked at, and those that runs are about.
    pub sighted: BTreeSet<(TargetId, ClusterKey)>,
    /// The time, set by the runtime with every message.
    pub now: Timestamp,
    /// The target on the screen.
    pub active: TargetId,
    /// Everything known, per target: the active one, and those with runs in flight.
    pub sessions: BTreeMap<TargetId, Session>,
    /// Why the first target could not be opened, while there is none.
    pub unopened: Option<String>,
    /// What is being opened to be shown, e.g. `prod`, or `rig, all namespaces`.
    pub opening: Option<String>,
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
    /// Filters that were kept, the newest last.
    pub filters: Vec<String>,
    /// Findings that are counted and not told.
    pub ignore: Vec<Ignored>,
    /// Name of the theme.
    pub theme: String,
    /// Names of all themes.
    pub themes: Vec<String>,
    /// The screen must be drawn.
    pub dirty: bool,
    /// Targets whose nodes were asked for.
    pub surveyed: BTreeSet<TargetId>,
    /// Namespaces in which was asked what the user may do.
    pub reviewed: BTreeSet<(TargetId, String)>,
    /// When permissions of a target were asked for last.
    pub reviewed_at: BTreeMap<TargetId, Timestamp>,
    /// When instances that could not be asked are asked again, per target.
    pub retries: BTreeMap<TargetId, Retry>,
    /// Clusters whose evidence will be read again when what has changed of them is taken over.
    pub changing: BTreeSet<(TargetId, ClusterKey)>,
    /// Runs that put back what another run wrote, each with that run.
    pub puts_back: BTreeMap<RunId, RunId>,
    /// The editor that the runtime has open, with its text.
    pub editor: Option<(EditorId, String)>,
    /// What the last frame had room for; the runtime sets it after drawing.
    pub drawn: Drawn,
    /// Time of the last tick.
    pub ticked: Timestamp,
    /// When a key was pressed last, or when the console began.
    pub attended: Timestamp,
    /// No key was pressed for a while: times of day are shown, which need not be counted, in place of ages.
    pub is_unattended: bool,
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
    /// Every cluster in short; in step with `world` but for those that are `behind`. A command has none: it derives what it is
    /// about.
    pub briefs: BTreeMap<ClusterKey, Brief>,
    /// Ladders and findings of the clusters that are looked at: the selected one, or those that a command names.
    pub derived: BTreeMap<ClusterKey, Derived>,
    /// Clusters that a fact about many may concern, and that are derived in small lots: `Msg::CatchUp`.
    pub behind: BTreeSet<ClusterKey>,
    /// How often a cluster was derived: the measure of what facts cost.
    pub derivations: u64,
    /// Clusters that were derived, or are gone, since whoever follows changes has looked at this; `None` where nobody does.
    pub touched: Option<BTreeSet<ClusterKey>>,
    /// The second in which all clusters were looked through last for what depends on the time alone.
    pub walked: i64,
    /// Pods, by UID, whose events were asked for, and whether that was after a long time.
    pub warned: BTreeSet<(String, bool)>,
    /// When instances were asked by SQL last, by the UID of the pod.
    pub asked: BTreeMap<String, Timestamp>,
    /// Runs found on disk that no process continues.
    pub unfinished: Vec<Kept>,
}

impl Session {
    /// A session of which nothing is known yet.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            world: World::default(),
            briefs: BTreeMap::new(),
            derived: BTreeMap::new(),
            behind: BTreeSet::new(),
            derivations: 0,
            touched: None,
            walked: 0,
            warned: BTreeSet::new(),
            asked: BTreeMap::new(),
            unfinished: Vec::new(),
        }
    }

    /// Ladders and findings of a cluster: those that are kept, else what the world says now.
    pub fn derived_of(&self, cluster: &Cluster) -> Cow<'_, Derived> {
        let kept = self.derived.get(&cluster.key);
        kept.map_or_else(|| Cow::Owned(Derived::of(&self.world, cluster)), Cow::Borrowed)
    }
}

/// What is computed from the world for one cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Derived {
    /// One ladder per entry: declared ones in order, then resolved or mounted leftovers.
    pub ladders: Vec<Ladder>,
    /// Findings, worst first.
    pub findings: Vec<Finding>,
}

impl Derived {
    /// What the world says of a cluster.
    pub fn of(world: &World, cluster: &Cluster) -> Self {
        let ladders = ladders(world, cluster);
        Self {
            findings: findings(world, cluster, &ladders),
            ladders,
        }
    }
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
    /// The entries of all clusters, in place of the other panes.
    Extensions,
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
    /// Requirements.
    Doctor,
    /// The cluster's catalog.
    Catalog,
}

impl Tab {
    /// Every tab, in order.
    pub const ALL: [Self; 8] = [
        Self::Evidence,
        Self::Paths,
        Self::Instances,
        Self::Databases,
        Self::Findings,
        Self::Journal,
        Self::Doctor,
        Self::Catalog,
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
            Self::Doctor => "Doctor",
            Self::Catalog => "Catalog",
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
    pub cluster_filter: Filter,
    /// Filter of the entry list.
    pub entry_filter: Filter,
    /// Filter of the entries of all clusters.
    pub extension_filter: Filter,
    /// The filter line is being edited, for this pane.
    pub filtering: Option<Filtering>,
    /// The order of the clusters, and of the entries of all clusters.
    pub sort: Sort,
}

/// The filter line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtering {
    /// The pane whose filter is edited.
    pub pane: Pane,
    /// How many filters back in the history; 0 for what is typed.
    pub back: usize,
    /// What was typed before an older filter was recalled.
    pub typed: String,
}

impl Filtering {
    /// The filter line of a pane, as it is opened.
    pub fn of(pane: Pane) -> Self {
        Self {
            pane,
            back: 0,
            typed: String::new(),
        }
    }
}

impl Screen {
    /// The filter of a pane; that of the entries also for the lower pane.
    pub fn filter(&self, pane: Pane) -> &Filter {
        match pane {
            Pane::Clusters => &self.cluster_filter,
            Pane::Entries | Pane::Detail => &self.entry_filter,
            Pane::Extensions => &self.extension_filter,
        }
    }

    /// The filter of a pane, to be changed.
    pub fn filter_mut(&mut self, pane: Pane) -> &mut Filter {
        match pane {
            Pane::Clusters => &mut self.cluster_filter,
            Pane::Entries | Pane::Detail => &mut self.entry_filter,
            Pane::Extensions => &mut self.extension_filter,
        }
    }

    /// The filter line is open for a pane.
    pub fn is_filtering(&self, pane: Pane) -> bool {
        self.filtering.as_ref().is_some_and(|filtering| filtering.pane == pane)
    }
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
    /// Let go of a run that has written something, or forget one that was left unfinished?
    ConfirmForget(RunId),
    /// A message with a title.
    Message(String, Vec<String>),
}

/// What the last frame had room for: the drawing alone knows how long texts are when they are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// The lower pane: its content, how many rows it has, which one is selected.
    pub detail: Option<(Tab, usize, usize)>,
    /// Rows of the pane with the focus, or of the overlay on top, that are in sight.
    pub page: usize,
    /// Rows of tables that were made for the frame: the measure of what it costs.
    pub made: usize,
    /// How far the text of the overlay on top can be scrolled; `None` when it was not drawn yet.
    pub scroll: Option<usize>,
}

/// When instances that could not be asked are asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The timer runs.
    pub waiting: bool,
    /// Milliseconds until the next time.
    pub after: u64,
}

/// A run writes, waits or proves: it is neither over, nor in review, nor stopped.
pub fn is_moving(run: &Run) -> bool {
    match run.phase {
        Phase::Keeping | Phase::Guarding(_) | Phase::Applying(_) | Phase::Waiting(_) | Phase::Proving => true,
        Phase::Review | Phase::Done | Phase::Failed { .. } | Phase::Blocked { .. } | Phase::Cancelled => false,
    }
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

impl Asks {
    /// What a command is about: the clusters of a name, or all of them.
    pub fn of(name: Option<&str>) -> Self {
        name.map_or(Self::Everything, |name| Self::Named(name.to_owned()))
    }

    /// Somebody may look at any of the clusters: each is kept in short.
    pub fn shows_all(&self) -> bool {
        matches!(self, Self::Sight)
    }

    /// A cluster is asked whatever is looked at.
    pub fn is_about(&self, cluster: &ClusterKey) -> bool {
        match self {
            Self::Everything => true,
            Self::Named(name) => cluster.is_called(name),
            Self::Sight | Self::Runs => false,
        }
    }
}

impl Model {
    /// How many instances of a target a command is about.
    pub fn instances_asked(&self, target: TargetId) -> usize {
        let world = self.sessions.get(&target).map(|session| &session.world);
        let instances = world.into_iter().flat_map(|world| world.instances.values());
        instances.filter(|instance| self.asks.is_about(&instance.cluster)).count()
    }

    /// Findings about a cluster that are told, worst first, and how many more are ignored.
    pub fn told<'a>(&self, derived: Option<&'a Derived>) -> (Vec<&'a Finding>, usize) {
        ignored::left(derived.map_or(&[][..], |derived| derived.findings.as_slice()), &self.ignore)
    }

    /// Nothing is known yet; the first session comes with `Msg::Switched`.
    pub fn new(mode: Mode, access: Access, database_access: DatabaseAccess, now: Timestamp, run_prefix: String) -> Self {
        Self {
            mode,
            access,
            database_access,
            asks: Asks::default(),
            sighted: BTreeSet::new(),
            now,
            active: TargetId(0),
            sessions: BTreeMap::new(),
            unopened: None,
            opening: None,
            screen: Screen::default(),
            overlays: Vec::new(),
            runs: Vec::new(),
            notices: Vec::new(),
            keymap: super::keymap::bindings(),
            filters: Vec::new(),
            ignore: Vec::new(),
            theme: String::new(),
            themes: Vec::new(),
            dirty: true,
            surveyed: BTreeSet::new(),
            reviewed: BTreeSet::new(),
            reviewed_at: BTreeMap::new(),
            retries: BTreeMap::new(),
            changing: BTreeSet::new(),
            puts_back: BTreeMap::new(),
            editor: None,
            drawn: Drawn::default(),
            ticked: now,
            attended: now,
            is_unattended: false,
            next_run: 0,
            run_prefix,
        }
    }

    /// The screen shows an age that is counted, so that `Msg::Tick` is wanted once a second.
    pub fn needs_tick(&self) -> bool {
        super::age::shown(self).next().is_some()
    }

    /// The session on the screen.
    pub fn session(&self) -> Option<&Session> {
        self.sessions.get(&self.active)
    }

    /// A run by its identity.
    pub fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.iter().find(|(_, run)| run.id == *id).map(|(_, run)| run)
    }

    /// The command that asks for the same as a run, with the values of environment variables left out.
    pub fn command(&self, id: &RunId) -> Option<ShellCommand> {
        let (target, run) = self.runs.iter().find(|(_, run)| run.id == *id)?;
        let program = self.sessions.get(target)?.target.program(&run.intent.cluster.namespace);
        run.intent.command(program, Values::Hidden)
    }

    /// Some cluster is still to be derived.
    pub fn is_behind(&self) -> bool {
        self.sessions.values().any(|session| !session.behind.is_empty())
    }

    /// A first list is still coming: what it has not told yet concerns the same clusters again.
    pub fn is_loading(&self) -> bool {
        let mut watches = self.sessions.values().flat_map(|session| session.world.watches.values());
        watches.any(|watch| watch.state == WatchState::Loading)
    }

    /// No write can be made.
    pub fn is_read_only(&self) -> bool {
        self.access == Access::ReadOnly
    }
}
