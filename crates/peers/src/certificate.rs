//! What a certificate says (X.509, RFC 5280). Whether it is to be believed is decided by rustls before.

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The fields that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// SHA-256 of the certificate in hex.
    pub fingerprint: String,
    pub subject: String,
    pub issuer: String,
    /// The key that it is about, as `SubjectPublicKeyInfo` in DER.
    pub public_key: Vec<u8>,
    /// Unix seconds.
    pub ends_at: i64,
    /// The service that it is for: its only DNS name.
    pub service: Option<String>,
}

impl Facts {
    pub fn of_der(der: &[u8]) -> anyhow::Result<Self> {
        let (_, certificate) = X509Certificate::from_der(der).context("no certificate")?;
        Ok(Self {
            fingerprint: hex::encode(Sha256::digest(der)),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            public_key: certificate.public_key().raw.to_vec(),
            ends_at: certificate.validity().not_after.timestamp(),
            service: only_name(&certificate),
        })
    }

    /// Of the first certificate in a PEM file.
    pub fn of_pem(pem: &[u8]) -> anyhow::Result<Self> {
        let first = Pem::iter_from_buffer(pem).next();
        Self::of_der(&first.context("no certificate in PEM")??.contents)
    }
}

/// More than one name would be two services at once.
fn only_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let names = certificate.subject_alternative_name().ok()??;
    match names.value.general_names.as_slice() {
        [GeneralName::DNSName(name)] => Some((*name).to_owned()),
        _ => None,
    }
}
