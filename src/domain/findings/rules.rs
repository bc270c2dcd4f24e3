//! The table of rules: what each finding means, how bad it is, and where the rule comes from.

/// How bad a finding is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something does not work.
    Error,
    /// Something will not work, or waits for a person.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// The word shown and written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its code.
    pub code: Code,
    /// The stable word of the code.
    pub word: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it means, in a sentence or two.
    pub means: &'static str,
    /// Where it comes from: source or documentation of CloudNativePG or PostgreSQL, or what was seen on a real operator.
    pub source: &'static str,
}

/// Makes the codes and their rules of one row each: name, word, severity; what it means; where it comes from.
macro_rules! codes {
    ($($code:ident = $word:literal, $severity:ident, $means:literal, $source:literal;)+) => {
        /// A code of the finding table, in the order in which findings of the same severity are listed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(
                #[doc = $means]
                $code,
            )+
        }

        impl Code {
            /// Every code.
            pub const ALL: [Self; [$(Self::$code),+].len()] = [$(Self::$code),+];

            /// The rule behind it.
            pub const fn rule(self) -> Rule {
                match self {
                    $(Self::$code => Rule {
                        code: self,
                        word: $word,
                        severity: Severity::$severity,
                        means: $means,
                        source: $source,
                    },)+
                }
            }
        }
    };
}

impl Code {
    /// The stable kebab-case code.
    pub const fn as_str(self) -> &'static str {
        self.rule().word
    }

    /// How bad it is.
    pub const fn severity(self) -> Severity {
        self.rule().severity
    }
}

