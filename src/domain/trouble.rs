//! Why a pod does not get on, and whom that concerns: one fact for rungs, findings, guards and screens.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::cnpg::{CRASH_LOOP, IMAGE_REASONS};
use super::extension::MOUNT_ROOT;
use super::instance::Mount;

/// Container that runs PostgreSQL.
pub const POSTGRES: &str = "postgres";
/// Init container that brings the program of the operator; it waits for every volume, as the first that is started.
pub const BOOTSTRAP: &str = "bootstrap-controller";

/// What keeps a pod from getting on, in the words of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trouble {
    /// Name of the container; empty when the pod as a whole is meant (unschedulable).
    pub container: String,
    /// It is an init container.
    pub init: bool,
    /// e.g. `ErrImagePull`, `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable`.
    pub reason: String,
    /// Message as reported.
    pub message: String,
    /// Image of the container.
    #[serde(default)]
    pub image: Option<String>,
    /// How the container ended last.
    #[serde(default)]
    pub ended: Option<Ended>,
    /// Restart count of the container.
    #[serde(default)]
    pub restarts: u32,
    /// Since when, where Kubernetes says so.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ended {
    /// Exit code.
    pub code: Option<i64>,
    /// Signal that ended it.
    pub signal: Option<i64>,
    /// e.g. `OOMKilled`, `Error`.
    pub reason: String,
    /// Message as reported.
    pub message: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = self.signal.filter(|signal| *signal != 0).map(|signal| format!("signal {signal}"));
        let code = self.code.map(|code| format!("exit code {code}"));
        let how = [(!self.reason.is_empty()).then(|| self.reason.clone()), signal.or(code)];
        let how: Vec<String> = how.into_iter().flatten().collect();
        f.write_str(&how.join(", "))?;
        match self.message.trim() {
            "" => Ok(()),
            message => write!(f, ": {message}"),
        }
    }
}

/// Whom a trouble concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blame {
    /// The image or the mount of an entry.
    Entry(String),
    /// The image of the container itself.
    Image {
        /// The container.
        container: String,
        /// The image.
        image: String,
    },
    /// An image; which one is not said.
    SomeImage,
    /// The container, or the pod as a whole.
    Itself,
}

impl Trouble {
    /// The reason is about an image.
    pub fn is_image(&self) -> bool {
        IMAGE_REASONS.contains(&self.reason.as_str())
    }

    /// The text names this image reference, and not one that only begins or ends like it.
    pub fn names(&self, reference: &str) -> bool {
        is_named(&self.message, reference)
    }

    /// The container starts and ends over and over.
    pub fn is_crash_loop(&self) -> bool {
        self.reason == CRASH_LOOP
    }

    /// The container has run and ended, so that it has a log.
    pub fn has_ended(&self) -> bool {
        self.is_crash_loop() || self.ended.is_some()
    }

    /// The pod has no node.
    pub fn is_unscheduled(&self) -> bool {
        self.container.is_empty()
    }

    /// Kubernetes is known not to get on from here without help, or only for as long as the cause stays.
    pub fn is_known(&self) -> bool {
        self.is_image() || self.has_ended() || self.is_unscheduled() || self.reason.ends_with("Error") || self.reason.ends_with("Failed")
    }

    /// Whom it concerns, of a pod with these mounts.
    pub fn blames(&self, mounts: &[Mount]) -> Blame {
        let text = match &self.ended {
            Some(ended) => format!("{} {}", self.message, ended.message),
            None => self.message.clone(),
        };
        let referenced = mounts.iter().filter_map(|mount| {
            let reference = mount.reference.as_deref().filter(|reference| is_named(&text, reference))?;
            Some((reference.len(), Blame::Entry(mount.entry.clone())))
        });
        let own = self.image.as_deref().filter(|image| is_named(&text, image)).map(|image| {
            let container = self.container.clone();
            let image = image.to_owned();
            (image.len(), Blame::Image { container, image })
        });
        // Of two that are named, the longer one is meant: the other may be a part of it.
        let named = referenced.chain(own).max_by_key(|(length, _)| *length);
        if let Some((_, blame)) = named {
            return blame;
        }
        let placed = mounts.iter().find(|mount| {
            let path = format!("{MOUNT_ROOT}/{}", mount.entry);
            is_path_named(&text, &path)
                || mount
                    .volume
                    .as_deref()
                    .is_some_and(|volume| text.contains(&format!("\"{volume}\"")))
        });
        match placed {
            Some(mount) => Blame::Entry(mount.entry.clone()),
            None if !self.is_image() => Blame::Itself,
            None => match foreign_image(&text) {
                Some(image) => Blame::Image {
                    container: self.container.clone(),
                    image,
                },
                None => Blame::SomeImage,
            },
        }
    }

    /// The same with the last words of the container in its message.
    #[must_use]
    pub fn said(&self, words: &str) -> Self {
        Self {
            message: format!("{} {words}", self.message),
            ..self.clone()
        }
    }

    /// Reason and message, or how the container ended.
    pub fn words(&self) -> String {
        let told = match self.message.trim() {
            "" => self.reason.clone(),
            message => format!("{}: {message}", self.reason),
        };
        match &self.ended {
            Some(ended) if self.is_crash_loop() => format!("it ended with {ended}"),
            Some(ended) => ended.to_string(),
            None => told,
        }
    }

