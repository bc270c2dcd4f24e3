//! TLS to PostgreSQL: the server must show a certificate of the cluster's CA that is made for the service.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::route::Trouble;
use crate::domain::text::sanitise;

/// Who vouches for the server, and for which name.
pub(super) struct Authority {
    connector: MakeRustlsConnect,
    secret: String,
    service: String,
}

impl Authority {
    /// The authorities in `certificates` (PEM), out of `secret`, for a server named `service`.
    pub(super) fn new(certificates: &[u8], secret: String, service: String) -> Result<Self, Trouble> {
        let unusable = |why: &dyn std::fmt::Display| {
            Trouble::new(format!(
                "ca.crt in secret {secret} is not a CA certificate: {}",
                sanitise(&why.to_string())
            ))
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(certificates) {
            let certificate = certificate.map_err(|error| unusable(&error))?;
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
        if roots.is_empty() {
            return Err(unusable(&"it holds none"));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Trouble::new(format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            connector: MakeRustlsConnect::new(config),
            secret,
            service,
        })
    }

    /// Makes TLS of a stream.
    pub(super) fn connector(&self) -> MakeRustlsConnect {
        self.connector.clone()
    }

    /// The name that the certificate must be made for.
    pub(super) fn service(&self) -> &str {
        &self.service
    }

    /// The TLS failure behind an error, as a sentence; `None` when TLS is not to blame.
    pub(super) fn explain(&self, error: &(dyn Error + 'static)) -> Option<String> {
        let (secret, service) = (&self.secret, &self.service);
        Some(match cause(error)? {
            rustls::Error::InvalidCertificate(why) => match why {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    format!("the server's certificate is not signed by the CA in secret {secret}")
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    format!("the server's certificate is not made for {service}")
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the server's certificate has expired".to_owned(),
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "the server's certificate is not valid yet (do the clocks agree?)".to_owned()
                }
                other => format!("the server's certificate is refused: {}", sanitise(&other.to_string())),
            },
            other => format!("TLS with the server fails: {}", sanitise(&other.to_string())),
        })
    }
}

/// The rustls error in a chain. An `io::Error` hides the error that it wraps from `source`.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn a_secret_without_a_certificate_is_named() {
        for content in [
            &b""[..],
            b"nonsense",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let Err(trouble) = Authority::new(content, "shop/orders-ca".to_owned(), "orders-rw".to_owned()) else {
                panic!("{content:?} was taken for a CA");
            };
            assert!(
                trouble
                    .because
                    .starts_with("ca.crt in secret shop/orders-ca is not a CA certificate"),
                "{}",
                trouble.because
            );
        }
    }

    #[test]
    fn the_cause_is_found_below_errors_that_wrap_it() {
        let inner = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        assert!(matches!(
            cause(&wrapped).unwrap(),
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)
        ));
    }
}
