//! TLS to API servers: as kube sets it up, and a server may show the very certificate that the kubeconfig has as its authority,
//! be it one of an authority or not, as for kubectl.

use std::sync::Arc;

use kube::client::ConfigExt as _;
use kube::{Config, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What a configuration asks of TLS.
pub(super) fn config(config: &Config) -> Result<ClientConfig> {
    let mut tls = config.rustls_client_config()?;
    if let Some(known) = config.root_cert.as_deref().filter(|_| !config.accept_invalid_certs)
        && let Some(verifier) = Known::new(known, &tls)
    {
        tls.dangerous().set_certificate_verifier(Arc::new(verifier));
    }
    Ok(tls)
}

/// Trusts certificates that known ones vouch for, and the known ones themselves.
#[derive(Debug)]
struct Known {
    known: Vec<CertificateDer<'static>>,
    vouched: Arc<WebPkiServerVerifier>,
}

impl Known {
    fn new(known: &[Vec<u8>], tls: &ClientConfig) -> Option<Self> {
        let known: Vec<CertificateDer<'static>> = known.iter().cloned().map(CertificateDer::from).collect();
        let mut roots = RootCertStore::empty();
        // kube has taken all of them.
        roots.add_parsable_certificates(known.iter().cloned());
        let vouched = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(tls.crypto_provider()));
        let vouched = vouched.build().ok()?;
        Some(Self { known, vouched })
    }
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.vouched.verify_server_cert(shown, between, server, ocsp, now);
        match &verified {
            // Its time is looked at first, so that is right, and who vouches for it does not matter.
            Err(Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_),
            )) if self.known.iter().any(|known| known == shown) => {
                verify_server_name(&ParsedCertificate::try_from(shown)?, server)?;
                Ok(ServerCertVerified::assertion())
            }
            _ => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.vouched.verify_tls12_signature(message, shown, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.vouched.verify_tls13_signature(message, shown, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.vouched.supported_verify_schemes()
    }
}
