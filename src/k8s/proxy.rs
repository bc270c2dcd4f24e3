//! Which proxy leads to an API server, by the rules of kubectl (Go `net/http` and `golang.org/x/net/http/httpproxy`).
//!
//! kube compares `NO_PROXY` with the address of the proxy instead of that of the server, so it is not asked.

use std::net::IpAddr;

use http::Uri;

use super::address;
use crate::backend::{BackendError, ErrorKind, bare_address};
use crate::domain::text::sanitise;

/// A proxy that requests go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Its address, with user and password.
    pub(super) uri: Uri,
    /// What names it: `proxy-url` or a variable.
    named_by: &'static str,
}

impl Proxy {
    /// In words, without user and password.
    pub(super) fn shown(&self) -> String {
        format!("the proxy {} of {}", sanitise(&bare_address(&self.uri.to_string())), self.named_by)
    }

    /// What to do when it cannot be reached.
    pub(super) fn hint(&self) -> &'static str {
        if self.named_by == KUBECONFIG {
            "check proxy-url in the cluster entry of the kubeconfig: is the proxy up, and may it reach the API server?"
        } else {
            "write the API server's host into NO_PROXY if no proxy leads to it; else: is the proxy up, and may it reach the API server?"
        }
    }
}

/// Where a proxy of the kubeconfig stands.
const KUBECONFIG: &str = "proxy-url";

/// The proxy to a server. That of the kubeconfig goes before every variable; an empty variable is unset.
pub(super) fn of(server: &Uri, kubeconfig: Option<Uri>, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>, BackendError> {
    if let Some(uri) = kubeconfig {
        return Ok(Some(Proxy { uri, named_by: KUBECONFIG }));
    }
    let first = |names: [&'static str; 2]| {
        let filled = |name: &'static str| variable(name).filter(|value| !value.is_empty()).map(|value| (name, value));
        names.into_iter().find_map(filled)
    };
    let names = if server.scheme_str() == Some("https") {
        ["HTTPS_PROXY", "https_proxy"]
    } else {
        ["HTTP_PROXY", "http_proxy"]
    };
    let Some((named_by, text)) = first(names) else { return Ok(None) };
    let exceptions = first(["NO_PROXY", "no_proxy"]).map(|(_, list)| list).unwrap_or_default();
    if is_direct(server, &exceptions) {
        return Ok(None);
    }
    let uri = address::proxy(&text).map_err(|why| {
        BackendError::new(
            ErrorKind::Config,
            format!("the proxy of {named_by} cannot be used: its address {why}"),
        )
        .with_hint("write it as http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT, or write the API server's host into NO_PROXY")
    })?;
    Ok(Some(Proxy { uri, named_by }))
}

/// No variable sends a request to this server through a proxy: it is this machine, or the list of exceptions has it.
fn is_direct(server: &Uri, exceptions: &str) -> bool {
    let host = server.host().unwrap_or_default().to_ascii_lowercase();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let ip = host.parse().ok().map(|ip: IpAddr| ip.to_canonical());
    if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
        return true;
    }
    let default_port = if server.scheme_str() == Some("https") { 443 } else { 80 };
    let port = server.port_u16().unwrap_or(default_port).to_string();
    let exceptions = exceptions.to_lowercase();
    let mut exceptions = exceptions.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    exceptions.any(|entry| entry == "*" || is_excepted(entry, host, ip, &port))
}

/// One entry of the list: an address, a network, or a name with its sub-domains; the former and the latter with a port or without.
fn is_excepted(entry: &str, host: &str, ip: Option<IpAddr>, port: &str) -> bool {
    if let Some(has) = in_network(entry, ip) {
        return has;
    }
    let (name, wanted_port) = match entry.rsplit_once(':') {
        // An IPv6 address without brackets has no port.
        Some((name, _)) if name.contains(':') && !name.ends_with(']') => (entry, ""),
        Some((name, port)) => (name, port),
        None => (entry, ""),
    };
    if !wanted_port.is_empty() && wanted_port != port {
        return false;
    }
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if let Ok(wanted) = name.parse::<IpAddr>() {
        return ip == Some(wanted.to_canonical());
    }
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        Some("") => false,
        Some(_) => host.ends_with(name),
        None => !name.is_empty() && (host == name || host.strip_suffix(name).is_some_and(|before| before.ends_with('.'))),
    }
}