    /// The secret or config map that the container needs and that is not there.
    pub fn missing_object(&self) -> Option<(&'static str, String)> {
        ["secret", "configmap"].into_iter().find_map(|kind| {
            let (_, after) = self.message.split_once(&format!("{kind} \""))?;
            let (name, rest) = after.split_once('"')?;
            rest.contains("not found").then(|| (kind, name.to_owned()))
        })
    }

    /// Of which container, as a part of a sentence.
    pub fn place(&self) -> String {
        match (self.container.as_str(), self.init) {
            ("", _) => String::new(),
            (name, true) => format!("init container {name}"),
            (name, false) => format!("container {name}"),
        }
    }
}

/// A text names a reference as a whole: `hstore:1.8` is not named by `hstore:1.88`. A registry may be written before it.
fn is_named(text: &str, reference: &str) -> bool {
    !reference.is_empty()
        && text.match_indices(reference).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let mut after = text.get(at + reference.len()..).unwrap_or_default().chars();
            let begins = before.is_none_or(|before| !(before.is_alphanumeric() || matches!(before, '.' | '_' | '-' | ':' | '@')));
            let (next, then) = (after.next(), after.next());
            let ends = match next {
                None => true,
                Some('.' | ':') => then.is_none_or(char::is_whitespace),
                Some(next) => !(next.is_alphanumeric() || matches!(next, '_' | '-' | '/')),
            };
            begins && ends
        })
}

fn is_path_named(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let after = text.get(at + path.len()..).and_then(|after| after.chars().next());
        after.is_none_or(|after| !(after.is_alphanumeric() || matches!(after, '.' | '_' | '-')))
    })
}

/// An image that a text names in quotes.
fn foreign_image(text: &str) -> Option<String> {
    let quoted = text.split('"').skip(1).step_by(2);
    let mut images = quoted.filter(|quoted| {
        let has_tag = quoted.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
        has_tag && !quoted.contains("://") && !quoted.contains(char::is_whitespace)
    });
    images.next().map(str::to_owned)
}

/// In which way an instance does not get on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stall {
    /// A container or the scheduler says what is wrong.
    Told,
    /// It has been starting for long, and nothing says why.
    Starting,
    /// PostgreSQL's container runs, and has not been ready for long.
    Unready,
    /// It is to be gone since long.
    Terminating,
}

/// How long that is, in words: `for 5 days`.
pub fn lasting(from: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(from).as_mins().max(0);
    let (number, unit) = match minutes {
        0..120 => (minutes, "minute"),
        120..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    let many = if number == 1 { "" } else { "s" };
    format!("for {number} {unit}{many}")
}

/// An instance that cannot start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// Name of its pod.
    pub pod: String,
    /// In which way.
    pub stall: Stall,
    /// For how long, where that says something: `for 5 days`.
    pub lasts: Option<String>,
    /// The node that it is on.
    pub node: Option<String>,
    /// What keeps it from getting on.
    pub trouble: Trouble,
    /// Whom that concerns.
    pub blame: Blame,
    /// The last words of a container that ended, if they were read.
    pub fatal: Option<String>,
}

impl Failing {
    /// An entry is the cause.
    pub fn is_of(&self, entry: &str) -> bool {
        matches!(&self.blame, Blame::Entry(blamed) if blamed == entry)
    }
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pod, trouble, fatal, .. } = self;
        let lasts = self.lasts.as_deref().unwrap_or("for long");
        let node = self.node.as_ref().map(|node| format!(" on node {node}")).unwrap_or_default();
        match self.stall {
            Stall::Told => {}
            Stall::Starting => {
                let waiting = match trouble.container.as_str() {
                    "" => String::new(),
                    _ => format!(": {} waits, {}", trouble.place(), trouble.words()),
                };
                return write!(f, "{pod} has been starting {lasts}{node}{waiting}");
            }
            Stall::Unready => return write!(f, "{pod} runs{node} and has not been ready {lasts}"),
            Stall::Terminating => return write!(f, "{pod} should have been gone {lasts}, and is still terminating{node}"),
        }
        let words = trouble.words();
        let place = match trouble.container.as_str() {
            POSTGRES | "" => String::new(),
            _ => format!(" ({})", trouble.place()),
        };
        match (trouble.is_crash_loop(), fatal) {
            (true, Some(fatal)) => write!(f, "{pod} crash-loops{place}: {fatal}"),
            (true, None) if trouble.ended.is_some() => write!(f, "{pod} crash-loops{place}: {words}"),
            (true, None) => write!(f, "{pod} crash-loops{place}"),
            (false, Some(fatal)) => write!(f, "{pod} cannot start, {words}{place}: {fatal}"),
            (false, None) => write!(f, "{pod} cannot start, {words}{place}"),
        }
    }
}

/// A Job that has no pod, because it may not make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedJob {
    /// Its name.
    pub job: String,
    /// Name of the instance that it is to make.
    pub makes: String,
    /// In a word of Kubernetes, e.g. `FailedCreate`.
    pub reason: String,
    /// Message as reported.
    pub message: String,
}

impl fmt::Display for RefusedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            job,
            makes,
            reason,
            message,
        } = self;
        write!(f, "{makes} is not created: the Job {job} has no pod ({reason}: {message})")
    }
}

#[cfg(test)]
mod tests;
