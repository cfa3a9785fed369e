//! The place of an instance in its data folder: `run/<service>-<n>.lock`, held while the process lives, its file
//! `run/<service>-<n>.json` for others, and the port that it had before, so that it is found again at the same address
//! while the registry is away.

use std::fs::{self, File, TryLockError};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::clock;
use crate::data::{DataDir, private_folder, write_whole};
use crate::process::Process;

pub(super) struct Slot {
    /// The lock ends with the process, however it ends.
    _lock: File,
    announcement: PathBuf,
    port: PathBuf,
}

impl Slot {
    /// Takes the lowest number that no living process of the service has.
    pub(super) fn take(data: &DataDir, service: &str) -> anyhow::Result<Self> {
        private_folder(&data.run())?;
        private_folder(&data.service(service))?;
        let mut number = 1;
        loop {
            let path = data.run().join(format!("{service}-{number}.lock"));
            let lock = File::create(&path)
                .with_context(|| format!("could not open {}", path.display()))?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    number += 1;
                    continue;
                }
                Err(TryLockError::Error(error)) => {
                    let context = format!("could not lock {}", path.display());
                    return Err(anyhow::Error::new(error).context(context));
                }
            }
            let announcement = data.run().join(format!("{service}-{number}.json"));
            // What a killed predecessor said of itself is not true any more.
            let _ = fs::remove_file(&announcement);
            return Ok(Self {
                _lock: lock,
                announcement,
                port: data.service(service).join(format!("listen-{number}")),
            });
        }
    }

    /// Listens on `wanted`, else on the port of the last start, else on a free one.
    pub(super) async fn listen(&self, wanted: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
        if let Some(address) = wanted {
            return TcpListener::bind(address).await.with_context(|| {
                format!("could not listen on {address}: is another program using it? choose another with --listen")
            });
        }
        let before = fs::read_to_string(&self.port).ok();
        let before = before.and_then(|text| text.trim().parse::<SocketAddr>().ok());
        if let Some(address) = before {
            match TcpListener::bind(address).await {
                Ok(listener) => return Ok(listener),
                Err(error) => {
                    tracing::info!(%address, %error, "the port of the last start is taken, choosing another");
                }
            }
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("could not listen on a loopback port")?;
        write_whole(&self.port, listener.local_addr()?.to_string())?;
        Ok(listener)
    }

    /// Writes the file that tells people and programs on this machine that the instance is ready.
    pub(super) fn announce(&self, announcement: &Announcement) -> anyhow::Result<()> {
        let text = serde_json::to_string(announcement)?;
        write_whole(&self.announcement, format!("{text}\n"))
    }

    pub(super) fn leave(&self) {
        let _ = fs::remove_file(&self.announcement);
    }
}

/// What an instance says of itself in `DIR/run`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Announcement {
    pub service: String,
    pub instance: String,
    pub pid: u32,
    /// Where others reach it: services over TLS, the world over HTTP when it is the gateway.
    pub addr: String,
    /// Where operators ask it, over HTTP.
    pub admin: String,
    /// RFC 3339.
    pub started_at: String,
    /// SHA-256 of the certificates of the authorities that it trusts, in hex.
    pub authorities: Vec<String>,
    /// SHA-256 of the certificate that it proves itself with, in hex.
    pub certificate: String,
}

impl Announcement {
    pub(super) fn new(process: &Process, listen: String, admin: String) -> Self {
        let advertised = process.settings.http.advertise.clone();
        let loaded = process.identity.loaded();
        Self {
            service: process.service.to_owned(),
            instance: process.instance.to_string(),
            pid: std::process::id(),
            addr: advertised.unwrap_or(listen),
            admin,
            started_at: clock::rfc3339(clock::unix_millis()),
            authorities: loaded.authorities.clone(),
            certificate: loaded.certificate.clone(),
        }
    }

    /// Whether its process is there: a killed one leaves its words behind.
    pub fn lives(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        pid.is_some_and(|pid| test_kill_process(pid).is_ok())
    }
}

/// What the instances of this folder have said of themselves, those of killed ones included: a registry comes back where
/// it was.
pub fn announcements(data: &DataDir) -> Vec<Announcement> {
    let Ok(entries) = fs::read_dir(data.run()) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    files.sort();
    let read = |path: PathBuf| serde_json::from_slice(&fs::read(path).ok()?).ok();
    files.into_iter().filter_map(read).collect()
}
