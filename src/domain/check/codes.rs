//! The table of checks: code, what it concerns, who asks, meaning and source.

/// What a check concerns. A change shows the checks that concern it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Concern {
    /// Images of entries, and what they need to be mounted and found.
    Image,
    /// Libraries to preload.
    Preload,
    /// `Database` objects, and what they ask for.
    Database,
    /// Instance pods: restarts, promotion.
    Pods,
    /// The cluster as a whole.
    Cluster,
}

impl Concern {
    /// The word shown and written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Preload => "preload",
            Self::Database => "database",
            Self::Pods => "pods",
            Self::Cluster => "cluster",
        }
    }
}

/// Who asks a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    /// `doctor` of the cluster as it is, the form and the plan of the cluster as the change would leave it.
    Anywhere,
    /// The plan and every step of it: it is about now.
    Step,
    /// `doctor --for-major` and `doctor --for-minimal`: it is about an operand image that is to come.
    Ahead,
}

/// The row of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its code, which is stable.
    pub code: CheckCode,
    /// What it concerns.
    pub concern: Concern,
    /// Who asks it.
    pub asked: Asked,
    /// What it asks, and what follows.
    pub means: &'static str,
    /// Where it comes from: source or documentation of CloudNativePG, Kubernetes or PostgreSQL, or what was seen.
    pub source: &'static str,
}

macro_rules! checks {
    ($($name:ident, $word:literal, $concern:ident, $asked:ident, $means:literal, $source:literal;)*) => {
        /// Stable code of a check.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum CheckCode {
            $(#[doc = $means] $name,)*
        }

        impl CheckCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable kebab-case code.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// Its row.
            pub fn rule(self) -> Rule {
                match self {
                    $(Self::$name => Rule {
                        code: self,
                        concern: Concern::$concern,
                        asked: Asked::$asked,
                        means: $means,
                        source: $source,
                    },)*
                }
            }
        }
    };
}

