//! What the user wants, as data. No secrets are in it: it is kept in the state directory until the run has ended.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::Timestamp;
use crate::domain::change::{Change, EntryEdit, stored};
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::{ClusterKey, DatabaseKey, PodKey};
use crate::domain::known::{folded, known_entry};

/// One guided action on a cluster, with its values.
///
/// In files the cluster is a part of the kind, as in every version of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The cluster that the action is about.
    pub cluster: ClusterKey,
    /// The action.
    pub kind: IntentKind,
}

impl Serialize for Intent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        stored::write(&self.cluster, &self.kind, serializer)
    }
}

impl<'de> Deserialize<'de> for Intent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (cluster, kind) = stored::read(deserializer)?;
        Ok(Self { cluster, kind })
    }
}

macro_rules! guided_actions {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The guided actions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum GuidedAction { $($(#[$doc])* $name,)* }

        impl GuidedAction {
            /// Every guided action.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }

        /// A guided action with its values.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum IntentKind { $($(#[$doc])* $name($name),)* }

        impl IntentKind {
            /// Which action it is.
            pub fn action(&self) -> GuidedAction {
                match self { $(Self::$name(_) => GuidedAction::$name,)* }
            }
        }

        $(impl $name {
            /// The intent on a cluster.
            pub fn on(self, cluster: ClusterKey) -> Intent {
                Intent { cluster, kind: IntentKind::$name(self) }
            }
        })*
    };
}

guided_actions! {
    /// Mount an image, preload libraries if needed, ask for the extension in databases, prove it.
    AddExtension,
    /// Give an entry another image reference.
    ChangeImage,
    /// Edit the paths, the environment, the pull policy or the place of an entry.
    EditEntry,
    /// Set the version of a SQL extension in the databases that ask for it.
    SetVersion,
    /// Set the schema of a SQL extension in the databases that ask for it.
    SetSchema,
    /// Ask for SQL extensions in a database.
    Declare,
    /// Drop a SQL extension in a database.
    DropExtension,
    /// Have the operator look at a `Database` object again.
    Refresh,
    /// Drop an extension everywhere, take its libraries out, unmount its image.
    RemoveExtension,
    /// Set the preload libraries.
    EditPreload,
    /// Have PostgreSQL read its configuration again.
    Reload,
    /// Restart all instances.
    RestartCluster,
    /// Restart one instance: the primary in place, a replica by deletion.
    RestartInstance,
    /// Delete a pod that never became ready and whose mounts differ from the resolved entries.
    DeleteStuckPod,
    /// Promote a standby.
    Promote,
    /// Put back what a failed or blocked run wrote, last first, then delete the pods that stay stuck.
    PutBack,
}

/// Values of *add an extension*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddExtension {
    /// The entry; without a reference it comes from the cluster's catalog.
    pub entry: ExtensionEntry,
    /// Libraries to preload, a step of its own.
    pub preload: Vec<String>,
    /// Databases that shall have it.
    pub databases: Vec<DatabaseWish>,
}

/// A SQL extension wanted in a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseWish {
    /// PostgreSQL database.
    pub database: String,
    /// SQL extension.
    pub extension: String,
    /// Version, or whatever the image offers.
    pub version: Option<String>,
    /// Schema, or the default.
    pub schema: Option<String>,
}

/// What is wrong with `DATABASE` or `DATABASE=VERSION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongWish {
    /// It is not written so.
    Form,
    /// A version can only be meant for one SQL extension.
    VersionOfSeveral,
}

impl DatabaseWish {
    /// Each of the SQL extensions in the database that is written as `DATABASE` or `DATABASE=VERSION`.
    ///
    /// # Errors
    ///
    /// When the database is not written so, or has one version for several SQL extensions.
    pub fn read(text: &str, names: &[String], schema: Option<&str>) -> Result<Vec<Self>, WrongWish> {
        let (database, version) = match text.split_once('=') {
            Some((database, version)) => (database, Some(version)),
            None => (text, None),
        };
        if database.is_empty() || version == Some("") {
            return Err(WrongWish::Form);
        }
        if version.is_some() && names.len() > 1 {
            return Err(WrongWish::VersionOfSeveral);
        }
        let wishes = names.iter().map(|extension| Self {
            database: database.to_owned(),
            extension: extension.clone(),
            version: version.map(str::to_owned),
            schema: schema.map(str::to_owned),
        });
        Ok(wishes.collect())
    }

