//! Certificates of servers: what is wrong with one is told, and what to do.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

/// A certificate and its key.
struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

/// A request as the server heard it.
struct Heard {
    /// The certificate that the client showed.
    certificate: Option<Vec<u8>>,
    head: String,
}

/// Serves refusals over TLS; the address.
fn serve(identity: &Identity) -> String {
    hear(identity, None).0
}

/// Serves refusals over TLS, to clients with certificates of this authority or without one; the address, and what was heard.
fn hear(identity: &Identity, clients: Option<&rcgen::Certificate>) -> (String, Receiver<Heard>) {
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
            verifier.allow_unauthenticated().build().unwrap()
        }
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![identity.certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (hearing, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, hearing) = (config.clone(), hearing.clone());
            std::thread::spawn(move || {
                let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                let mut buffer = [0; 8192];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    let shown = stream.conn.peer_certificates().and_then(<[_]>::first);
                    // Most tests do not ask what was heard.
                    let _ = hearing.send(Heard {
                        certificate: shown.map(|shown| shown.to_vec()),
                        head: String::from_utf8_lossy(&buffer[..length]).into_owned(),
                    });
                    let answer = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
                    if stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    (format!("https://127.0.0.1:{port}"), heard)
}

/// What `extop VERB` says of a server with these fields of its cluster entry.
fn told(verb: &str, server: &str, fields: &serde_json::Value) -> String {
    told_as(&json!({"token": "abc"}), verb, server, fields)
}

/// The same, as a user with these fields of the user entry.
fn told_as(user: &serde_json::Value, verb: &str, server: &str, fields: &serde_json::Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = fields.clone();
    cluster["server"] = json!(server);
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
    });
    std::fs::write(folder.path().join("kubeconfig"), config.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_extop"))
        .args([verb, "--request-timeout", "3s"])
        .env_clear()
        .env("HOME", folder.path())
        .env("KUBECONFIG", folder.path().join("kubeconfig"))
        .output()
        .unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn authority(folder: &Path, pem: &str) -> serde_json::Value {
    let file = folder.join("ca.crt");
    std::fs::write(&file, pem).unwrap();
    json!({"certificate-authority": file})
}

/// An authority that signs certificates.
fn issuer() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

// F22
#[test]
fn a_certificate_that_is_refused_is_named_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let ca = issuer();
    let known = authority(folder.path(), &ca.pem());
    let issuer: &Issuer<'_, KeyPair> = &ca;
    let signed = |names: &[&str], until: i32| {
        let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        Identity {
            certificate: params.signed_by(&key, issuer).unwrap(),
            key,
        }
    };
    let server = serve(&signed(&["127.0.0.1"], 2100));
    let said = told("status", &server, &known);
    assert!(!said.contains("certificate") && !said.contains("reached"), "{said}");
    let said = told("status", &server, &json!({}));
    assert!(
        said.contains("signed by an unknown authority") && said.contains("certificate-authority"),
        "{said}"
    );
    // One of the same name, as that of a cluster that was made again.
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made_again: CertifiedIssuer<'_, KeyPair> = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let said = told("status", &server, &authority(folder.path(), &made_again.pem()));
    assert!(
        said.contains("signed by an unknown authority of the same name as the known one") && said.contains("certificate-authority"),
        "{said}"
    );
    let known = authority(folder.path(), &ca.pem());
    let expired = serve(&signed(&["127.0.0.1"], 2021));
    let said = told("status", &expired, &known);
    assert!(
        said.contains("the server's certificate has expired (on 2021-01-01 00:00 UTC)"),
        "{said}"
    );
    let other = serve(&signed(&["rig.example.org", "10.0.0.1"], 2100));
    let said = told("status", &other, &known);
    assert!(
        said.contains("is not for 127.0.0.1, but for rig.example.org, 10.0.0.1") && said.contains("tls-server-name"),
        "{said}"
    );
    let mut named = known.clone();
    named["tls-server-name"] = json!("rig.example.org");
    let said = told("status", &other, &named);
    assert!(!said.contains("certificate"), "{said}");
    // It is used where the kubeconfig says so, and that is said.
    let said = told("info", &expired, &json!({"insecure-skip-tls-verify": true}));
    assert!(
        said.contains("(its certificate is not verified: insecure-skip-tls-verify)"),
        "{said}"
    );
    assert!(!said.contains("expired"), "{said}");
}

/// A certificate for these names that signed itself.
fn own(names: &[&str], is_ca: IsCa, until: i32) -> Identity {
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.is_ca = is_ca;
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    Identity {
        certificate: params.self_signed(&key).unwrap(),
        key,
    }
}

// F22
#[test]
fn a_server_may_show_the_very_certificate_that_the_kubeconfig_has() {
    let folder = tempfile::tempdir().unwrap();
    let ca = || IsCa::Ca(BasicConstraints::Unconstrained);
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = ca();
    let authority_of_another: CertifiedIssuer<'_, KeyPair> = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let issued = Identity {
        certificate: params.signed_by(&key, &*authority_of_another).unwrap(),
        key,
    };
    for (what, identity, refused) in [
        ("an authority's", own(&["127.0.0.1"], ca(), 2100), None),
        ("an ordinary one", own(&["127.0.0.1"], IsCa::NoCa, 2100), None),
        ("one that says that it is none", own(&["127.0.0.1"], IsCa::ExplicitNoCa, 2100), None),
        ("one that another signed", issued, None),
        (
            "one that has ended",
            own(&["127.0.0.1"], ca(), 2021),
            Some("has expired (on 2021-01-01"),
        ),
        (
            "one for another host",
            own(&["rig.example.org"], ca(), 2100),
            Some("is not for 127.0.0.1, but for rig.example.org"),
        ),
    ] {
        let (server, known) = (serve(&identity), authority(folder.path(), &identity.certificate.pem()));
        let said = told("status", &server, &known);
        match refused {
            None => assert!(!said.contains("certificate") && !said.contains("reached"), "{what}: {said}"),
            Some(why) => assert!(said.contains(why), "{what}: {said}"),
        }
    }
    // Another one, also of the same name, is not trusted.
    let (one, other) = (own(&["127.0.0.1"], ca(), 2100), own(&["127.0.0.1"], ca(), 2100));
    let said = told("status", &serve(&one), &authority(folder.path(), &other.certificate.pem()));
    assert!(
        said.contains("the server's certificate is refused: CaUsedAsEndEntity") && said.contains("certificate-authority"),
        "{said}"
    );
}

