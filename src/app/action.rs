//! The one vocabulary of what a user can ask for: keys, palette, configuration, menu, help, footer and tests speak it.

use crate::workflow::GuidedAction;

// A row: name, word, help; then, where it differs, the word in the footer, the guided action that it begins, and that it
// means something in overlays only.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $help:literal $(, footer $short:literal)? $(, guided $guided:ident)?
        $(, only in $overlays:ident)?;)*) => {
        /// What the user asks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $($(#[$doc])* $name,)* }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The kebab-case word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// One line of help.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }

            /// What its key does, in a word.
            pub fn footer_word(self) -> &'static str {
                let short: &[&'static str] = match self { $(Self::$name => &[$($short)?],)* };
                short.first().copied().unwrap_or(self.as_str())
            }

            /// The guided action that it begins. These write, so that a session without writes does not offer them.
            pub fn guided(self) -> Option<GuidedAction> {
                let guided: &[GuidedAction] = match self { $(Self::$name => &[$(GuidedAction::$guided)?],)* };
                guided.first().copied()
            }

            /// It means something in overlays only.
            pub fn is_of_overlays(self) -> bool {
                let overlays: &[&str] = match self { $(Self::$name => &[$(stringify!($overlays))?],)* };
                !overlays.is_empty()
            }
        }
    };
}

actions! {
    /// Move the selection up.
    Up = "up", "move up";
    /// Move the selection down.
    Down = "down", "move down";
    /// Go left.
    Left = "left", "go to the pane on the left, or the previous rung";
    /// Go right.
    Right = "right", "go to the pane on the right, or the next rung";
    /// Half a page up.
    HalfPageUp = "half-page-up", "half a page up";
    /// Half a page down.
    HalfPageDown = "half-page-down", "half a page down";
    /// To the first row.
    Top = "top", "first row";
    /// To the last row.
    Bottom = "bottom", "last row";
    /// Next pane.
    NextPane = "next-pane", "next pane", footer "pane";
    /// Previous pane.
    PreviousPane = "previous-pane", "previous pane", footer "pane back";
    /// Open what is selected.
    Open = "open", "open: clusters > entries > evidence; on a finding, its remedy";
    /// Back, close, clear the filter.
    Back = "back", "back: close, clear the filter";
    /// Show the evidence of the selected rung.
    ShowEvidence = "show-evidence", "evidence of the selected rung", footer "evidence";
    /// Show the effective paths.
    ShowPaths = "show-paths", "effective paths, expected against live", footer "paths";
    /// Show the instances.
    ShowInstances = "show-instances", "instances and their mounts", footer "instances";
    /// Show the databases.
    ShowDatabases = "show-databases", "databases: requested, installed, available", footer "databases";
    /// Show the findings.
    ShowFindings = "show-findings", "findings and their remedies", footer "findings";
    /// Show the journal of runs.
    ShowJournal = "show-journal", "journal: what was asked, sent and seen", footer "journal";
    /// Show the requirements.
    ShowDoctor = "show-doctor", "doctor: what the extensions need around them", footer "doctor";
    /// Show the catalog.
    ShowCatalog = "show-catalog", "image catalog, and which clusters a change of it would restart", footer "catalog";
    /// The entries of all clusters.
    ShowExtensions = "show-extensions", "the extensions of all clusters", footer "extensions";
    /// The next thing that does not hold.
    NextTrouble = "next-trouble", "next thing that is broken or in progress, in any cluster", footer "trouble";
    /// The previous thing that does not hold.
    PreviousTrouble = "previous-trouble", "previous thing that is broken or in progress", footer "trouble back";
    /// Sort lists over all clusters.
    Sort = "sort", "sort clusters and extensions by trouble, or by name";
    /// Filter the focused list.
    Filter = "filter", "filter: words, !word, state:broken, ns:NAME, entry:NAME<VERSION; up and down recall";
    /// Read SQL evidence again.
    Refresh = "refresh", "read SQL evidence again, reconnect what is lost";
    /// Zoom the lower pane.
    Zoom = "zoom", "lower pane in full height";
    /// Open the command palette.
    Palette = "palette", "command: an action by name, :ctx, :ns", footer "command";
    /// Help.
    Help = "help", "this help";
    /// The menu of guided actions.
    Menu = "menu", "guided actions for what is selected";
    /// Runs in flight and unfinished.
    Runs = "runs", "runs: in flight, and left unfinished";
    /// Add an extension.
    AddExtension = "add-extension", "add an extension", footer "add", guided AddExtension;
    /// Change the image of the selected entry.
    ChangeImage = "change-image", "change the image of the entry", footer "image", guided ChangeImage;
    /// Edit the selected entry.
    EditEntry = "edit-entry", "edit paths, environment, pull policy or place of the entry", footer "edit", guided EditEntry;
    /// Set the version of a SQL extension.
    SetVersion = "set-version", "set the version of a SQL extension in its databases", footer "version", guided SetVersion;
    /// Set the schema of a SQL extension.
    SetSchema = "set-schema", "set the schema of a SQL extension in its databases", footer "schema", guided SetSchema;
    /// Ask for a SQL extension in a database.
    Declare = "declare", "ask for a SQL extension in a database", guided Declare;
    /// Drop a SQL extension in a database.
    DropExtension = "drop", "drop a SQL extension in a database", guided DropExtension;
    /// Have the operator look at a `Database` object again.
    LookAgain = "look-again", "have the operator look at a Database object again", guided Refresh;
    /// Remove the selected entry with everything that uses it.
    RemoveExtension = "remove", "remove the extension: databases, preload, entry", guided RemoveExtension;
    /// Edit the preload libraries.
    EditPreload = "edit-preload", "edit the preload libraries", footer "preload", guided EditPreload;
    /// Reload the configuration.
    Reload = "reload", "reload the configuration, without a restart", guided Reload;
    /// Restart the cluster.
    RestartCluster = "restart-cluster", "restart all instances", footer "restart", guided RestartCluster;
    /// Restart the selected instance.
    RestartInstance = "restart-instance", "restart the selected instance", footer "restart one", guided RestartInstance;
    /// Delete the stuck pod.
    DeleteStuckPod = "delete-stuck-pod", "delete the stuck pod", footer "delete pod", guided DeleteStuckPod;
    /// Promote an instance.
    Promote = "promote", "promote a standby", guided Promote;
    /// Put back what the selected run wrote.
    PutBack = "put-back", "put back what a run wrote", guided PutBack;
    /// Confirm the plan, submit the form.
    Confirm = "confirm", "confirm", only in overlays;
    /// Continue a stopped run.
    Continue = "continue", "continue the run", only in overlays;
    /// Forget an unfinished run.
    ForgetRun = "forget-run", "forget the run", footer "forget", only in overlays;
    /// Copy what is shown (OSC 52).
    Copy = "copy", "copy the command";
    /// Choose another context.
    SwitchContext = "ctx", "switch to another context", footer "context";
    /// Choose another namespace.
    SwitchNamespace = "ns", "switch to another namespace", footer "namespace";
    /// All namespaces.
    AllNamespaces = "all-namespaces", "show all namespaces";
    /// Next theme.
    NextTheme = "next-theme", "next theme";
    /// Draw everything again.
    Redraw = "redraw", "draw the screen again";
    /// Suspend the program.
    Suspend = "suspend", "suspend";
    /// Quit.
    Quit = "quit", "quit";
}

impl std::str::FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| format!("unknown action '{text}'"))
    }
}
