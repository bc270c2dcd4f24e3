//! TLS to API servers: as kube sets it up, and a server may show the very certificate that the kubeconfig has as its authority,
//! be it one of an authority or not, as for kubectl.
//!
//! kube's own way asks the user entry for certificates, and brings along all ways of logging in: 600 KiB for what
//! [`super::credentials`] does.

use std::sync::Arc;

use kube::client::RustlsTlsError;
use kube::{Config, Error as Fault, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt as _;
use secrecy::ExposeSecret as _;

use super::secrets;

/// What a configuration asks of TLS.
pub(super) fn config(config: &Config) -> Result<ClientConfig> {
    let builder = ClientConfig::builder();
    let builder = match config.root_cert.as_deref() {
        _ if config.accept_invalid_certs => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone)),
        None => builder.with_platform_verifier().map_err(untrusted)?,
        Some(known) => {
            let mut roots = RootCertStore::empty();
            for known in known {
                roots.add(CertificateDer::from_slice(known)).map_err(untrusted)?;
            }
            let roots = Arc::new(roots);
            let vouched = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(builder.crypto_provider()));
            match vouched.build() {
                Ok(vouched) => {
                    let known = known.iter().cloned().map(CertificateDer::from).collect();
                    builder
                        .dangerous()
                        .with_custom_certificate_verifier(Arc::new(Known { known, vouched }))
                }
                // There are none: nobody is trusted.
                Err(_) => builder.with_root_certificates(roots),
            }
        }
    };
    Ok(match identity(config)? {
        Some((certificates, key)) => {
            let refused = |error| Fault::RustlsTls(RustlsTlsError::InvalidPrivateKey(error));
            builder.with_client_auth_cert(certificates, key).map_err(refused)?
        }
        None => builder.with_no_client_auth(),
    })
}

fn untrusted(error: Error) -> Fault {
    Fault::RustlsTls(RustlsTlsError::AddRootCertificate(error.into()))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The client certificate, those between it and its authority, and its key.
fn identity(config: &Config) -> Result<Option<Identity>> {
    let Some(certificates) = &config.auth_info.client_certificate_data else {
        return Ok(None);
    };
    let certificates: Vec<_> = secrets::certificates(certificates).into_iter().map(CertificateDer::from).collect();
    if certificates.is_empty() {
        return Err(Fault::RustlsTls(RustlsTlsError::MissingCertificate));
    }
    let key = config.auth_info.client_key_data.as_ref();
    let key = key.and_then(|key| secrets::key(&secrets::decoded(key.expose_secret())?));
    let key = key.ok_or(Fault::RustlsTls(RustlsTlsError::MissingPrivateKey))?;
    Ok(Some((certificates, key)))
}

/// All that a server may sign with when its certificate is not looked at.
const SIGNATURES: [SignatureScheme; 13] = [
    SignatureScheme::RSA_PKCS1_SHA1,
    SignatureScheme::ECDSA_SHA1_Legacy,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::ED25519,
    SignatureScheme::ED448,
];

/// Trusts every server, as the kubeconfig asks.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SIGNATURES.to_vec()
    }
}

/// Trusts certificates that known ones vouch for, and the known ones themselves.
#[derive(Debug)]
struct Known {
    known: Vec<CertificateDer<'static>>,
    vouched: Arc<WebPkiServerVerifier>,
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
