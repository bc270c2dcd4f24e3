//! TLS before the API server with a certificate of its own, which can be exchanged with the authority that signed it.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::proxy::Proxy;

pub(crate) struct Front {
    port: u16,
    file: PathBuf,
    namespace: String,
    shown: Arc<Mutex<Arc<ServerConfig>>>,
    /// The authority of the certificate that is shown, in PEM.
    authority: Mutex<String>,
    /// How often it was exchanged: connections from before are cut.
    exchanged: Arc<AtomicUsize>,
    _behind: Proxy,
}

impl Front {
    /// Starts it, with a kubeconfig that leads there.
    pub(crate) fn start(namespace: &str) -> Self {
        let behind = Proxy::start();
        let upstream = behind.server().replace("http://", "");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (config, authority) = signed();
        let shown = Arc::new(Mutex::new(config));
        let exchanged = Arc::new(AtomicUsize::new(0));
        let (current, count) = (shown.clone(), exchanged.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (config, count, upstream) = (current.lock().unwrap().clone(), count.clone(), upstream.clone());
                std::thread::spawn(move || drop(carry(client, config, &upstream, &count)));
            }
        });
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("front-{port}.kubeconfig"));
        let front = Self {
            port,
            file,
            namespace: namespace.to_owned(),
            shown,
            authority: Mutex::new(authority),
            exchanged,
            _behind: behind,
        };
        front.write_kubeconfig();
        front
    }

    pub(crate) fn kubeconfig(&self) -> &str {
        self.file.to_str().unwrap()
    }

    /// Shows a certificate of another authority, also to whoever was connected.
    pub(crate) fn exchange(&self) {
        let (config, authority) = signed();
        *self.shown.lock().unwrap() = config;
        *self.authority.lock().unwrap() = authority;
        self.exchanged.fetch_add(1, Ordering::SeqCst);
    }

    /// Puts the authority that counts now into the kubeconfig.
    pub(crate) fn write_kubeconfig(&self) {
        let authority = self.file.with_extension("crt");
        std::fs::write(&authority, self.authority.lock().unwrap().as_str()).unwrap();
        let server = format!("https://127.0.0.1:{}", self.port);
        let made = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "front", "users": [{"name": "nobody", "user": {}}],
            "clusters": [{"name": "front", "cluster": {"server": server, "certificate-authority": authority}}],
            "contexts": [{"name": "front", "context": {"cluster": "front", "user": "nobody", "namespace": self.namespace}}],
        });
        std::fs::write(&self.file, made.to_string()).unwrap();
    }
}

/// A certificate of a new authority, and that authority.
fn signed() -> (Arc<ServerConfig>, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority: CertifiedIssuer<'_, KeyPair> = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &*authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    (Arc::new(config), authority.pem())
}

/// One connection, until one side ends or the certificate is exchanged.
fn carry(client: TcpStream, config: Arc<ServerConfig>, upstream: &str, exchanged: &AtomicUsize) -> std::io::Result<()> {
    let begun = exchanged.load(Ordering::SeqCst);
    let mut server = TcpStream::connect(upstream)?;
    for socket in [&client, &server] {
        socket.set_read_timeout(Some(Duration::from_millis(5)))?;
    }
    let tls = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut client = StreamOwned::new(tls, client);
    let mut buffer = vec![0; 65536];
    while exchanged.load(Ordering::SeqCst) == begun {
        if !moved(&mut client, &mut server, &mut buffer)? || !moved(&mut server, &mut client, &mut buffer)? {
            break;
        }
    }
    Ok(())
}

/// Moves what is there; not when it has ended.
fn moved(from: &mut impl Read, to: &mut impl Write, buffer: &mut [u8]) -> std::io::Result<bool> {
    match from.read(buffer) {
        Ok(0) => Ok(false),
        Ok(read) => {
            to.write_all(&buffer[..read])?;
            to.flush()?;
            Ok(true)
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(true),
        Err(error) => Err(error),
    }
}
