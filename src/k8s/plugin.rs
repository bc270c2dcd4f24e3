//! Credential plugins: run beside the program, and their answers checked before anything is done with them.

mod terminal;

use std::collections::BTreeSet;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use jiff::Timestamp;
use kube::config::{ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::answer;
use super::secrets;
use crate::backend::{BackendError, ErrorKind};
use crate::domain::text::sanitise;
use terminal::{Foreground, Said, Stop};

pub use terminal::{Loan, Terminal};

/// How long a person may take who logs in.
pub const LOGIN: Duration = Duration::from_secs(300);
/// A plugin that waits for the terminal is noticed within this time.
const LOOK: Duration = Duration::from_millis(100);
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
    terms: Terms,
    /// A person was asked without success, and is not asked again by itself.
    in_vain: AtomicBool,
}

/// How a plugin is run.
#[derive(Debug, Clone)]
pub struct Terms {
    /// How long it may take that asks nobody.
    pub limit: Duration,
    /// How long it may take where it does not say that it asks nobody, and has no terminal: a browser may be open.
    pub elsewhere: Duration,
    /// Who holds the terminal that it may ask on.
    pub terminal: Option<Arc<dyn Terminal>>,
}

impl Terms {
    /// Without a terminal.
    #[cfg(test)]
    pub(super) fn alone(limit: Duration) -> Self {
        Self {
            limit,
            elsewhere: limit,
            terminal: None,
        }
    }
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
    terminal::take_back();
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
    /// Starts a plugin. Whoever ends the program meanwhile waits until the plugin is known here: it may run before `spawn` returns.
    fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn()?;
        let leader = child.id().and_then(|id| i32::try_from(id).ok());
        running.extend(leader);
        Ok((child, Self(leader)))
    }

    fn leader(&self) -> Option<Pid> {
        self.0.and_then(Pid::from_raw)
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

/// How a run of a plugin ended.
enum Ended {
    /// By itself.
    Itself {
        status: ExitStatus,
        stdout: Vec<u8>,
        /// What it said on stderr.
        said: String,
        /// It had the terminal.
        asked: bool,
    },
    /// It must be started again, because the terminal was not ready for it; now it is.
    Unready(Loan),
}

/// All that a plugin prints.
async fn printed(from: Option<ChildStdout>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let most = u64::try_from(answer::TEXT).unwrap_or(u64::MAX);
        from.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
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
    pub(super) fn new(user: &str, exec: ExecConfig, terms: Terms) -> Result<Self, BackendError> {
        let Some(command) = &exec.command else {
            let why = format!("{user} has a credential plugin without a command");
            return Err(BackendError::new(ErrorKind::Config, why).with_hint("write exec.command into the user entry"));
        };
        Ok(Self {
            name: sanitise(command),
            user: user.to_owned(),
            exec,
            terms,
            in_vain: AtomicBool::new(false),
        })
    }

    /// Runs it once. Whoever drops the future ends the plugin.
    pub(super) async fn run(&self) -> Result<Answer, BackendError> {
        let terminal = self.terminal()?;
        let mut ended = self.once(terminal, None).await;
        if let Ok(Ended::Unready(loan)) = ended {
            ended = self.once(terminal, Some(loan)).await;
        }
        match ended? {
            Ended::Itself {
                status,
                stdout,
                said,
                asked,
            } => {
                let answer = if status.success() {
                    self.answer(&stdout)
                } else {
                    Err(self.failed(&self.complaint(status, &said)))
                };
                self.in_vain.store(asked && answer.is_err(), Ordering::Relaxed);
                answer
            }
            Ended::Unready(_) => Err(self.failed("does not get the terminal")),
        }
    }

    /// Starts it, with the terminal or without, and waits for its end.
    async fn once(&self, terminal: Option<&Arc<dyn Terminal>>, loan: Option<Loan>) -> Result<Ended, BackendError> {
        // Taken back after the plugin has ended: dropped last.
        let mut foreground = None;
        let (mut child, mut group) = Group::start(&mut self.command(terminal.is_some())).map_err(|error| {
            let hint = self.exec.install_hint.as_deref().map(sanitise);
            self.failed(&format!("cannot be started: {error}"))
                .with_hint(hint.unwrap_or_else(|| "install it, or correct exec.command in the user entry".to_owned()))
        })?;
        let outcome = self.attend(&mut child, &group, (terminal, loan), &mut foreground).await;
        // What it leaves running by intention, like an agent, is not ended.
        if matches!(outcome, Ok(Ended::Itself { .. })) && group.forget().is_none() {
            // It was ended because a signal ends the program, which must not end by what follows from that.
            std::future::pending::<()>().await;
        }
        drop(group);
        drop(foreground);
        outcome
    }

    /// The process, to be started.
    fn command(&self, may_ask: bool) -> Command {
        let mut command = Command::new(self.exec.command.as_deref().unwrap_or_default());
        command
            .args(self.exec.args.iter().flatten())
            .envs(self.variables())
            .env("KUBERNETES_EXEC_INFO", self.request(may_ask))
            .stdin(if may_ask { Stdio::inherit() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// Waits for the end of it, and gives it the terminal when it must ask a person.
    async fn attend(
        &self,
        child: &mut Child,
        group: &Group,
        (terminal, mut loan): (Option<&Arc<dyn Terminal>>, Option<Loan>),
        foreground: &mut Option<Foreground>,
    ) -> Result<Ended, BackendError> {
        let said = Said::default();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let whole = async { tokio::try_join!(child.wait(), printed(stdout), said.listen(stderr)) };
        let mut whole = std::pin::pin!(whole);
        let mut limit = self.limit();
        let mut deadline = Instant::now() + limit;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let (Some(loan), Some(leader)) = (loan.take(), group.leader()) {
                *foreground = Some(Foreground::give(loan, leader));
                said.show().await;
                terminal::go_on(leader);
                limit = LOGIN;
                deadline = Instant::now() + limit;
            }
            tokio::select! {
                ended = &mut whole => {
                    let (status, stdout, ()) = ended.map_err(|error| self.failed(&format!("cannot be read: {error}")))?;
                    return Ok(Ended::Itself { status, stdout, said: said.text(), asked: foreground.is_some() });
                }
                () = sleep_until(deadline) => return Err(self.too_late(limit, foreground.is_some())),
                _ = look.tick() => {}
            }
            let stop = group.leader().and_then(terminal::stopped);
            match (stop, terminal) {
                (Some(Stop::Other), _) => {
                    self.in_vain.store(foreground.is_some(), Ordering::Relaxed);
                    return Err(self.failed("was stopped"));
                }
                // It was stopped at the moment in which it got the terminal.
                (Some(_), _) if foreground.is_some() => group.leader().into_iter().for_each(terminal::go_on),
                (Some(_), None) => return Err(self.failed("must ask on a terminal, and does not get one")),
                (stop, Some(terminal)) if foreground.is_none() && (stop.is_some() || said.waits()) => {
                    // Modes that it has read are those of whoever draws, and it would set them.
                    let is_unready = stop == Some(Stop::Changes) && !terminal::edits_lines();
                    let lent = terminal.lend(format!("the credential plugin {} of {}", self.name, self.user)).await;
                    let lent = lent.ok_or_else(|| self.failed("must ask, and there is no terminal any more"))?;
                    if is_unready {
                        return Ok(Ended::Unready(lent));
                    }
                    loan = Some(lent);
                }
                _ => {}
            }
        }
    }

    /// Who holds the terminal that it may ask on; nobody where it asks nobody.
    fn terminal(&self) -> Result<Option<&Arc<dyn Terminal>>, BackendError> {
        let mode = self.exec.interactive_mode.as_ref();
        if mode == Some(&ExecInteractiveMode::Never) {
            return Ok(None);
        }
        let in_vain = self.in_vain.load(Ordering::Relaxed);
        let terminal = self.terms.terminal.as_ref().filter(|_| !in_vain && terminal::is_there());
        if terminal.is_none() && mode == Some(&ExecInteractiveMode::Always) {
            let why = if in_vain {
                "got no answer when it asked, and asks again after a new connection only"
            } else {
                "must ask on a terminal (interactiveMode: Always), and there is none at stdin"
            };
            return Err(self.failed(why));
        }
        Ok(terminal)
    }

    /// How long it may take by itself.
    fn limit(&self) -> Duration {
        if self.exec.interactive_mode == Some(ExecInteractiveMode::Never) || self.in_vain.load(Ordering::Relaxed) {
            self.terms.limit
        } else {
            self.terms.elsewhere
        }
    }

    fn too_late(&self, limit: Duration, asked: bool) -> BackendError {
        let error = self.failed(&format!("did not answer within {} s", limit.as_secs_f32()));
        if asked {
            self.in_vain.store(true, Ordering::Relaxed);
            return error;
        }
        error.with_hint("log in before, or allow more time in a command with --request-timeout")
    }

    fn failed(&self, why: &str) -> BackendError {
        let why = format!("the credential plugin {} of {} {why}", self.name, self.user);
        BackendError::new(ErrorKind::Unauthenticated, why).with_hint("log in again, or connect again to be asked")
    }

    /// Variables that the kubeconfig gives it.
    fn variables(&self) -> impl Iterator<Item = (&String, &String)> {
        let pairs = self.exec.env.iter().flatten();
        pairs.filter_map(|pair| pair.get("name").zip(pair.get("value")))
    }

    /// What is wanted of it (client-go `clientauthentication.ExecCredential`).
    fn request(&self, may_ask: bool) -> String {
        let cluster: Option<&ExecAuthCluster> = self.exec.cluster.as_ref().filter(|_| self.exec.provide_cluster_info);
        let mut spec = json!({"interactive": may_ask});
        if let (Some(spec), Some(cluster)) = (spec.as_object_mut(), cluster.and_then(|cluster| serde_json::to_value(cluster).ok())) {
            spec.insert("cluster".to_owned(), cluster);
        }
        json!({"kind": "ExecCredential", "apiVersion": self.exec.api_version, "spec": spec}).to_string()
    }

    /// Why it failed, in its own words. What it printed for us, and what it was given, may hold secrets.
    fn complaint(&self, status: ExitStatus, complaint: &str) -> String {
        let last = complaint.lines().rev().map(str::trim).find(|line| !line.is_empty());
        let hidden = self
            .given()
            .into_iter()
            .fold(last.unwrap_or_default().to_owned(), |line, secret| line.replace(secret, "…"));
        let said: String = sanitise(&hidden).chars().take(MOST_COMPLAINT).collect();
        let ended = format!("ended with {status}");
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
            (Some(certificate), Some(key))
                if secrets::has_certificate(certificate.as_bytes()) && secrets::key(key.as_bytes()).is_some() =>
            {
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
