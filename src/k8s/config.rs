//! Kubeconfig files, and the service account of a pod.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kube::config::{Config, Kubeconfig, KubeconfigError};

use super::address;
use super::error::of_kubeconfig;
use super::kubeconfig::{check_cluster, read};
use super::secrets;
use crate::backend::{BackendError, ErrorKind};
use crate::domain::shell::quoted;
use crate::domain::text::sanitise;

/// Name of the context inside a pod.
pub(super) const IN_CLUSTER: &str = "in-cluster";

/// Where a configuration comes from.
pub(super) enum Source {
    /// Kubeconfig files, merged, with the text that names them.
    Files(Box<Kubeconfig>, String),
    /// The pod's service account.
    Pod,
}

/// Names of the contexts that can be chosen.
pub fn contexts(kubeconfig: Option<&Path>) -> Result<Vec<String>, BackendError> {
    Ok(match load(kubeconfig)? {
        Source::Files(config, _) => config.contexts.iter().map(|context| sanitise(&context.name)).collect(),
        Source::Pod => vec![IN_CLUSTER.to_owned()],
    })
}

/// Reads what was asked for, else `KUBECONFIG` (a list), else `~/.kube/config`, else the pod's service account.
pub(super) fn load(kubeconfig: Option<&Path>) -> Result<Source, BackendError> {
    if let Some(file) = kubeconfig {
        return Ok(Source::Files(Box::new(read(file)?), shown(file)));
    }
    let list = std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty());
    let listed: Vec<PathBuf> = list
        .iter()
        .flat_map(std::env::split_paths)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if listed.is_empty() {
        // A list without a name is one all the same: kubectl does not take the file of the home directory then.
        let home = std::env::var_os("HOME").filter(|_| list.is_none());
        let home = home.map(|home| Path::new(&home).join(".kube/config"));
        let why = match &list {
            None => "KUBECONFIG is not set, ~/.kube/config does not exist",
            Some(_) => "KUBECONFIG names no file",
        };
        return match home.filter(|file| file.is_file()) {
            Some(file) => Ok(Source::Files(Box::new(read(&file)?), shown(&file))),
            None if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => Ok(Source::Pod),
            None => Err(BackendError::new(
                ErrorKind::Config,
                format!("there is no kubeconfig: {why}, and extop does not run in a pod"),
            )
            .with_hint("name a file with --kubeconfig; extop demo needs none")),
        };
    }
    merge(&listed)
}

/// Files of the list that do not exist are passed over, as kubectl does; the first one that says something wins.
fn merge(listed: &[PathBuf]) -> Result<Source, BackendError> {
    let names = listed.iter().map(|file| shown(file)).collect::<Vec<_>>().join(":");
    let mut merged: Option<Kubeconfig> = None;
    for file in listed.iter().filter(|file| file.exists()) {
        let next = read(file)?;
        merged = Some(match merged {
            None => next,
            Some(before) => before.merge(next).map_err(|error| {
                BackendError::new(
                    ErrorKind::Config,
                    format!("{} cannot be merged: {}", shown(file), of_kubeconfig(&error)),
                )
            })?,
        });
    }
    match merged {
        Some(config) => Ok(Source::Files(Box::new(config), names)),
        None => Err(BackendError::new(
            ErrorKind::Config,
            format!("KUBECONFIG names {names}, which does not exist"),
        )),
    }
}

fn shown(file: &Path) -> String {
    sanitise(&file.display().to_string())
}

/// What was chosen, as the kubeconfig spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Name of the context.
    pub(super) context: String,
    /// Name of its user entry, if it names one.
    pub(super) user: Option<String>,
    /// Where its credentials stand, in words for people.
    pub(super) whose: String,
}

