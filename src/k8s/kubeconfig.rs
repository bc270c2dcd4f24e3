//! What stands in a kubeconfig file: read, made as kubectl takes it, and checked before kube gets it, which panics at some
//! values.

use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Kubeconfig};
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};

use super::address;
use super::secrets;
use crate::backend::{BackendError, ErrorKind};
use crate::domain::text::sanitise;

/// Reads a file.
pub(super) fn read(file: &Path) -> Result<Kubeconfig, BackendError> {
    let shown = sanitise(&file.display().to_string());
    let refused =
        |why: &dyn std::fmt::Display| BackendError::new(ErrorKind::Config, format!("the kubeconfig {shown} cannot be read: {why}"));
    let bytes = std::fs::read(file).map_err(|error| refused(&error))?;
    let folder = std::path::absolute(file).ok().and_then(|file| file.parent().map(Path::to_owned));
    parse(&bytes, folder.as_deref().unwrap_or(Path::new("."))).map_err(|why| refused(&why))
}

/// The content of a file in this folder.
fn parse(bytes: &[u8], folder: &Path) -> Result<Kubeconfig, String> {
    let text = secrets::text(bytes).map_err(|why| why.to_string())?;
    let documents = secrets::yaml::<Kubeconfig>(&text).map_err(|why| why.to_string())?;
    let mut merged = Kubeconfig::default();
    for document in documents {
        merged = merged
            .merge(tidy(document, folder))
            .map_err(|_| "its documents are of different kinds or versions".to_owned())?;
    }
    Ok(merged)
}

/// Empty means absent, paths begin in the folder of the file, and no plugin asks on the terminal.
fn tidy(mut config: Kubeconfig, folder: &Path) -> Kubeconfig {
    empty_is_absent(&mut config.current_context);
    for context in config.contexts.iter_mut().filter_map(|named| named.context.as_mut()) {
        empty_is_absent(&mut context.namespace);
        empty_is_absent(&mut context.user);
    }
    for cluster in config.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        tidy_cluster(cluster, folder);
    }
    for user in config.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        tidy_user(user, folder);
    }
    config
}

fn tidy_cluster(cluster: &mut Cluster, folder: &Path) {
    for value in [
        &mut cluster.server,
        &mut cluster.certificate_authority,
        &mut cluster.certificate_authority_data,
        &mut cluster.proxy_url,
        &mut cluster.tls_server_name,
    ] {
        empty_is_absent(value);
    }
    below(folder, &mut cluster.certificate_authority);
}

fn tidy_user(user: &mut AuthInfo, folder: &Path) {
    for value in [
        &mut user.username,
        &mut user.token_file,
        &mut user.client_certificate,
        &mut user.client_certificate_data,
        &mut user.client_key,
        &mut user.impersonate,
        &mut user.impersonate_uid,
    ] {
        empty_is_absent(value);
    }
    for value in [&mut user.password, &mut user.token, &mut user.client_key_data] {
        empty_secret_is_absent(value);
    }
    for path in [&mut user.token_file, &mut user.client_certificate, &mut user.client_key] {
        below(folder, path);
    }
    if let Some(exec) = &mut user.exec {
        empty_is_absent(&mut exec.command);
        empty_is_absent(&mut exec.install_hint);
        // A bare name is looked for on the PATH.
        if exec
            .command
            .as_ref()
            .is_some_and(|command| command.contains(std::path::MAIN_SEPARATOR))
        {
            below(folder, &mut exec.command);
        }
    }
}

fn empty_is_absent(value: &mut Option<String>) {
    value.take_if(|text| text.is_empty());
}

fn empty_secret_is_absent(value: &mut Option<SecretString>) {
    value.take_if(|secret| secret.expose_secret().is_empty());
}

fn below(folder: &Path, path: &mut Option<String>) {
    if let Some(path) = path {
        let whole: PathBuf = folder.join(&*path);
        if let Some(whole) = whole.to_str() {
            whole.clone_into(path);
        }
    }
}

