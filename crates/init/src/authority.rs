//! The platform's authority: it makes the certificates by which services prove who they are (RFC 5280).
//!
//! One authority per platform, which is the platform's identity: whoever holds its key can be any service. It lies in
//! `secrets/authority/`, which `slipway init` alone needs. Each service has a folder of its own with its key, its
//! certificate and the authorities that it trusts.
//!
//! Everything here may be killed and run again: a file is written whole, what fits stays, and what does not is made anew.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use slipway_peers::certificate;
use slipway_peers::identity::{AUTHORITIES, CERTIFICATE, KEY};
use slipway_runtime::data::{DataDir, private_folder, sync_folder, write_whole};

/// Days that a certificate is valid: nobody is woken up at night for one, and a stolen one is ended by a rotation.
const VALID_DAYS: i64 = 3653;
/// Days before now from which a certificate is valid: clocks of machines differ.
const BACKDATED_DAYS: i64 = 1;
/// Days before its end in which a certificate is renewed.
const RENEWED_DAYS: i64 = 365;

/// An authority with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// Makes one and writes it to `folder`.
    fn make(folder: &Path) -> anyhow::Result<()> {
        private_folder(folder)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        // Distinct from every leaf's: OpenSSL takes equal subjects for a self-signed certificate.
        params.distinguished_name = named(&format!("Slipway platform {}", Uuid::now_v7()));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = validity();
        let certificate = params.self_signed(&key)?;
        // The key first: an authority without a certificate is none yet.
        write_whole(&folder.join(KEY), key.serialize_pem())?;
        write_whole(&folder.join(CERTIFICATE), certificate.pem())
    }

    /// The authority in `folder`, if one was finished there.
    fn open(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(CERTIFICATE);
        if !path.exists() {
            return Ok(None);
        }
        // Who made it may have been killed before its name was on the disk.
        sync_folder(folder)?;
        let read = |name: &str| fs::read_to_string(folder.join(name));
        let parse = || -> anyhow::Result<Self> {
            let certificate = read(CERTIFICATE)?;
            let key = KeyPair::from_pem(&read(KEY)?)?;
            Ok(Self {
                issuer: Issuer::from_ca_cert_pem(&certificate, key)?,
                certificate,
            })
        };
        parse().map(Some).with_context(|| {
            format!(
                "the authority in {} is damaged: put it back, or make another with `slipway init --as-copy`",
                folder.display()
            )
        })
    }

    /// Gives `service` a new key and a certificate of it, in `folder`.
    fn issue(&self, service: &str, folder: &Path) -> anyhow::Result<()> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&format!("Slipway {service}"));
        params.subject_alt_names = vec![SanType::DnsName(service.try_into()?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = validity();
        let certificate = params.signed_by(&key, &self.issuer)?;
        // A service that reads between the two finds that they do not fit, and reads again.
        write_whole(&folder.join(KEY), key.serialize_pem())?;
        write_whole(&folder.join(CERTIFICATE), certificate.pem())
    }

    /// Whether the service's certificate in `folder` is this authority's, fits its key and does not end soon.
    fn has_issued(&self, folder: &Path) -> bool {
        let fits = || -> anyhow::Result<bool> {
            let leaf = certificate::Facts::of_pem(&fs::read(folder.join(CERTIFICATE))?)?;
            let own = certificate::Facts::of_pem(self.certificate.as_bytes())?;
            let key = KeyPair::from_pem(&fs::read_to_string(folder.join(KEY))?)?;
            Ok(leaf.issuer == own.subject
                && leaf.public_key == key.subject_public_key_info()
                && !ends_soon(leaf.ends_at))
        };
        fits().unwrap_or(false)
    }

    fn ends_soon(&self) -> bool {
        certificate::Facts::of_pem(self.certificate.as_bytes())
            .is_ok_and(|facts| ends_soon(facts.ends_at))
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

fn validity() -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (
        now - Duration::days(BACKDATED_DAYS),
        now + Duration::days(VALID_DAYS),
    )
}

/// `ends_at` in Unix seconds.
fn ends_soon(ends_at: i64) -> bool {
    ends_at < (OffsetDateTime::now_utc() + Duration::days(RENEWED_DAYS)).unix_timestamp()
}

/// The authorities of a platform: one, and during a rotation the next beside it.
pub struct Authorities {
    data: DataDir,
    current: Authority,
    next: Option<Authority>,
    /// Two of `init` at once would each make their own.
    _lock: File,
}

impl Authorities {
    /// Opens what is there, and makes the first authority where there is none.
    pub fn open(data: &DataDir) -> anyhow::Result<Self> {
        let folder = |name| data.authority().join(name);
        private_folder(&data.authority())?;
        let lock = File::create(data.authority().join("lock"))?;
        lock.lock()?;
        if !folder("current").join(CERTIFICATE).exists() {
            if folder("next").join(CERTIFICATE).exists() {
                // `finish` was killed between its two renames.
                replace(&folder("current"), &folder("next"))?;
            } else {
                Authority::make(&folder("current"))?;
            }
        }
        let current = Authority::open(&folder("current"))?.context("there is no authority")?;
        Ok(Self {
            current,
            next: Authority::open(&folder("next"))?,
            data: data.clone(),
            _lock: lock,
        })
    }

    /// Replaces the platform's identity: a copy of a data folder becomes a platform of its own.
    pub fn replace(data: &DataDir) -> anyhow::Result<Self> {
        for name in ["current", "next"] {
            match fs::remove_dir_all(data.authority().join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Self::open(data)
    }

    /// Gives each of `services` what it lacks: the authorities to trust, and a certificate of one of them.
    pub fn equip(&self, services: &[String]) -> anyhow::Result<()> {
        for service in services {
            let folder = self.data.secrets(service);
            private_folder(&folder)?;
            self.trust(&folder)?;
            let next_has = self
                .next
                .as_ref()
                .is_some_and(|next| next.has_issued(&folder));
            if !next_has && !self.current.has_issued(&folder) {
                self.current.issue(service, &folder)?;
            }
            // Also what else is there, such as the sealing key: who made it may have been killed before it had.
            sync_folder(&folder)?;
        }
        Ok(())
    }

    /// Whether the authority itself has to be replaced soon.
    pub fn ends_soon(&self) -> bool {
        self.current.ends_soon()
    }

    /// The first step of a rotation: the next authority is made, and each of `services` trusts both. Returns the
    /// fingerprint of the next.
    pub fn begin_rotation(&mut self, services: &[String]) -> anyhow::Result<String> {
        if self.next.is_none() {
            let folder = self.data.authority().join("next");
            Authority::make(&folder)?;
            self.next = Authority::open(&folder)?;
        }
        self.equip(services)?;
        self.fingerprint_of_next()
    }

    /// The second step, once everybody has read the authorities: certificates of the next one.
    pub fn reissue(&self, services: &[String]) -> anyhow::Result<()> {
        let next = self.next()?;
        for service in services {
            let folder = self.data.secrets(service);
            if !next.has_issued(&folder) {
                next.issue(service, &folder)?;
            }
        }
        Ok(())
    }

    /// The last step: the old authority is trusted no more.
    pub fn finish_rotation(mut self, services: &[String]) -> anyhow::Result<()> {
        let next = self.next()?;
        for service in services {
            if !next.has_issued(&self.data.secrets(service)) {
                bail!(
                    "{service} has no certificate of the next authority yet: run `slipway init --rotate internal` again, then finish"
                );
            }
        }
        let folder = |name| self.data.authority().join(name);
        replace(&folder("current"), &folder("next"))?;
        if let Some(next) = self.next.take() {
            self.current = next;
        }
        self.equip(services)
    }

    /// SHA-256 of the next authority's certificate in hex, as services say it of those that they trust.
    pub fn fingerprint_of_next(&self) -> anyhow::Result<String> {
        Ok(certificate::Facts::of_pem(self.next()?.certificate.as_bytes())?.fingerprint)
    }

    fn next(&self) -> anyhow::Result<&Authority> {
        self.next
            .as_ref()
            .context("no rotation has begun: `slipway init --rotate internal` begins one")
    }

    /// Writes the authorities that are trusted, unless they are there already.
    fn trust(&self, folder: &Path) -> anyhow::Result<()> {
        let mut wanted = self.current.certificate.clone();
        if let Some(next) = &self.next {
            wanted.push_str(&next.certificate);
        }
        let path = folder.join(AUTHORITIES);
        if fs::read_to_string(&path).is_ok_and(|there| there == wanted) {
            return Ok(());
        }
        write_whole(&path, wanted)
    }
}

/// Puts the folder `new` in the place of `old`.
fn replace(old: &Path, new: &Path) -> anyhow::Result<()> {
    let gone: PathBuf = old.with_extension("old");
    if old.exists() {
        fs::rename(old, &gone)?;
    }
    fs::rename(new, old)?;
    // Before anything goes: a power cut may keep what came last, and half an authority is none.
    sync_folder(old.parent().unwrap_or(old))?;
    if gone.exists() {
        fs::remove_dir_all(gone)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services() -> Vec<String> {
        vec!["catalog".to_owned(), "signing".to_owned()]
    }

    fn platform() -> (tempfile::TempDir, DataDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        (folder, data)
    }

    /// What every start does.
    fn equip(data: &DataDir) {
        let authorities = Authorities::open(data).expect("authorities");
        authorities.equip(&services()).expect("certificates");
    }

    fn certificate_of(data: &DataDir, service: &str) -> Vec<u8> {
        fs::read(data.secrets(service).join(CERTIFICATE)).expect("a certificate")
    }

    fn trusted_by(data: &DataDir, service: &str) -> usize {
        let text = fs::read_to_string(data.secrets(service).join(AUTHORITIES)).unwrap();
        text.matches("BEGIN CERTIFICATE").count()
    }

    #[test]
    fn what_fits_stays_and_what_does_not_is_made_anew() {
        let (_folder, data) = platform();
        equip(&data);
        let before = certificate_of(&data, "catalog");
        equip(&data);
        assert_eq!(certificate_of(&data, "catalog"), before);
        // Killed after the key of a new certificate was written.
        let other = fs::read(data.secrets("signing").join(KEY)).unwrap();
        fs::write(data.secrets("catalog").join(KEY), other).unwrap();
        equip(&data);
        assert_ne!(certificate_of(&data, "catalog"), before);
    }

    #[test]
    fn a_certificate_is_renewed_in_its_last_year() {
        let in_days = |days| (OffsetDateTime::now_utc() + Duration::days(days)).unix_timestamp();
        assert!(ends_soon(in_days(-1)) && ends_soon(in_days(RENEWED_DAYS - 1)));
        assert!(!ends_soon(in_days(RENEWED_DAYS + 1)));
        let (begin, end) = validity();
        assert!(begin < OffsetDateTime::now_utc() && !ends_soon(end.unix_timestamp()));
    }

    #[test]
    fn a_rotation_goes_in_steps_and_each_may_be_repeated() {
        let (_folder, data) = platform();
        equip(&data);
        let before = certificate_of(&data, "catalog");
        let finished = Authorities::open(&data)
            .unwrap()
            .finish_rotation(&services());
        assert!(finished.is_err(), "nothing has begun");
        for _ in 0..2 {
            let mut authorities = Authorities::open(&data).unwrap();
            authorities.begin_rotation(&services()).unwrap();
            assert_eq!(trusted_by(&data, "catalog"), 2);
            assert_eq!(certificate_of(&data, "catalog"), before);
        }
        let early = Authorities::open(&data)
            .unwrap()
            .finish_rotation(&services());
        assert!(
            early.is_err(),
            "certificates of the old authority are in use"
        );
        for _ in 0..2 {
            Authorities::open(&data)
                .unwrap()
                .reissue(&services())
                .unwrap();
        }
        let after = certificate_of(&data, "catalog");
        assert_ne!(after, before);
        // An ordinary start in the middle changes nothing.
        equip(&data);
        assert_eq!(certificate_of(&data, "catalog"), after);
        Authorities::open(&data)
            .unwrap()
            .finish_rotation(&services())
            .unwrap();
        assert_eq!(trusted_by(&data, "catalog"), 1);
        equip(&data);
        assert_eq!(certificate_of(&data, "catalog"), after);
    }

    #[test]
    fn a_copy_becomes_another_platform() {
        let (_folder, data) = platform();
        equip(&data);
        let before = certificate_of(&data, "catalog");
        Authorities::replace(&data)
            .unwrap()
            .equip(&services())
            .unwrap();
        assert_ne!(certificate_of(&data, "catalog"), before);
        assert_eq!(trusted_by(&data, "catalog"), 1);
    }
}
