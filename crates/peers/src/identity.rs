//! By what a process proves who it is, and whom it believes: mutual TLS 1.3 (RFC 8446) with the certificates of the
//! platform's authority, and no public ones.
//!
//! The folder is read again every ten seconds, so that a renewed certificate and a rotated authority need no restart.
//! Sessions are not resumed and no tickets are given: each connection proves both ends anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::sync::watch;

use slipway_runtime::clock;
use slipway_runtime::data::DataDir;
use slipway_runtime::http::serve::Proof;

use crate::certificate::Facts;

/// The files of a service's folder of secrets.
pub const CERTIFICATE: &str = "certificate.pem";
pub const KEY: &str = "key.pem";
/// The certificates of the authorities that a service trusts: one, and two during a rotation.
pub const AUTHORITIES: &str = "authorities.pem";

/// How often the folder is read again.
pub const READ_AGAIN: Duration = Duration::from_secs(10);

/// The identity of a process; cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    loaded: watch::Sender<Arc<Loaded>>,
    /// The same, for the accept loop.
    server: watch::Sender<Arc<ServerConfig>>,
}

/// What was read from the folder at one time.
pub struct Loaded {
    files: Files,
    /// Raised with every change.
    pub generation: u64,
    pub server: Arc<ServerConfig>,
    pub client: Arc<ClientConfig>,
    /// When this process can prove itself no more, in Unix seconds: the end of its certificate.
    pub ends_at: i64,
    /// SHA-256 of this process's certificate, in hex.
    pub certificate: String,
    /// SHA-256 of the certificates of the authorities that are trusted, in hex.
    pub authorities: Vec<String>,
    service: Option<String>,
}

#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authorities: Vec<u8>,
}

impl Identity {
    /// Reads the certificate of `service`, its key and the authorities that it trusts.
    pub fn open(service: &str, data: &DataDir) -> anyhow::Result<Self> {
        let folder = data.secrets(service);
        let loaded = Files::read(&folder)
            .and_then(|files| Loaded::new(files, 0))
            .and_then(|loaded| {
                ensure!(
                    loaded.service.as_deref() == Some(service),
                    "the certificate there is that of {}",
                    loaded.service.as_deref().unwrap_or("nobody")
                );
                Ok(loaded)
            });
        let loaded = loaded.with_context(|| {
            format!(
                "{} has no certificate that {service} can prove itself with: run `slipway init --data DIR` first",
                folder.display()
            )
        })?;
        loaded.warn_of_end(service);
        Ok(Self(Arc::new(Shared {
            folder,
            server: watch::Sender::new(loaded.server.clone()),
            loaded: watch::Sender::new(Arc::new(loaded)),
        })))
    }

    pub fn loaded(&self) -> Arc<Loaded> {
        self.0.loaded.borrow().clone()
    }

    /// What was loaded, and every change of it.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Loaded>> {
        self.0.loaded.subscribe()
    }

    /// How the accept loop proves connections with it.
    pub fn proof(&self) -> Proof {
        Proof {
            config: self.0.server.subscribe(),
            name: |certificate| Facts::of_der(certificate).ok()?.service,
            grace: READ_AGAIN.saturating_mul(2),
        }
    }

    /// Reads the folder again and again. What cannot be read, such as a key without its certificate yet, changes nothing.
    pub async fn keep_current(self, service: &'static str) {
        loop {
            tokio::time::sleep(READ_AGAIN).await;
            match self.read_again() {
                Ok(true) => {
                    tracing::info!("the certificates have changed and are used from now on");
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "the certificates could not be read again"
                    );
                }
            }
            self.loaded().warn_of_end(service);
        }
    }

    /// Whether something had changed.
    fn read_again(&self) -> anyhow::Result<bool> {
        let files = Files::read(&self.0.folder)?;
        let before = self.loaded();
        if files == before.files {
            return Ok(false);
        }
        let loaded = Loaded::new(files, before.generation + 1)?;
        self.0.server.send_replace(loaded.server.clone());
        self.0.loaded.send_replace(Arc::new(loaded));
        Ok(true)
    }
}

impl Files {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).with_context(|| format!("could not read {}", path.display()))
        };
        Ok(Self {
            certificate: read(CERTIFICATE)?,
            key: read(KEY)?,
            authorities: read(AUTHORITIES)?,
        })
    }
}

impl Loaded {
    fn new(files: Files, generation: u64) -> anyhow::Result<Self> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(&files.certificate).collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(&files.key)?;
        let mut roots = RootCertStore::empty();
        let mut authorities = Vec::new();
        for authority in CertificateDer::pem_slice_iter(&files.authorities) {
            let authority = authority?;
            authorities.push(Facts::of_der(&authority)?.fingerprint);
            roots.add(authority)?;
        }
        let roots = Arc::new(roots);
        let own = Facts::of_der(chain.first().context("no certificate")?)?;
        Ok(Self {
            server: server(chain.clone(), key.clone_key(), &roots)?,
            client: client(chain, key, &roots)?,
            files,
            generation,
            ends_at: own.ends_at,
            certificate: own.fingerprint,
            service: own.service,
            authorities,
        })
    }

    /// An end that nobody was told of would look like a network that fails.
    fn warn_of_end(&self, service: &str) {
        let left = self.ends_at - clock::unix_millis() / 1000;
        if left <= 0 {
            tracing::error!(
                "the certificate of {service} has ended, so nobody believes it any more: run `slipway init --data DIR`, which renews it"
            );
        }
    }
}

/// SHA-256 of the certificate that `service` has in its folder, in hex.
pub fn certificate_of(service: &str, data: &DataDir) -> anyhow::Result<String> {
    let path = data.secrets(service).join(CERTIFICATE);
    Ok(Facts::of_pem(&fs::read(path)?)?.fingerprint)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A client certificate is never optional here.
fn server(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: &Arc<RootCertStore>,
) -> anyhow::Result<Arc<ServerConfig>> {
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots.clone(), provider()).build()?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

fn client(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: &Arc<RootCertStore>,
) -> anyhow::Result<Arc<ClientConfig>> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots.clone())
        .with_client_auth_cert(chain, key)?;
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
