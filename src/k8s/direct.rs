//! The way to an API server without a proxy: its connections are probed, so that one that leads nowhere is noticed soon.
//!
//! kube makes the same stack, but lets nobody set options of its sockets.

use std::time::Duration;

use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client as HttpClient};
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::{Client, Config, Result};
use tower::util::option_layer;
use tower::{BoxError, Layer as _, ServiceExt as _};
use tower_http::decompression::DecompressionLayer;

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

/// A client of a configuration without a proxy, as `ClientBuilder::try_from` makes it.
pub(super) fn client(config: &Config) -> Result<Client> {
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(sockets())?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let requests: HttpClient<_, Body> = Builder::new(TokioExecutor::new()).build(connector);
    let requests = config.extra_headers_layer()?.layer(requests.map_err(BoxError::from));
    let requests = option_layer(config.auth_layer()?).layer(requests);
    let unpacked = DecompressionLayer::new()
        .no_br()
        .no_deflate()
        .no_zstd()
        .gzip(!config.disable_compression);
    let requests = config.base_uri_layer().layer(unpacked.layer(requests));
    Ok(ClientBuilder::new(requests, config.default_namespace.clone()).build())
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