    /// The SQL extensions that are meant where none is named: what is known of the image, else its own name. An image that
    /// offers no SQL extension is only mounted and preloaded.
    pub fn default_names(entry: &str, reference: Option<&str>) -> Vec<String> {
        match known_entry(entry, reference) {
            Some(known) => known.sql_names.first().map(|name| (*name).to_owned()).into_iter().collect(),
            None => vec![folded(entry)],
        }
    }
}

/// Values of *change the image*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeImage {
    /// Mount name.
    pub entry: String,
    /// The new reference; `None` takes the entry's own one away, so that the catalog's counts.
    pub reference: Option<String>,
    /// What databases have stays at its version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_versions: bool,
    /// Time stamp of a promotion, where the update is supervised and the path is read on a replica first; without one the
    /// run promotes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The standby that is promoted then, chosen when the plan is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<String>,
}

impl ChangeImage {
    /// Another image, and then the version that it offers.
    pub fn new(entry: impl Into<String>, reference: Option<String>, at: Timestamp) -> Self {
        Self {
            entry: entry.into(),
            reference,
            keep_versions: false,
            at: Some(at),
            standby: None,
        }
    }

    /// It wants the same, whenever it was asked for.
    pub fn is_same(&self, other: &Self) -> bool {
        let wanted = |one: &Self| (one.entry.clone(), one.reference.clone(), one.keep_versions);
        wanted(self) == wanted(other)
    }
}

/// Values of *edit an entry*.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EditEntry {
    /// What is set.
    pub edit: EntryEdit,
    /// Where it is put; `None`: it stays where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Restart all instances afterwards: value of the annotation, fixed when the run is made.
    #[serde(default)]
    pub restart: Option<Timestamp>,
}

/// A place in the list of entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Before all others.
    First,
    /// After the entry of this mount name.
    After(String),
}

/// Values of *set the version*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetVersion {
    /// SQL name.
    pub extension: String,
    /// The version.
    pub version: String,
    /// Databases; none means all whose objects ask for it when the plan is made.
    #[serde(default)]
    pub databases: Vec<String>,
}

/// Values of *set the schema*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSchema {
    /// SQL name.
    pub extension: String,
    /// The schema, which must be there.
    pub schema: String,
    /// Databases; none means all whose objects ask for it when the plan is made.
    #[serde(default)]
    pub databases: Vec<String>,
}

/// Values of *declare*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declare {
    /// What is asked for; what it requires is put before it when the plan is made.
    pub databases: Vec<DatabaseWish>,
}

/// Values of *drop*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropExtension {
    /// PostgreSQL database.
    pub database: String,
    /// SQL name.
    pub extension: String,
}

/// Values of *refresh*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// The `Database` object.
    pub key: DatabaseKey,
}

/// Values of *remove an extension*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveExtension {
    /// Mount name.
    pub entry: String,
    /// SQL extensions that it provides; none means those that are known when the plan is made.
    #[serde(default)]
    pub names: Vec<String>,
    /// Its libraries, as they were known when the plan was made.
    #[serde(default)]
    pub libraries: Vec<String>,
    /// Nobody knew which SQL extensions it provides, and none was named.
    #[serde(default)]
    pub is_unknown: bool,
}

/// Values of *edit the preload libraries*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditPreload {
    /// The whole list, in order, as it was typed.
    pub libraries: Vec<String>,
    /// The list that was edited. What differs between the two is what is wanted; without it, what differs from the list
    /// that is there when the plan is made.
    #[serde(default)]
    pub before: Option<Vec<String>>,
}

/// Values of *reload the configuration*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    /// Value of the annotation: fixed when the run is made, so that a repeated step is recognised.
    pub at: Timestamp,
}

/// Values of *restart all instances*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartCluster {
    /// Value of the annotation: fixed when the run is made, so that a repeated step is recognised.
    pub at: Timestamp,
}

/// Values of *restart an instance*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartInstance {
    /// The instance.
    pub pod: PodKey,
    /// Its UID when the run was made.
    pub uid: String,
    /// Restart count of its container when the run was made.
    pub restarts: u32,
}

/// Values of *delete the stuck pod*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteStuckPod {
    /// The pod.
    pub pod: PodKey,
    /// Its UID.
    pub uid: String,
}

/// Values of *promote*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promote {
    /// Name of the instance.
    pub instance: String,
    /// Time stamp of the request.
    pub at: Timestamp,
}

/// Values of *put back*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutBack {
    /// Name of the run, for people.
    pub of: String,
    /// The inverse changes, in order.
    pub changes: Vec<Change>,
    /// What is not put back, and why, as sentences.
    #[serde(default)]
    pub left: Vec<String>,
}