/// Whether a network, `ADDRESS/BITS`, has the address; `None` where the entry is no network.
fn in_network(entry: &str, ip: Option<IpAddr>) -> Option<bool> {
    let (base, bits) = entry.split_once('/')?;
    let (base, bits): (IpAddr, u32) = (base.parse().ok()?, bits.parse().ok()?);
    let (length, base) = match base {
        IpAddr::V4(base) => (32, u128::from(base.to_bits())),
        IpAddr::V6(base) => (128, base.to_bits()),
    };
    let outside = u32::checked_sub(length, bits)?;
    let ip = match (ip, length) {
        (Some(IpAddr::V4(ip)), 32) => u128::from(ip.to_bits()),
        (Some(IpAddr::V6(ip)), 128) => ip.to_bits(),
        _ => return Some(false),
    };
    let prefix = |ip: u128| ip.checked_shr(outside).unwrap_or(0);
    Some(prefix(ip) == prefix(base))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// The proxy that these variables, `NAME=VALUE`, send to.
    fn proxy(server: &str, variables: &[&str]) -> Result<Option<Proxy>, BackendError> {
        let server = address::server(server).unwrap();
        of(&server, None, |name| {
            let mut pairs = variables.iter().filter_map(|pair| pair.split_once('='));
            pairs.find(|(variable, _)| *variable == name).map(|(_, value)| value.to_owned())
        })
    }

    fn address_of(server: &str, variables: &[&str]) -> Option<String> {
        proxy(server, variables).unwrap().map(|proxy| proxy.uri.to_string())
    }

    // E13b, F23, C20
    #[test]
    fn the_variable_of_the_scheme_counts_and_an_empty_one_is_unset() {
        for (server, variables, expected) in [
            ("https://rig:6443", &["HTTPS_PROXY=http://a:1"][..], Some("http://a:1/")),
            ("https://rig:6443", &["https_proxy=http://a:1"], Some("http://a:1/")),
            (
                "https://rig",
                &["HTTPS_PROXY=http://a:1", "https_proxy=http://b:1"],
                Some("http://a:1/"),
            ),
            ("https://rig", &["HTTPS_PROXY=", "https_proxy=http://b:1"], Some("http://b:1/")),
            ("https://rig", &["HTTP_PROXY=http://a:1", "ALL_PROXY=http://b:1"], None),
            ("http://rig", &["HTTPS_PROXY=http://a:1"], None),
            ("http://rig", &["http_proxy=http://a:1"], Some("http://a:1/")),
            ("https://rig", &["HTTPS_PROXY=a:1"], Some("http://a:1/")),
            ("https://rig", &["HTTPS_PROXY=socks5h://a:1"], Some("socks5://a:1/")),
            (
                "https://rig",
                &["HTTPS_PROXY=socks5://dev:hush@a"],
                Some("socks5://dev:hush@a:1080/"),
            ),
            ("https://rig", &[], None),
        ] {
            assert_eq!(address_of(server, variables).as_deref(), expected, "{server} {variables:?}");
        }
    }

    // E13b, F23, C20
    #[test]
    fn exceptions_are_about_the_server_and_this_machine_is_always_one() {
        let rows: &[(&str, &str, bool)] = &[
            ("https://localhost:6443", "", true),
            ("https://127.0.0.1:6443", "", true),
            ("https://127.8.8.8", "", true),
            ("https://[::1]:6443", "", true),
            ("https://[::ffff:127.0.0.1]", "", true),
            ("https://localhost.example.org", "", false),
            ("https://rig", "proxy", false),
            ("https://rig", "*", true),
            ("https://rig", "*,other", true),
            ("https://rig", "rig", true),
            ("https://RIG", "other, Rig ,", true),
            ("https://rig", "a,,rig,", true),
            ("https://rig", ",", false),
            ("https://rig.example.org", "example.org", true),
            ("https://rig.example.org", ".example.org", true),
            ("https://rig.example.org", "*.example.org", true),
            ("https://example.org", ".example.org", false),
            ("https://example.org", "*.example.org", false),
            ("https://notexample.org", "example.org", false),
            ("https://rig.example.org", "ample.org", false),
            ("https://rig:6443", "rig:6443", true),
            ("https://rig:6443", "rig:443", false),
            ("https://rig", "rig:443", true),
            ("http://rig", "rig:80", true),
            ("https://rig", ":443", false),
            ("https://rig", ".", false),
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://10.1.2.3:6443", "10.1.2.3:6443", true),
            ("https://10.1.2.3:6443", "10.1.2.3:443", false),
            ("https://10.1.2.3:6443", "10.1.2.4", false),
            ("https://10.1.2.3:6443", "10.1.0.0/16", true),
            ("https://10.2.2.3:6443", "10.1.0.0/16", false),
            ("https://10.2.2.3:6443", "0.0.0.0/0", true),
            ("https://10.1.2.3:6443", "10.1.2.3/32", true),
            ("https://10.1.2.3:6443", "10.1.2.3/33", false),
            ("https://10.1.2.3:6443", "10.1.2.3/x", false),
            ("https://10.1.2.3:6443", "fd00::/8", false),
            ("https://10.1.2.3:6443", "2.3", true),
            ("https://[fd00::1]:6443", "fd00::1", true),
            ("https://[fd00::1]:6443", "[fd00::1]", true),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", true),
            ("https://[fd00::1]:6443", "[fd00::1]:443", false),
            ("https://[fd00::1]:6443", "fd00::/8", true),
            ("https://[fe80::1]:6443", "fd00::/8", false),
            ("https://[fe80::1]:6443", "::/0", true),
        ];
        for (server, exceptions, is_direct) in rows {
            for name in ["NO_PROXY", "no_proxy"] {
                let list = format!("{name}={exceptions}");
                let variables = ["HTTPS_PROXY=http://a:1", "HTTP_PROXY=http://a:1", &list];
                assert_eq!(address_of(server, &variables).is_none(), *is_direct, "{server} {list}");
            }
        }
    }

    #[test]
    fn the_proxy_of_the_kubeconfig_is_always_used() {
        let uri = address::proxy("http://127.0.0.1:3128").unwrap();
        for server in ["https://rig", "https://127.0.0.1"] {
            let server = address::server(server).unwrap();
            let proxy = of(&server, Some(uri.clone()), |_| Some("*".to_owned())).unwrap().unwrap();
            assert_eq!(proxy.uri, uri);
            assert_eq!(proxy.shown(), "the proxy http://127.0.0.1:3128/ of proxy-url");
        }
    }

    #[test]
    fn a_proxy_that_is_no_address_is_refused_by_the_name_of_its_variable_where_it_would_be_used() {
        let error = proxy("https://rig", &["https_proxy=ftp://dev:hush@a"]).unwrap_err();
        assert!(error.message.contains("the proxy of https_proxy cannot be used"), "{error}");
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
        assert_eq!(address_of("https://rig", &["https_proxy=ftp://a", "NO_PROXY=rig"]), None);
        let named = proxy("https://rig", &["HTTPS_PROXY=http://dev:hush@a:1"]).unwrap().unwrap();
        assert_eq!(named.shown(), "the proxy http://a:1/ of HTTPS_PROXY");
    }
}
