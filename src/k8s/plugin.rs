//! Credential plugins: run without a terminal, and their answers checked before anything is done with them.

use std::collections::BTreeSet;
use std::process::{Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use jiff::Timestamp;
use kube::config::{ExecAuthCluster, ExecConfig};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use serde_json::json;
use tokio::process::{Child, Command};

use super::secrets;
use crate::backend::{BackendError, ErrorKind};
use crate::domain::text::sanitise;

/// The most of a plugin's complaint that is repeated, in characters.
const MOST_COMPLAINT: usize = 300;
/// Words in the names of options and variables whose values are secret.
const SECRET: &[&str] = &["secret", "password", "passwd", "token", "key", "credential"];

/// A plugin of a user entry.
pub(super) struct Plugin {
    /// The command's name, as people know it.
    name: String,
    /// Whose credentials it gives, in words.
    user: String,
    exec: ExecConfig,
    /// The longest that it may take.
    limit: Duration,
}

/// A certificate and its key, in PEM.
pub(super) type Identity = (String, String);

/// Leaders of the process groups of plugins that run.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Ends the plugins that still run, with the processes that they started: the program is about to end.
pub fn end_plugins() {
    let running = std::mem::take(&mut *RUNNING.lock().unwrap_or_else(PoisonError::into_inner));
    for leader in running {
        kill(leader);
    }
}

fn kill(leader: i32) {
    if let Some(leader) = Pid::from_raw(leader) {
        // Perhaps it has just ended by itself.
        let _ = kill_process_group(leader, Signal::KILL);
    }
}

/// A plugin and the processes that it started. They are killed when this is dropped.
struct Group(Option<i32>);

impl Group {
    fn of(child: &Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok());
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).extend(leader);
        Self(leader)
    }

    /// It has ended by itself.
    fn forget(&mut self) -> Option<i32> {
        let leader = self.0.take()?;
        let known = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).remove(&leader);
        known.then_some(leader)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.forget() {
            kill(leader);
        }
    }
}