/// The configuration of a context. Without a name it is the one that was current when this was first asked; `current` keeps
/// it. Blocks.
pub(super) fn of_context(source: Source, context: Option<&str>, current: &OnceLock<String>) -> Result<(Config, Chosen), BackendError> {
    let context = context.or_else(|| current.get().map(String::as_str));
    let (mut config, files) = match source {
        Source::Pod => {
            let (config, chosen) = of_pod(context)?;
            if context.is_none() {
                current.get_or_init(|| chosen.context.clone());
            }
            return Ok((config, chosen));
        }
        Source::Files(config, files) => (config, files),
    };
    let names: Vec<String> = config.contexts.iter().map(|context| sanitise(&context.name)).collect();
    if names.is_empty() {
        let error = BackendError::new(ErrorKind::Config, format!("the kubeconfig {files} has no context"));
        return Err(error.with_hint("choose another file by --kubeconfig or KUBECONFIG"));
    }
    let choice = names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let Some(name) = context
        .map(str::to_owned)
        .or_else(|| config.current_context.clone())
        .filter(|name| !name.is_empty())
    else {
        let error = BackendError::new(ErrorKind::Config, format!("the kubeconfig {files} has no current context"));
        return Err(error.with_hint(format!("choose one with --context: {choice}")));
    };
    // A name that was chosen from a list has lost what cannot be shown.
    let mut known = config.contexts.iter().filter(|known| known.name == name);
    let mut alike = config.contexts.iter().filter(|known| sanitise(&known.name) == name);
    let Some(known) = known.next().or_else(|| alike.next()) else {
        return Err(unknown(&name, &format!("the kubeconfig {files} does not have it"), &names));
    };
    let name = known.name.clone();
    let user = known.context.as_ref().and_then(|context| context.user.clone());
    let chosen = Chosen {
        whose: match &user {
            Some(user) => format!("the user entry {} of the kubeconfig {files}", sanitise(user)),
            None => format!("the context {} of the kubeconfig {files}", sanitise(&name)),
        },
        user,
        context: name.clone(),
    };
    if context.is_none() {
        current.get_or_init(|| name.clone());
    }
    check_cluster(&mut config, &name, &files)?;
    let config = of_entries(&config, &name).map_err(|error| {
        let why = format!(
            "the context {} of the kubeconfig {files} cannot be used: {}",
            sanitise(&name),
            of_kubeconfig(&error)
        );
        BackendError::new(ErrorKind::Config, why)
    })?;
    Ok((config, chosen))
}

/// The configuration of a context whose entries are checked. kube makes one too, but reads the proxy variables in its own way.
fn of_entries(config: &Kubeconfig, context: &str) -> Result<Config, KubeconfigError> {
    let absent = || KubeconfigError::LoadContext(context.to_owned());
    let named = config.contexts.iter().find(|named| named.name == context);
    let context = named.and_then(|named| named.context.as_ref()).ok_or_else(absent)?;
    let named = config.clusters.iter().find(|named| named.name == context.cluster);
    let cluster = named
        .and_then(|named| named.cluster.clone())
        .ok_or_else(|| KubeconfigError::LoadClusterOfContext(context.cluster.clone()))?;
    let server = cluster.server.as_deref().ok_or(KubeconfigError::MissingClusterUrl)?;
    let mut made = Config::new(server.parse().map_err(KubeconfigError::ParseClusterUrl)?);
    // A user entry that is not there is one without credentials, as for kubectl.
    let named = config.auth_infos.iter().find(|named| Some(&named.name) == context.user.as_ref());
    made.auth_info = named.and_then(|named| named.auth_info.clone()).unwrap_or_default();
    if let Some(exec) = made.auth_info.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
        exec.cluster = Some((&cluster).try_into()?);
    }
    if let Some(namespace) = &context.namespace {
        made.default_namespace.clone_from(namespace);
    }
    made.root_cert = cluster.certificate_authority_data.as_deref().map(secrets::certificates);
    made.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    made.disable_compression = cluster.disable_compression.unwrap_or(false);
    made.proxy_url = cluster.proxy_url.as_deref().and_then(|proxy| address::proxy(proxy).ok());
    made.tls_server_name = cluster.tls_server_name;
    Ok(made)
}

