//! Kubeconfig files, and the service account of a pod.

use std::path::{Path, PathBuf};

use kube::config::{Config, ExecInteractiveMode, KubeConfigOptions, Kubeconfig};

use crate::backend::{BackendError, ErrorKind};
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
        return Ok(Source::Files(Box::new(read(file)?), file.display().to_string()));
    }
    let listed: Vec<PathBuf> = std::env::var_os("KUBECONFIG")
        .map(|list| std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if listed.is_empty() {
        let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".kube/config"));
        return match home.filter(|file| file.is_file()) {
            Some(file) => Ok(Source::Files(Box::new(read(&file)?), file.display().to_string())),
            None if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => Ok(Source::Pod),
            None => Err(BackendError::new(
                ErrorKind::Config,
                "there is no kubeconfig: KUBECONFIG is not set, ~/.kube/config does not exist, and this is no pod",
            )
            .with_hint("--kubeconfig names a file; extop demo needs none")),
        };
    }
    merge(&listed)
}

/// Files of the list that do not exist are passed over, as kubectl does; the first one that says something wins.
fn merge(listed: &[PathBuf]) -> Result<Source, BackendError> {
    let names = listed.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(":");
    let mut merged: Option<Kubeconfig> = None;
    for file in listed.iter().filter(|file| file.exists()) {
        let next = read(file)?;
        merged = Some(match merged {
            None => next,
            Some(before) => before
                .merge(next)
                .map_err(|error| BackendError::new(ErrorKind::Config, format!("{} cannot be merged: {error}", file.display())))?,
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

fn read(file: &Path) -> Result<Kubeconfig, BackendError> {
    let mut config = Kubeconfig::read_from(file).map_err(|error| {
        let why = sanitise(&error.to_string());
        BackendError::new(
            ErrorKind::Config,
            format!("the kubeconfig {} cannot be read: {why}", file.display()),
        )
    })?;
    for user in &mut config.auth_infos {
        if let Some(exec) = user.auth_info.as_mut().and_then(|info| info.exec.as_mut()) {
            // A plugin that asks on the terminal would write over the screen.
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
    Ok(config)
}

/// The configuration of a context, and the name by which people know it. Blocks.
pub(super) fn of_context(source: Source, context: Option<&str>) -> Result<(Config, String), BackendError> {
    let (config, files) = match source {
        Source::Pod => {
            if let Some(context) = context.filter(|context| *context != IN_CLUSTER) {
                return Err(unknown(
                    context,
                    "in a pod there is only its service account",
                    &[IN_CLUSTER.to_owned()],
                ));
            }
            let config = Config::incluster()
                .map_err(|error| BackendError::new(ErrorKind::Config, format!("the pod's service account cannot be used: {error}")))?;
            return Ok((config, IN_CLUSTER.to_owned()));
        }
        Source::Files(config, files) => (config, files),
    };
    let names: Vec<String> = config.contexts.iter().map(|context| sanitise(&context.name)).collect();
    let Some(name) = context
        .map(str::to_owned)
        .or_else(|| config.current_context.clone())
        .filter(|name| !name.is_empty())
    else {
        let error = BackendError::new(ErrorKind::Config, format!("the kubeconfig {files} has no current context"));
        return Err(error.with_hint(format!("--context chooses one of {}", names.join(", "))));
    };
    if config.contexts.iter().all(|known| known.name != name) {
        return Err(unknown(&name, &format!("the kubeconfig {files} does not have it"), &names));
    }
    let options = KubeConfigOptions {
        context: Some(name.clone()),
        ..KubeConfigOptions::default()
    };
    let loaded = tokio::runtime::Handle::current().block_on(Config::from_custom_kubeconfig(*config, &options));
    match loaded {
        Ok(config) => Ok((config, sanitise(&name))),
        Err(error) => {
            let why = sanitise(&error.to_string());
            Err(BackendError::new(
                ErrorKind::Config,
                format!("the context {name} of the kubeconfig {files} cannot be used: {why}"),
            ))
        }
    }
}

fn unknown(context: &str, why: &str, names: &[String]) -> BackendError {
    let context = sanitise(context);
    BackendError::new(ErrorKind::Config, format!("there is no context {context}: {why}"))
        .with_hint(format!("the contexts are {}", names.join(", ")))
}