checks! {
    PostgresVersion, "postgres-version", Image, Anywhere,
        "PostgreSQL has extension_control_path: 18 or later.",
        "PostgreSQL 18 release notes";
    KubernetesVersion, "kubernetes-version", Image, Anywhere,
        "Kubernetes mounts image volumes: 1.35, or 1.33 with the feature gate ImageVolume, which only a ready pod proves.",
        "Kubernetes documentation, \"Use an image volume with a Pod\"; CloudNativePG documentation, \"Image volume extensions\"";
    OperatorVersion, "operator-version", Image, Anywhere,
        "The operator knows image volume extensions: 1.27 or later.",
        "CloudNativePG release notes 1.27.0";
    CatalogSupport, "catalog-support", Image, Anywhere,
        "An entry without a reference needs an operator that takes images from catalogs: 1.29 or later.",
        "CloudNativePG release notes 1.29.0";
    EntryFields, "entry-fields", Image, Anywhere,
        "The operator uses bin_path and env of an entry: 1.29 or later; some releases before accept and ignore them.",
        "CloudNativePG release notes 1.28.2 and 1.29.0";
    ImageVolumes, "image-volumes", Image, Anywhere,
        "The nodes of the instances mount images: a ready pod there proves it.",
        "Kubernetes documentation, \"Use an image volume with a Pod\"";
    NodeRuntime, "node-runtime", Image, Anywhere,
        "The container runtime of each node that an instance may be put on mounts images.",
        "CloudNativePG documentation, \"Image volume extensions\": containerd 2.1.0, CRI-O 1.31";
    NodeArchitecture, "node-architecture", Image, Anywhere,
        "The nodes are of one architecture, or the images are made for each of them.",
        "Kubernetes well-known label kubernetes.io/arch";
    EntryName, "entry-name", Image, Anywhere,
        "The webhook takes the names of the entries, and their volumes do not collide.",
        "CloudNativePG internal/webhook/v1/cluster_webhook.go";
    EntryPaths, "entry-paths", Image, Anywhere,
        "The paths of the entries stay within their mounts.",
        "CloudNativePG internal/webhook/v1/cluster_webhook.go";
    EntryEnvironment, "entry-environment", Image, Anywhere,
        "No variable of an entry is reserved.",
        "CloudNativePG pkg/postgres/environment.go";
    Reference, "reference", Image, Anywhere,
        "Each entry has an image, of its own or of the catalog; without one the operator halts everything, failover included.",
        "CloudNativePG pkg/utils/extensions; seen";
    ImageFits, "image-fits", Image, Anywhere,
        "The tag of the image is made for this PostgreSQL and for the distribution of the operand image.",
        "postgres-extensions-containers, \"Naming and tagging\"";
    UpdatePath, "update-path", Image, Anywhere,
        "From each installed version an update path leads to what another image of the entry offers.",
        "the update scripts of the image; pg_extension_update_paths()";
    ImageLibraries, "image-libraries", Image, Anywhere,
        "Another image of the entry has the libraries that functions of the installed version name: else they fail until the update.",
        "pg_proc.probin; the files of the image";
    OperandImage, "operand-image", Image, Anywhere,
        "The operand image does not ship what the entry provides: $system is first on the path, and its files are used.",
        "postgres-containers, \"Image types\"; measured on PostgreSQL 18";
    MajorUpgrade, "major-upgrade", Cluster, Ahead,
        "A major upgrade takes the entries along: to PostgreSQL 19 or later, by operator 1.29.2 or later.",
        "CloudNativePG release notes 1.29.2 and 1.30.0; pkg/reconciler/majorupgrade";
    MajorImages, "major-images", Image, Ahead,
        "Each entry has an image for the next major version, on the distribution of the operand image.",
        "the catalog of the cluster; postgres-extensions-containers, \"Naming and tagging\"";
    OperandFiles, "operand-files", Image, Ahead,
        "What is installed or preloaded keeps its files with a minimal operand image: an entry has them, or they are part of PostgreSQL.",
        "postgres-containers, \"Image types\"; the files of the instances";
    PreloadNames, "preload-names", Preload, Anywhere,
        "The names of the libraries survive the operator's list and are looked for among the entries.",
        "PostgreSQL 18 documentation, dynamic_library_path; CloudNativePG pkg/postgres/configuration.go";
    PreloadLibraries, "preload-libraries", Preload, Anywhere,
        "Each library to preload is found in every instance: PostgreSQL does not start without it.",
        "PostgreSQL 18 documentation, shared_preload_libraries; seen";
    RequiredExtensions, "required-extensions", Database, Anywhere,
        "What an extension requires is installed or asked for before it: the operator creates in order, without CASCADE.",
        "CloudNativePG internal/management/controller/database_controller_sql.go";
    DatabaseObjects, "database-objects", Database, Anywhere,
        "Each database has one Database object: the operator refuses all but one.",
        "CloudNativePG internal/management/controller/common.go; seen";
    Permissions, "permissions", Cluster, Anywhere,
        "This user may do what the guided actions do; a step needs the permission of each step that will follow.",
        "Kubernetes SelfSubjectAccessReview";
    SqlName, "sql-name", Database, Anywhere,
        "PostgreSQL knows an extension of the name that is asked for.",
        "pg_available_extensions; the files of the images";
    SqlVersion, "sql-version", Database, Anywhere,
        "The version that is asked for can be installed, or reached from the installed one.",
        "pg_available_extension_versions; pg_extension_update_paths()";
    ManagedExtension, "managed-extension", Database, Anywhere,
        "The operator lets the extension stay: it drops pgaudit and pg_stat_statements without a parameter of theirs.",
        "CloudNativePG internal/management/controller/instance_controller.go";
    LibraryInUse, "library-in-use", Preload, Step,
        "No setting of a session, a role or a database, and no replication slot, loads a library of the entry that is removed.",
        "PostgreSQL 18 documentation, session_preload_libraries; pg_db_role_setting, pg_replication_slots";
    Dependents, "dependents", Database, Step,
        "Nothing in the database depends on the extension that is dropped: the operator drops without CASCADE.",
        "CloudNativePG internal/management/controller/database_controller_sql.go; pg_depend";
    Cluster, "cluster", Cluster, Step,
        "The cluster is in view.",
        "the Cluster watch";
    Watches, "watches", Cluster, Step,
        "What the step is judged by is watched: an absence follows only from a list that is whole and live.",
        "the state of the watches";
    ClusterBlocked, "cluster-blocked", Cluster, Step,
        "Nothing keeps the operator from continuing.",
        "CloudNativePG api/v1, phases and annotations; seen";
    Rollout, "rollout", Cluster, Step,
        "No rollout is in progress.",
        "pods and status of the Cluster";
    EarlierSteps, "earlier-steps", Cluster, Step,
        "What the earlier steps of this run made still holds.",
        "the objects that they changed";
    Unchanged, "unchanged", Cluster, Step,
        "No other user has changed the object since the plan was confirmed.",
        "metadata.generation";
    Changed, "changed", Cluster, Step,
        "The plan is not the one that was confirmed, and is confirmed again.",
        "the plan that was confirmed";
    NotPutBack, "not-put-back", Cluster, Step,
        "What a run wrote and this plan does not put back.",
        "the saved run";
    FieldManager, "field-manager", Cluster, Step,
        "No other manager owns the part of the object that is written.",
        "metadata.managedFields, labels and annotations";
    InUse, "in-use", Image, Step,
        "No database has an extension of the entry that is taken out.",
        "pg_extension";
    Database, "database", Database, Step,
        "The database exists, a Database object may describe it, and the operator acts on it: in a replica cluster it does not.",
        "pg_database; the schema of Database; CloudNativePG internal/management/controller/database_controller.go";
    Owner, "owner", Database, Step,
        "A new Database object names the real owner: the operator would change it.",
        "pg_database";
    Role, "role", Pods, Step,
        "The instance still has the role that it is restarted in.",
        "status.currentPrimary and status.targetPrimary";
    Pod, "pod", Pods, Step,
        "The pod is the one that was chosen: names are reused.",
        "metadata.uid";
    StuckPod, "stuck-pod", Pods, Step,
        "The pod was never ready, and would be recreated with other mounts.",
        "pod status; seen";
    Standby, "standby", Pods, Step,
        "The instance is a ready standby.",
        "pod status and status of the Cluster";
    WalReceiver, "wal-receiver", Pods, Step,
        "The standby receives WAL: else the operator waits forever to promote it.",
        "the report of the instance manager; pg_stat_wal_receiver; seen";
    ByHand, "by-hand", Database, Step,
        "What the run leaves to a user, with the statement to type.",
        "pg_extension; the Database objects";
    Supervised, "supervised", Pods, Step,
        "The operator waits for a promotion.",
        "phase of the Cluster";
}