/// Checks the entry of the cluster that a context leads to, and makes it one that kube takes.
pub(super) fn check_cluster(config: &mut Kubeconfig, context: &str, files: &str) -> Result<(), BackendError> {
    let named = config.contexts.iter().find(|named| named.name == context);
    let Some(place) = named.and_then(|named| named.context.as_ref()) else {
        let why = format!(
            "the context {} of the kubeconfig {files} does not name a cluster",
            sanitise(context)
        );
        return Err(BackendError::new(ErrorKind::Config, why).with_hint("write its cluster and user into the file"));
    };
    let name = sanitise(&place.cluster);
    let found = config.clusters.iter_mut().find(|named| named.name == place.cluster);
    let Some(cluster) = found.and_then(|named| named.cluster.as_mut()) else {
        let why = format!(
            "the context {} of the kubeconfig {files} needs the cluster entry {name}, which is not there",
            sanitise(context)
        );
        return Err(BackendError::new(ErrorKind::Config, why).with_hint("write the cluster entry, or correct its name in the context"));
    };
    if let Some(namespace) = place.namespace.as_deref().filter(|namespace| !is_namespace(namespace)) {
        let why = format!(
            "the context {} of the kubeconfig {files} has the namespace {}, and no namespace can be called so",
            sanitise(context),
            sanitise(namespace)
        );
        return Err(BackendError::new(ErrorKind::Config, why).with_hint("correct it in the file, or choose another one by --namespace"));
    }
    check(cluster).map_err(|(why, hint)| {
        BackendError::new(
            ErrorKind::Config,
            format!("the cluster entry {name} of the kubeconfig {files} cannot be used: {why}"),
        )
        .with_hint(hint)
    })
}

/// The name of a namespace is a DNS label (RFC 1123).
fn is_namespace(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 63 && name.chars().all(is_inner) && !name.starts_with('-') && !name.ends_with('-')
}

/// Why an entry cannot be used, and what to do.
type Fault = (String, &'static str);

fn check(cluster: &mut Cluster) -> Result<(), Fault> {
    let Some(server) = &cluster.server else {
        return Err(("it has no server".to_owned(), "write the address of the API server into it"));
    };
    let server = address::server(server).map_err(|why| (format!("its server {why}"), "write it as https://HOST:PORT"))?;
    let is_tls = server.scheme_str() == Some("https");
    cluster.server = Some(server.to_string());
    if !is_tls {
        // kubectl does not look at them either.
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
        cluster.tls_server_name = None;
    }
    if cluster
        .tls_server_name
        .as_deref()
        .is_some_and(|name| ServerName::try_from(name).is_err())
    {
        return Err((
            "its tls-server-name is not the name of a server".to_owned(),
            "write a name that is in the server's certificate",
        ));
    }
    if let Some(proxy) = &cluster.proxy_url {
        address::proxy(proxy).map_err(|why| {
            (
                format!("its proxy-url {why}"),
                "write it as http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT",
            )
        })?;
    }
    let pem = pem(
        ("certificate-authority", &mut cluster.certificate_authority),
        "certificate-authority-data",
        cluster.certificate_authority_data.as_deref(),
    )?;
    if let Some(pem) = pem {
        if !secrets::has_certificate(&pem) {
            return Err((
                "its certificate authority holds no certificate that can be read".to_owned(),
                "take it from the API server's administrator again",
            ));
        }
        cluster.certificate_authority_data = secrets::encoded(&pem);
    }
    Ok(())
}

/// What a pair of fields holds: data in base64, else the content of a file, which is then not read again.
pub(super) fn pem((field, path): (&str, &mut Option<String>), data_field: &str, data: Option<&str>) -> Result<Option<Vec<u8>>, Fault> {
    if let Some(data) = data {
        let decoded = secrets::decoded(data);
        return decoded
            .map(Some)
            .ok_or_else(|| (format!("its {data_field} is not base64"), "write it again, whole"));
    }
    let Some(path) = path.take() else { return Ok(None) };
    // A path may be a secret that was written into the wrong field.
    let read = std::fs::read(path).map_err(|error| {
        (
            format!("the file that its {field} names cannot be read: {error}"),
            "correct the path",
        )
    })?;
    Ok(Some(read))
}

#[cfg(test)]
mod tests;