codes! {
    ImageNotPullable = "image-not-pullable", Error,
        "The image of an entry or of a container cannot be pulled or mounted. The rollout stops at this instance, and the operator does not say so.",
        "seen on a real operator; Kubernetes container waiting reasons";
    StuckPod = "stuck-pod", Error,
        "The spec was corrected, but a pod that never became ready keeps waiting for the old image: the operator does not replace it.",
        "seen on a real operator";
    PreloadLibraryMissing = "preload-library-missing", Error,
        "A library of shared_preload_libraries is not found, so the instance does not start. The last FATAL line of its log names the library.",
        "seen on a real operator; PostgreSQL 18 documentation, 19.11.4";
    WaitingForPromotion = "waiting-for-promotion", Warning,
        "primaryUpdateStrategy is supervised: the replicas are done, and the operator waits until a person promotes one.",
        "CloudNativePG documentation, \"Rolling updates\"; seen";
    PromotionBlocked = "promotion-blocked", Error,
        "A standby that the operator would promote, or every standby, does not stream: the operator waits forever before it promotes one.",
        "seen on a real operator with primaryUpdateMethod switchover";
    ShadowedBySystem = "shadowed-by-system", Warning,
        "The operand image ships the extension itself, and $system comes first: the files of the entry are never used.",
        "CloudNativePG pkg/postgres/configuration.go; measured on PostgreSQL 18";
    RestartPending = "restart-pending", Warning,
        "ld_library_path, bin_path or env of an entry changed, or a setting waits: nothing triggers the restart that it takes.",
        "CloudNativePG pkg/management/postgres/instance.go; seen";
    CatalogError = "catalog-error", Error,
        "The catalog lacks an entry or garbles it: the operator halts everything for the cluster, failover included.",
        "CloudNativePG internal/controller, phase \"Cluster has incomplete or invalid image catalog\"";
    InstalledNotOffered = "installed-not-offered", Error,
        "An extension is installed in a database, and an instance does not offer it any more: its control file is gone. Every use of it that needs its files fails, a dump as well.",
        "pg_extension and pg_available_extensions of each instance; measured on PostgreSQL 18";
    InstalledWithoutLibrary = "installed-without-library", Error,
        "An extension is installed in a database, and a library that its functions name is in no directory of dynamic_library_path of an instance.",
        "pg_proc.probin and the files of each instance; PostgreSQL error 58P01";
    ControlFileBroken = "control-file-broken", Error,
        "One control file that PostgreSQL cannot read makes pg_available_extensions fail as a whole.",
        "measured on PostgreSQL 18; seen";
    AppliedNotInstalled = "applied-not-installed", Error,
        "applied: true is history: the operator looks once per generation, and pg_extension no longer has the extension.",
        "CloudNativePG internal/management/controller/database_controller.go; seen";
    PostgresTooOld = "postgres-too-old", Error,
        "Before PostgreSQL 18 there is no extension_control_path: images are mounted and never found.",
        "PostgreSQL 18 release notes";
    UnreadableObject = "unreadable-object", Info,
        "An object of the namespace is not as its kind should be; the others are not affected.",
        "extop";
    ReconciliationDisabled = "reconciliation-disabled", Warning,
        "Annotation cnpg.io/reconciliationLoop: disabled. No change has an effect, and there is no failover.",
        "CloudNativePG documentation, \"Labels and annotations\"";
    PodSpecFrozen = "pod-spec-reconciliation-disabled", Warning,
        "Annotation cnpg.io/reconcilePodSpec: disabled. Pods are not recreated, so a new entry is never mounted.",
        "CloudNativePG documentation, \"Labels and annotations\"";
    Fenced = "fenced", Warning,
        "Annotation cnpg.io/fencedInstances. PostgreSQL is kept stopped there, and nothing of it can be seen by SQL.",
        "CloudNativePG documentation, \"Fencing\"";
    FenceNotUnderstood = "fence-not-understood", Warning,
        "Annotation cnpg.io/fencedInstances is not a JSON list of names. The operator fences no instance then, and its plugin refuses to change the fence.",
        "CloudNativePG pkg/utils/fencing.go";
    Hibernated = "hibernated", Info,
        "Annotation cnpg.io/hibernation: on. The cluster has no pods.",
        "CloudNativePG documentation, \"Declarative hibernation\"";
    RolloutDelayed = "rollout-delayed", Warning,
        "The operator spreads rollouts over time (CLUSTERS_ROLLOUT_DELAY, INSTANCES_ROLLOUT_DELAY).",
        "CloudNativePG documentation, \"Operator configuration\"";
    DiskFull = "disk-full", Error,
        "An instance has no disk space left; the operator stops its work on the cluster.",
        "CloudNativePG phase \"Not enough disk space\"";
    Unrecoverable = "unrecoverable", Error,
        "The operator reports that the cluster is unrecoverable, and stops its work on it.",
        "CloudNativePG phase \"Cluster is unrecoverable and needs manual intervention\"";
    InvalidDefinition = "invalid-definition", Error,
        "The operator refuses the spec (1.30 and later) and does nothing for the cluster.",
        "CloudNativePG phase \"Invalid cluster definition\"";
    SeveralDatabaseObjects = "several-database-objects", Error,
        "One Database object per database: the operator follows one and refuses the others.",
        "CloudNativePG internal/management/controller/common.go, \"is already managed by object\"";
    OwnerMismatch = "owner-mismatch", Warning,
        "A Database object changes the owner of an existing database to the one that it names, and the operator does not say so.",
        "CloudNativePG internal/management/controller/database_controller_sql.go";
    RequestRefused = "request-refused", Error,
        "PostgreSQL or the operator refused what a Database object asks for: the object as a whole, or an item of it. The operator tries again every 30 s.",
        "status of the Database object; CloudNativePG internal/management/controller/database_controller.go";
    AnswerOutdated = "answer-outdated", Warning,
        "The status of a Database object has a refusal, and SQL, read later, shows that it has been done, or the object no longer asks for it.",
        "status of the Database object; pg_extension";
    SchemaDiffers = "schema-differs", Warning,
        "An extension is in another schema than the one that a Database object asks for, and the operator has done its work: it looks once per generation.",
        "pg_extension; CloudNativePG internal/management/controller/database_controller_sql.go";
    AppliedNotDropped = "applied-not-dropped", Warning,
        "A Database object asks that an extension be absent, the operator has dropped it once, and it is installed again.",
        "pg_extension; CloudNativePG internal/management/controller/database_controller.go";
    ExtensionNotOffered = "extension-not-offered", Error,
        "A Database object asks for an extension that no control file on the path offers.",
        "PostgreSQL error 0A000; seen";
    NoUpdatePath = "no-update-path", Error,
        "The version that a Database object asks for cannot be reached from the installed one, or is not in the image.",
        "PostgreSQL error 22023; seen";
    DirectoryMissing = "directory-missing", Error,
        "An entry names a directory that its image lacks: PostgreSQL and the loader find nothing there, and do not say so. The entry may work through another one.",
        "PostgreSQL 18 documentation, extension_control_path and dynamic_library_path; measured";
    LibraryMissing = "library-missing", Error,
        "The control file is offered, but the library that it names is not on dynamic_library_path: CREATE EXTENSION fails.",
        "PostgreSQL error 58P01; measured";
    LibraryUnusable = "library-unusable", Error,
        "The library is there and cannot be loaded: it is made for another version of PostgreSQL, distribution or architecture, is not a module, or may not be read or executed.",
        "PostgreSQL errors XX000 and 58P01; measured";
    SystemLibraryMissing = "system-library-missing", Error,
        "The library needs a system library of the image, and ld_library_path does not lead there.",
        "PostgreSQL error 58P01; measured; seen";
    PreloadNotAsked = "preload-not-asked", Error,
        "The extension needs its library at start, a Database object asks for it, and shared_preload_libraries does not have it.",
        "READMEs of postgres-extensions-containers; PostgreSQL error 55000";
    DroppedByOperator = "dropped-by-operator", Warning,
        "pgaudit and pg_stat_statements are managed by the operator: without a parameter of theirs it drops them at the next start of a primary.",
        "CloudNativePG internal/management/controller/instance_controller.go";
    ReferenceNotPinned = "reference-not-pinned", Warning,
        "Without a tag, or with the tag latest, pods that are recreated may mount another image than their neighbours.",
        "Kubernetes documentation, \"Images\"";
    MajorMismatch = "postgres-major-mismatch", Error,
        "The tag says that the image is made for another major version of PostgreSQL than the cluster runs.",
        "postgres-extensions-containers, \"Naming and tagging\"";
    DistributionMismatch = "distribution-mismatch", Warning,
        "The tag says that the image is made for another distribution than the operand: system libraries may differ.",
        "postgres-extensions-containers, \"Naming and tagging\"";
    InstanceCrashing = "instance-crashing", Error,
        "An instance crash-loops, and the last FATAL line of its log is not about extensions or cannot be read: nothing is mounted or loaded there until it starts.",
        "Kubernetes container waiting reasons; PostgreSQL log";
    PreloadWithoutLibrary = "preload-without-library", Error,
        "A library of spec.postgresql.shared_preload_libraries is in no directory of dynamic_library_path of a running instance: its next start fails.",
        "PostgreSQL 18 documentation, 19.11.4; measured";
    NamedLibraryMissing = "named-library-missing", Error,
        "session_preload_libraries, archive_library, oauth_validator_libraries or a replication slot names a library that is in no directory of dynamic_library_path: what it is for fails.",
        "pg_settings and pg_replication_slots of each instance, and its files; PostgreSQL error 58P01";
    RequirementMissing = "requirement-missing", Error,
        "A Database object asks for an extension whose required extension is neither installed nor listed before it: the operator does not use CASCADE.",
        "PostgreSQL error 42704; CloudNativePG internal/management/controller/database_controller_sql.go";
    AvailabilityDiffers = "availability-differs", Warning,
        "Instances offer different extensions or versions although no rollout is on its way: after a failover the answer changes.",
        "pg_available_extensions of each instance";
    PathOverridden = "path-overridden", Warning,
        "ALTER DATABASE, ALTER ROLE or ALTER SYSTEM sets a path: elements that the operator adds do not reach those sessions.",
        "PostgreSQL 18 documentation, 19.1.3; measured";
    NotDeclared = "installed-not-declared", Info,
        "An extension that an entry provides is installed in a database, and no Database object asks for it there: the operator will not update it.",
        "pg_extension; CloudNativePG documentation, \"Declarative database management\"";
    UpdateOffered = "update-offered", Info,
        "The image offers another version than the one installed, a path leads there, and no version is asked for: without one the operator never updates.",
        "CloudNativePG internal/management/controller/database_controller_sql.go; pg_extension_update_paths";
    ImageBehind = "image-behind", Warning,
        "The image offers neither the version that is installed in a database nor a path from it to what it has: it is older than what is installed.",
        "pg_extension, pg_available_extension_versions and pg_extension_update_paths; PostgreSQL error 22023";
    OverrideIgnored = "empty-override-ignored", Warning,
        "A list of an entry is written and empty, and the catalog's is not: the operator takes the catalog's, because empty means not set.",
        "CloudNativePG pkg/utils/extensions";
    ShadowedByEntry = "shadowed-by-entry", Warning,
        "Two entries have an extension of the same name: PostgreSQL takes the one that comes first on the path, and does not say so.",
        "PostgreSQL 18 documentation, extension_control_path; measured";
    RestartUnknown = "restart-unknown", Info,
        "ld_library_path, bin_path or env of an entry may have changed since the server started, and its environment cannot be read: if so, nothing triggers the restart that it takes.",
        "CloudNativePG pkg/management/postgres/instance.go; managedFields";
    ImageVolumeDropped = "image-volume-dropped", Error,
        "The API server stored a pod without the image volume that the operator asked for: it does not know the field. The pod never mounts the entry.",
        "Kubernetes feature gate ImageVolume; CloudNativePG annotation cnpg.io/podSpec";
    InstanceNotStarting = "instance-not-starting", Error,
        "An instance does not start: a container, the scheduler or the node says why, or it has been starting for more than ten minutes.",
        "Kubernetes container waiting reasons, pod conditions";
    InstanceWaits = "instance-waits", Warning,
        "A container waits for a reason that extop does not know. If it lasts for ten minutes, the instance does not start.",
        "Kubernetes container waiting reasons";
    InstanceNotReady = "instance-not-ready", Warning,
        "PostgreSQL's container runs and has not been ready for more than ten minutes; the instance is not fenced.",
        "Kubernetes pod conditions";
    PodTerminating = "pod-terminating", Warning,
        "A pod should have been gone for some time: its node may be lost. The operator does not create the instance again before it is.",
        "Kubernetes documentation, \"Pod Lifecycle\"";
    OperatorBlocked = "operator-blocked", Error,
        "The phase of the cluster says that the operator does not continue with it: nothing that is asked for is done until the cause is gone.",
        "CloudNativePG api/v1/cluster_types.go and internal/controller/cluster_controller.go, phases";
    FieldsIgnored = "fields-ignored", Warning,
        "An operator before 1.29 accepts bin_path and env of an entry (from 1.27.4 and 1.28.2 on) and does nothing with them.",
        "CloudNativePG release notes 1.28.2; seen on a real operator";
}

#[cfg(test)]
pub(crate) mod tests;