/// The service account of the pod.
fn of_pod(context: Option<&str>) -> Result<(Config, Chosen), BackendError> {
    if let Some(context) = context.filter(|context| *context != IN_CLUSTER) {
        return Err(unknown(
            context,
            "in a pod there is only its service account",
            &[IN_CLUSTER.to_owned()],
        ));
    }
    let mut config = Config::incluster().map_err(|error| {
        let why = sanitise(&error.to_string());
        BackendError::new(ErrorKind::Config, format!("the pod's service account cannot be used: {why}"))
    })?;
    // It is read from a file.
    let length = config.default_namespace.trim_end().len();
    config.default_namespace.truncate(length);
    let chosen = Chosen {
        context: IN_CLUSTER.to_owned(),
        user: None,
        whose: "the pod's service account".to_owned(),
    };
    Ok((config, chosen))
}

fn unknown(context: &str, why: &str, names: &[String]) -> BackendError {
    let context = sanitise(context);
    BackendError::new(ErrorKind::Config, format!("there is no context {context}: {why}"))
        .with_hint(format!("the contexts are {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const TEXT: &str = "{apiVersion: v1, kind: Config, current-context: CURRENT,
        clusters: [{name: a, cluster: {server: 'https://a'}}, {name: b, cluster: {server: 'https://b'}}],
        users: [{name: dev, user: {token: one}}],
        contexts: [{name: first, context: {cluster: a, user: dev}}, {name: second, context: {cluster: b}}]}";

    /// What is opened while another program has made this context the current one.
    async fn open(
        current: &str,
        context: Option<&'static str>,
        pinned: &std::sync::Arc<OnceLock<String>>,
    ) -> Result<(String, Chosen), String> {
        let (text, pinned) = (TEXT.replace("CURRENT", current), pinned.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let source = Source::Files(Box::new(Kubeconfig::from_yaml(&text).unwrap()), "the file".to_owned());
            of_context(source, context, &pinned)
        });
        let opened = opened.await.unwrap().map_err(|error| error.to_string());
        opened.map(|(config, chosen)| (config.cluster_url.host().unwrap_or_default().to_owned(), chosen))
    }

    fn chosen(context: &str, user: Option<&str>) -> Chosen {
        Chosen {
            context: context.to_owned(),
            user: user.map(str::to_owned),
            whose: match user {
                Some(user) => format!("the user entry {user} of the kubeconfig the file"),
                None => format!("the context {context} of the kubeconfig the file"),
            },
        }
    }

    // E1.
    #[tokio::test]
    async fn the_current_context_is_looked_up_once() {
        let pinned = std::sync::Arc::default();
        let first = Ok(("a".to_owned(), chosen("first", Some("dev"))));
        assert_eq!(open("first", None, &pinned).await, first);
        assert_eq!(open("second", None, &pinned).await, first, "it was changed in between");
        assert_eq!(
            open("second", Some("second"), &pinned).await,
            Ok(("b".to_owned(), chosen("second", None))),
            "who names a context gets it"
        );
        assert_eq!(open("second", None, &pinned).await, first);
    }

    #[tokio::test]
    async fn a_context_that_was_named_first_does_not_become_the_current_one() {
        let pinned = std::sync::Arc::default();
        open("second", Some("first"), &pinned).await.unwrap();
        assert_eq!(open("second", None, &pinned).await.unwrap().1.context, "second");
    }

    #[tokio::test]
    async fn a_current_context_that_does_not_exist_is_not_kept() {
        let pinned = std::sync::Arc::default();
        assert!(open("gone", None, &pinned).await.unwrap_err().contains("there is no context gone"));
        assert_eq!(open("first", None, &pinned).await.unwrap().1.context, "first");
    }

    #[tokio::test]
    async fn once_a_kubeconfig_was_used_a_service_account_is_not() {
        let pinned = std::sync::Arc::new(OnceLock::from("first".to_owned()));
        let error = of_context(Source::Pod, None, &pinned).err().unwrap();
        assert!(error.to_string().contains("there is no context first"), "{error}");
    }
}
