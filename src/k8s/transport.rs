//! The way to an API server: its connections are probed, so that one that leads nowhere is noticed soon.
//!
//! kube makes the same stack, but lets nobody set options of its sockets, nor say which certificates are trusted.

use std::time::Duration;

use http::Uri;
use http::header::AUTHORIZATION;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::{Builder, Client as HttpClient};
use hyper_util::rt::TokioExecutor;
use kube::client::middleware::ExtraHeadersLayer;
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::{Client, Config, Error, Result};
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tower::{BoxError, Layer as _, ServiceExt as _};
use tower_http::decompression::DecompressionLayer;

use self::link::{Connector, hidden};
use super::address;
use super::secrets;
use super::tls;

mod link;

/// A connection on which nothing comes for so long is probed.
const IDLE: Duration = Duration::from_secs(12);
/// The pause between two probes that are not answered, and how many there are: 24 s in all.
const PROBES: (Duration, u32) = (Duration::from_secs(4), 3);
/// What is sent is acknowledged within this time, or the connection is dead.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const UNHEARD: Duration = Duration::from_secs(24);

/// Makes sockets that are probed.
fn sockets() -> HttpConnector {
    let mut sockets = HttpConnector::new();
    sockets.enforce_http(false);
    sockets.set_keepalive(Some(IDLE));
    sockets.set_keepalive_interval(Some(PROBES.0));
    sockets.set_keepalive_retries(Some(PROBES.1));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    sockets.set_tcp_user_timeout(Some(UNHEARD));
    sockets
}

/// A client of a configuration, as `ClientBuilder::try_from` makes it.
pub(super) fn client(config: &Config) -> Result<Client> {
    let sockets = hidden(sockets());
    let Some(proxy) = &config.proxy_url else {
        return over(sockets, config);
    };
    let connector = match proxy.scheme_str() {
        Some("socks5") => hidden(SocksV5::new(proxy.clone(), sockets)),
        Some("http") => hidden(tunnel(proxy, sockets)),
        Some("https") => hidden(tunnel(proxy, hidden(encrypted(sockets, config)?))),
        _ => {
            return Err(Error::ProxyProtocolUnsupported {
                proxy_url: Box::new(proxy.clone()),
            });
        }
    };
    over(connector, config)
}

/// The way through a proxy, which may ask who one is.
fn tunnel(proxy: &Uri, connector: Connector) -> Tunnel<Connector> {
    let tunnel = Tunnel::new(proxy.clone(), connector);
    let (_, login) = address::without_login(proxy);
    match login.and_then(|login| secrets::basic(&login.user, &login.password)) {
        Some(login) => tunnel.with_auth(login),
        None => tunnel,
    }
}

/// TLS, where the address asks for it.
fn encrypted(connector: Connector, config: &Config) -> Result<HttpsConnector<Connector>> {
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls::config(config)?).https_or_http();
    // It was checked when the kubeconfig was read.
    let name = config.tls_server_name.clone().and_then(|name| ServerName::try_from(name).ok());
    if let Some(name) = name {
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    Ok(builder.enable_http1().wrap_connector(connector))
}

fn over(connector: Connector, config: &Config) -> Result<Client> {
    let mut connector = TimeoutConnector::new(encrypted(connector, config)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let requests: HttpClient<_, Body> = Builder::new(TokioExecutor::new()).build(connector);
    let requests = headers(config)?.layer(requests.map_err(BoxError::from));
    let unpacked = DecompressionLayer::new()
        .no_br()
        .no_deflate()
        .no_zstd()
        .gzip(!config.disable_compression);
    let requests = config.base_uri_layer().layer(unpacked.layer(requests));
    Ok(ClientBuilder::new(requests, config.default_namespace.clone()).build())
}

/// Adds to each request what the configuration asks for, and the name and password of its user entry. Tokens are not for here.
fn headers(config: &Config) -> Result<ExtraHeadersLayer> {
    let mut config = config.clone();
    let password = config.auth_info.password.as_ref().map(ExposeSecret::expose_secret);
    let login = config.auth_info.username.as_deref().zip(password);
    if let Some(login) = login.and_then(|(name, password)| secrets::basic(name, password)) {
        config.headers.push((AUTHORIZATION, login));
    }
    config.extra_headers_layer()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use hyper_util::rt::TokioIo;
    use rustix::net::sockopt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    // F3
    #[tokio::test]
    async fn a_dead_connection_is_noticed_within_half_a_minute() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", server.local_addr().unwrap()).parse().unwrap();
        let connection: TokioIo<TcpStream> = sockets().oneshot(address).await.unwrap();
        let socket = connection.into_inner();
        assert!(sockopt::socket_keepalive(&socket).unwrap());
        let idle = sockopt::tcp_keepidle(&socket).unwrap();
        let probes = sockopt::tcp_keepintvl(&socket).unwrap() * sockopt::tcp_keepcnt(&socket).unwrap();
        assert!(idle + probes < Duration::from_secs(30), "{idle:?} + {probes:?}");
        #[cfg(target_os = "linux")]
        assert!((1..30_000).contains(&sockopt::tcp_user_timeout(&socket).unwrap()));
    }
}
