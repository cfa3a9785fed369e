//! The place of an instance in its data folder: `run/<service>-<n>.lock`, held while the process lives, its file
//! `run/<service>-<n>.json` for others, and the port that it had before, so that it is found again at the same address
//! while the registry is away.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use slipway_handover::{BACKLOG, take_listener};
use tokio::net::{TcpListener, TcpSocket};

use super::address::hostname;
use super::context::Process;
use super::door::Door;
use super::listener::Listener;
use crate::clock;
use crate::data::{DataDir, private_folder, write_whole};
use crate::fault::Fault;
use crate::settings::Registry;
use slipway_contract::record::{Record, State};

pub struct Slot {
    /// The lock ends with the process, however it ends.
    _lock: File,
    announcement: PathBuf,
    port: PathBuf,
    name: String,
}

impl Slot {
    /// Takes the lowest number that no living process of the service has.
    pub fn take(data: &DataDir, service: &str) -> anyhow::Result<Self> {
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
                name: format!("{service}-{number}"),
            });
        }
    }

    /// What an operator calls the process here: where the registry may be on another machine, ours is a part of it.
    pub fn name(&self, registry: &Registry) -> String {
        if registry.urls.is_empty() {
            return self.name.clone();
        }
        format!("{}:{}", hostname(), self.name)
    }

    /// Takes the address `wanted`, else the port of the last start, else a free one.
    pub fn reserve(&self, wanted: Option<SocketAddr>) -> anyhow::Result<Reserved> {
        if let Some(address) = wanted {
            return Reserved::at(address).with_context(|| {
                format!("could not listen on {address}: is another program using it? choose another with --listen")
            });
        }
        let before = fs::read_to_string(&self.port).ok();
        let before = before.and_then(|text| text.trim().parse::<SocketAddr>().ok());
        if let Some(address) = before {
            match Reserved::at(address) {
                Ok(reserved) => return Ok(reserved),
                Err(error) => {
                    tracing::info!(%address, %error, "the port of the last start is taken, choosing another");
                }
            }
        }
        let reserved = Reserved::at((Ipv4Addr::LOCALHOST, 0).into())
            .context("could not listen on a loopback port")?;
        let written = write_whole(&self.port, reserved.address()?.to_string());
        match written {
            // The next start has another port then, which is told to everybody.
            Err(error) if Fault::of(error.as_ref()) == Some(Fault::Full) => {
                tracing::warn!("{error:#}");
            }
            written => written?,
        }
        Ok(reserved)
    }

    /// Writes the file that tells people and programs on this machine that the instance is ready.
    pub fn announce(&self, announcement: &Announcement) -> anyhow::Result<()> {
        let text = serde_json::to_string(announcement)?;
        write_whole(&self.announcement, format!("{text}\n"))
    }

    pub fn leave(&self) {
        let _ = fs::remove_file(&self.announcement);
    }
}

/// An address that is taken and not listened at yet. A connection to a process that is not built would wait in the
/// backlog; so it is refused, and whoever made it asks another instance at once. But where a supervisor or a door holds the
/// listener, there is no other to ask, and it waits.
pub enum Reserved {
    Bound(TcpSocket),
    Inherited(std::net::TcpListener),
    Behind(Door, TcpListener),
}

impl Reserved {
    pub fn at(address: SocketAddr) -> io::Result<Self> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // Connections of the last process may still be ending there, and ours will at the next start.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self::Bound(socket))
    }

    /// What the supervisor holds and gives on standard input.
    pub fn inherited() -> io::Result<Self> {
        take_listener(io::stdin()).map(Self::Inherited)
    }

    /// What a door holds and gives at `path`; waits for one.
    pub async fn behind(path: &Path) -> Self {
        let (door, listener) = Door::find(path).await;
        Self::Behind(door, listener)
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Bound(socket) => socket.local_addr(),
            Self::Inherited(listener) => listener.local_addr(),
            Self::Behind(_, listener) => listener.local_addr(),
        }
    }

    /// From now on connections are taken.
    pub fn listen(self) -> anyhow::Result<Listener> {
        let address = self.address()?;
        let listener = match self {
            Self::Bound(socket) => socket.listen(BACKLOG.cast_unsigned()).map(Listener::from),
            Self::Inherited(listener) => TcpListener::from_std(listener).map(Listener::from),
            Self::Behind(door, listener) => Ok(Listener::behind(door, listener)),
        };
        listener.with_context(|| {
            format!("could not listen on {address}: is another program using it? choose another with --listen")
        })
    }
}

/// What an instance says of itself in `DIR/run`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Announcement {
    pub service: String,
    pub instance: String,
    pub pid: u32,
    /// What an operator calls it; empty from an earlier version.
    #[serde(default)]
    pub name: String,
    /// Where others reach it: services over TLS, the world over HTTP when it is the gateway.
    pub addr: String,
    /// Where operators ask it, over HTTP.
    pub admin: String,
    /// RFC 3339.
    pub started_at: String,
    /// The run of `slipway up` that it belongs to, if one runs; none from an earlier version.
    #[serde(default)]
    pub run: Option<String>,
    /// SHA-256 of the certificates of the authorities that it trusts, in hex.
    pub authorities: Vec<String>,
    /// SHA-256 of the certificate that it proves itself with, in hex.
    pub certificate: String,
}

impl Announcement {
    pub fn new(process: &Process, addr: String, admin: String) -> Self {
        Self {
            service: process.service.to_owned(),
            instance: process.instance.to_string(),
            pid: std::process::id(),
            name: process.name.to_string(),
            addr,
            admin,
            started_at: clock::rfc3339(clock::unix_millis()),
            run: process.run.as_deref().map(str::to_owned),
            authorities: Vec::new(),
            certificate: String::new(),
        }
    }

    /// The instance as the registry would list it: what is ready says so here. Nobody inside calls a gateway at its
    /// public address.
    pub fn record(&self) -> Record {
        let addr = if self.service == "gateway" {
            &self.admin
        } else {
            &self.addr
        };
        Record {
            service: self.service.clone(),
            instance: self.instance.clone(),
            addr: addr.clone(),
            state: State::Ready,
            // Not said here, and nobody decides by them.
            version: String::new(),
            started_at: 0,
            name: self.name.clone(),
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

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn nobody_connects_before_the_service_is_built() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        let slot = Slot::take(&data, "upload").expect("a slot");
        let reserved = slot.reserve(None).expect("a port");
        let address = reserved.address().expect("an address");
        let refused = TcpStream::connect(address).expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let mut listener = reserved.listen().expect("a listener");
        let client = TcpStream::connect(address).expect("somebody listens");
        // A connection that we end first holds its end of the port for a minute.
        drop(listener.accept().await.expect("a connection"));
        drop((listener, client));
        let again = slot.reserve(None).expect("a port");
        assert_eq!(
            again.address().expect("an address"),
            address,
            "the port is kept"
        );
    }
}