/// What a plugin answered, checked.
pub(super) struct Answer {
    /// The header that its token goes into.
    pub(super) header: Option<HeaderValue>,
    /// A certificate and its key, in PEM.
    pub(super) identity: Option<Identity>,
    /// When they end.
    pub(super) expires: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Document {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Plugin {
    /// The plugin that a user entry names.
    pub(super) fn new(user: &str, exec: ExecConfig, limit: Duration) -> Result<Self, BackendError> {
        let Some(command) = &exec.command else {
            let why = format!("{user} has a credential plugin without a command");
            return Err(BackendError::new(ErrorKind::Config, why).with_hint("write exec.command into the user entry"));
        };
        Ok(Self {
            name: sanitise(command),
            user: user.to_owned(),
            exec,
            limit,
        })
    }

    /// Runs it once. Whoever drops the future ends the plugin.
    pub(super) async fn run(&self) -> Result<Answer, BackendError> {
        let mut command = Command::new(self.exec.command.as_deref().unwrap_or_default());
        command
            .args(self.exec.args.iter().flatten())
            .envs(self.variables())
            .env("KUBERNETES_EXEC_INFO", self.request())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let run = async {
            let child = command.spawn()?;
            let mut group = Group::of(&child);
            let output = child.wait_with_output().await;
            // What it leaves running by intention, like an agent, is not ended.
            group.forget();
            output
        };
        let output = match tokio::time::timeout(self.limit, run).await {
            Err(_) => {
                let why = format!("did not answer within {} s", self.limit.as_secs_f32());
                return Err(self
                    .failed(&why)
                    .with_hint("log in before; in a command --request-timeout gives it more time"));
            }
            Ok(Err(error)) => {
                let hint = self.exec.install_hint.as_deref().map(sanitise);
                return Err(self
                    .failed(&format!("cannot be started: {error}"))
                    .with_hint(hint.unwrap_or_else(|| "install it, or correct exec.command in the user entry".to_owned())));
            }
            Ok(Ok(output)) => output,
        };
        if output.status.success() {
            self.answer(&output.stdout)
        } else {
            Err(self.failed(&self.complaint(&output)))
        }
    }

    fn failed(&self, why: &str) -> BackendError {
        let why = format!("the credential plugin {} of {} {why}", self.name, self.user);
        BackendError::new(ErrorKind::Unauthenticated, why).with_hint("log in again; a credential plugin must not ask on the terminal")
    }

    /// Variables that the kubeconfig gives it.
    fn variables(&self) -> impl Iterator<Item = (&String, &String)> {
        let pairs = self.exec.env.iter().flatten();
        pairs.filter_map(|pair| pair.get("name").zip(pair.get("value")))
    }

    /// What is wanted of it (client-go `clientauthentication.ExecCredential`).
    fn request(&self) -> String {
        let cluster: Option<&ExecAuthCluster> = self.exec.cluster.as_ref().filter(|_| self.exec.provide_cluster_info);
        let mut spec = json!({"interactive": false});
        if let (Some(spec), Some(cluster)) = (spec.as_object_mut(), cluster.and_then(|cluster| serde_json::to_value(cluster).ok())) {
            spec.insert("cluster".to_owned(), cluster);
        }
        json!({"kind": "ExecCredential", "apiVersion": self.exec.api_version, "spec": spec}).to_string()
    }

    /// Why it failed, in its own words. What it printed for us, and what it was given, may hold secrets.
    fn complaint(&self, output: &Output) -> String {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let last = complaint.lines().rev().map(str::trim).find(|line| !line.is_empty());
        let hidden = self
            .given()
            .into_iter()
            .fold(last.unwrap_or_default().to_owned(), |line, secret| line.replace(secret, "…"));
        let said: String = sanitise(&hidden).chars().take(MOST_COMPLAINT).collect();
        let ended = format!("ended with {}", output.status);
        if said.is_empty() { ended } else { format!("{ended}: {said}") }
    }

    /// Secrets that it was given by options and variables.
    fn given(&self) -> Vec<&str> {
        let is_secret = |name: &str| SECRET.iter().any(|word| name.to_ascii_lowercase().contains(word));
        let arguments = self.exec.args.as_deref().unwrap_or_default();
        let apart = arguments.windows(2).filter_map(|two| match two {
            [name, value] if name.starts_with('-') && !name.contains('=') && is_secret(name) => Some(value.as_str()),
            _ => None,
        });
        let joined = arguments
            .iter()
            .filter_map(|argument| argument.split_once('='))
            .filter(|(name, _)| is_secret(name))
            .map(|(_, value)| value);
        let variables = self
            .variables()
            .filter(|(name, _)| is_secret(name))
            .map(|(_, value)| value.as_str());
        apart.chain(joined).chain(variables).filter(|value| !value.is_empty()).collect()
    }

    /// Reads and checks what it printed.
    pub(super) fn answer(&self, stdout: &[u8]) -> Result<Answer, BackendError> {
        let unreadable = |why: &dyn std::fmt::Display| self.failed(&format!("gave an answer that cannot be read: {why}"));
        let text = secrets::text(stdout).map_err(|why| unreadable(&why))?;
        let documents = secrets::yaml::<Document>(&text).map_err(|why| unreadable(&why))?;
        let Some(status) = documents.into_iter().find_map(|document| document.status) else {
            return Err(self.failed("gave an answer without a status"));
        };
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let header = match filled(status.token) {
            Some(token) => Some(secrets::bearer(&token).map_err(|why| self.failed(&format!("gave a token that {why}")))?),
            None => None,
        };
        let identity = match (filled(status.client_certificate_data), filled(status.client_key_data)) {
            (None, None) => None,
            (Some(certificate), Some(key)) if secrets::has_certificate(certificate.as_bytes()) && secrets::has_key(key.as_bytes()) => {
                Some((certificate, key))
            }
            (Some(_), Some(_)) => return Err(self.failed("gave a certificate or a key that cannot be read")),
            _ => return Err(self.failed("gave a certificate without its key, or a key without its certificate")),
        };
        if header.is_none() && identity.is_none() {
            return Err(self.failed("gave neither a token nor a certificate"));
        }
        let expires = match filled(status.expiration_timestamp).map(|time| time.parse()) {
            None => None,
            Some(Ok(time)) => Some(time),
            Some(Err(_)) => return Err(self.failed("gave an expirationTimestamp that is not a time")),
        };
        Ok(Answer { header, identity, expires })
    }
}

#[cfg(test)]
mod tests;
