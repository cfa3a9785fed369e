//! The place of an instance in its data folder: `run/<service>-<n>.lock`, held while the process lives, its file
//! `run/<service>-<n>.json` for others, and the port that it had before, so that it is found again at the same address
//! while the registry is away.

use std::fs::{self, File, TryLockError};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::clock;
use crate::data::{DataDir, private_folder, write_whole};
use crate::discovery::record::Record;

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
    pub(super) fn announce(&self, record: &Record) -> anyhow::Result<()> {
        let announcement = json!({
            "service": record.service,
            "instance": record.instance,
            "pid": std::process::id(),
            "addr": record.addr,
            "started_at": clock::rfc3339(record.started_at),
        });
        write_whole(&self.announcement, format!("{announcement}\n"))
    }

    pub(super) fn leave(&self) {
        let _ = fs::remove_file(&self.announcement);
    }
}

/// The addresses of the instances of `service` that have announced themselves in this folder.
pub(super) fn addresses(data: &DataDir, service: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(data.run()) else {
        return Vec::new();
    };
    let prefix = format!("{service}-");
    let mut files: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(&prefix) && name.ends_with(".json")
        })
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let address = |path: PathBuf| {
        let announcement: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        Some(announcement["addr"].as_str()?.to_owned())
    };
    files.into_iter().filter_map(address).collect()
}
