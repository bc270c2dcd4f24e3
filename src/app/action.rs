//! The one vocabulary of what an operator can ask for: keys, palette, configuration, help and tests speak it.

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $help:literal;)*) => {
        /// What the operator asks for.
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
    NextPane = "next-pane", "next pane";
    /// Previous pane.
    PreviousPane = "previous-pane", "previous pane";
    /// Open what is selected.
    Open = "open", "open: clusters > entries > evidence; on a finding, its remedy";
    /// Back, close, clear the filter.
    Back = "back", "back: close, clear the filter";
    /// Show the evidence of the selected rung.
    ShowEvidence = "show-evidence", "evidence of the selected rung";
    /// Show the effective paths.
    ShowPaths = "show-paths", "effective paths, expected against live";
    /// Show the instances.
    ShowInstances = "show-instances", "instances and their mounts";
    /// Show the databases.
    ShowDatabases = "show-databases", "databases: requested, installed, available";
    /// Show the findings.
    ShowFindings = "show-findings", "findings and their remedies";
    /// Show the journal of runs.
    ShowJournal = "show-journal", "journal: what was asked, sent and seen";
    /// Show the requirements.
    ShowDoctor = "show-doctor", "doctor: what the extensions need around them";
    /// Show the catalog.
    ShowCatalog = "show-catalog", "the cluster's catalog, and whom an edit of it rolls";
    /// Filter the focused list.
    Filter = "filter", "filter";
    /// Read SQL evidence again.
    Refresh = "refresh", "read SQL evidence again, reconnect what is lost";
    /// Zoom the lower pane.
    Zoom = "zoom", "lower pane in full height";
    /// Open the command palette.
    Palette = "palette", "command: an action by name, :ctx, :ns";
    /// Help.
    Help = "help", "this help";
    /// The menu of guided actions.
    Menu = "menu", "guided actions for what is selected";
    /// Runs in flight and unfinished.
    Runs = "runs", "runs: in flight, and left unfinished";
    /// Add an extension.
    AddExtension = "add-extension", "add an extension";
    /// Change the image of the selected entry.
    ChangeImage = "change-image", "change the image of the entry";
    /// Edit the preload libraries.
    EditPreload = "edit-preload", "edit the preload libraries";
    /// Restart the cluster.
    RestartCluster = "restart-cluster", "restart all instances";
    /// Restart the selected instance.
    RestartInstance = "restart-instance", "restart the selected instance";
    /// Delete the stuck pod.
    DeleteStuckPod = "delete-stuck-pod", "delete the stuck pod";
    /// Promote an instance.
    Promote = "promote", "promote a standby";
    /// Put back what the selected run wrote.
    PutBack = "put-back", "put back what a run wrote";
    /// Confirm the plan, submit the form.
    Confirm = "confirm", "confirm";
    /// Continue a stopped run.
    Continue = "continue", "continue the run";
    /// Forget an unfinished run.
    ForgetRun = "forget-run", "forget the run";
    /// Copy what is shown (OSC 52).
    Copy = "copy", "copy the command or the plan";
    /// Choose another context.
    SwitchContext = "ctx", "switch to another context";
    /// Choose another namespace.
    SwitchNamespace = "ns", "switch to another namespace";
    /// All namespaces.
    AllNamespaces = "all-namespaces", "show all namespaces";
    /// Next theme.
    NextTheme = "next-theme", "next theme";
    /// Draw everything anew.
    Redraw = "redraw", "draw the screen anew";
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
            .ok_or_else(|| format!("'{text}' is no action"))
    }
}
