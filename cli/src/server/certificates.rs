//! `--cacert`: certificates that a person trusts instead of the system's, as `curl --cacert` takes them.
//!
//! A server's own certificate may be among them, as `openssl req -x509` makes it. webpki refuses that one as
//! `CaUsedAsEndEntity`, since it says of itself that it is an authority. Here it is trusted because it is, byte for byte,
//! the one that was given; its name and its time have still to fit, as curl asks too.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

use crate::exit::Stop;

/// TLS that trusts the certificates in the PEM file and no others.
pub(super) fn trust(file: &Path) -> anyhow::Result<ClientConfig> {
    let shown = file.display();
    let none = |why: String| Stop::usage(format!("--cacert {shown}: {why}"));
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| none(format!("it cannot be read as PEM: {error}")))?;
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        roots
            .add(certificate.clone())
            .map_err(|error| none(format!("a certificate in it cannot be used: {error}")))?;
    }
    if certificates.is_empty() {
        return Err(none("there is no certificate in it".to_owned()).into());
    }
    let provider = Arc::new(ring::default_provider());
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .context("the certificates cannot be used")?;
    let verifier = Arc::new(Given {
        certificates,
        chains,
    });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[derive(Debug)]
struct Given {
    certificates: Vec<CertificateDer<'static>>,
    /// What is signed by one of them.
    chains: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Given {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.certificates.iter().any(|given| given == end_entity) {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            check_time(end_entity, now)?;
            return Ok(ServerCertVerified::assertion());
        }
        let (chains, ocsp) = (&self.chains, ocsp_response);
        chains.verify_server_cert(end_entity, intermediates, server_name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

fn check_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let damaged = || Error::InvalidCertificate(CertificateError::BadEncoding);
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| damaged())?;
    let now = i64::try_from(now.as_secs()).map_err(|_| damaged())?;
    let now = ASN1Time::from_timestamp(now).map_err(|_| damaged())?;
    let validity = certificate.validity();
    if now < validity.not_before {
        Err(Error::InvalidCertificate(CertificateError::NotValidYet))
    } else if now > validity.not_after {
        Err(Error::InvalidCertificate(CertificateError::Expired))
    } else {
        Ok(())
    }
}
