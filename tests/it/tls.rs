//! Certificates of servers: what is wrong with one is told, and what to do.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

/// A certificate and its key.
struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

/// Serves refusals over TLS; the address.
fn serve(identity: &Identity) -> String {
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = config.clone();
            std::thread::spawn(move || {
                let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                let mut buffer = [0; 8192];
                while let Ok(1..) = stream.read(&mut buffer) {
                    let answer = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
                    if stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    format!("https://127.0.0.1:{port}")
}

/// What `extop VERB` says of a server with these fields of its cluster entry.
fn told(verb: &str, server: &str, fields: &serde_json::Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = fields.clone();
    cluster["server"] = json!(server);
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": {"token": "abc"}}],
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

// F22
#[test]
fn a_certificate_that_is_refused_is_named_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca: CertifiedIssuer<'_, KeyPair> = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
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