#[test]
fn a_server_is_shown_the_certificate_or_the_name_and_password_of_the_user_entry() {
    let folder = tempfile::tempdir().unwrap();
    let ca = issuer();
    let of_server = own(&["127.0.0.1"], IsCa::NoCa, 2100);
    let (server, heard) = hear(&of_server, Some(ca.as_ref()));
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(Vec::new()).unwrap().signed_by(&key, &*ca).unwrap();
    let file = |name: &str, text: String| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let by_certificate = json!({
        "client-certificate": file("dev.crt", certificate.pem()),
        "client-key": file("dev.key", key.serialize_pem()),
    });
    let by_password = json!({"username": "dev", "password": "abc"});
    // Also to a server whose own certificate is not looked at.
    for cluster in [
        authority(folder.path(), &of_server.certificate.pem()),
        json!({"insecure-skip-tls-verify": true}),
    ] {
        let said = told_as(&by_certificate, "status", &server, &cluster);
        let requests: Vec<Heard> = heard.try_iter().collect();
        assert!(!requests.is_empty(), "{said}");
        for request in requests {
            assert_eq!(request.certificate.as_deref(), Some(certificate.der().as_ref()));
            assert!(!request.head.contains("authorization:"), "{}", request.head);
        }
        let said = told_as(&by_password, "status", &server, &cluster);
        let requests: Vec<Heard> = heard.try_iter().collect();
        assert!(!requests.is_empty(), "{said}");
        for request in requests {
            assert_eq!(request.certificate, None);
            assert!(
                request.head.contains("\r\nauthorization: Basic ZGV2OmFiYw==\r\n"),
                "{}",
                request.head
            );
        }
    }
}
