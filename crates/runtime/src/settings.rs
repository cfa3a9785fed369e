//! Settings: the compiled defaults, then a file, then the documents of the central configuration, then
//! `SLIPWAY_<SERVICE>__SECTION__KEY`, then the command line ([`sources`]).
//!
//! Unknown keys are refused, so that a typing error cannot pass for a setting. A service's own sections stand beside
//! the ones of this module in the same file. Every key says when a change of it takes effect: `live` at once, `restart` at
//! the next start, and `local` ones are said where the process runs and nowhere else, since they decide whom it trusts.

pub mod environment;
pub mod kept;
mod public_url;
pub mod sources;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use tracing_subscriber::EnvFilter;

pub use public_url::{PublicUrl, PublicUrlError};
pub use slipway_configuration::Refusal;

/// The sections that every service has.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Common {
    pub http: Http,
    #[schemars(extend("x-applies" = "local"))]
    pub admin: Admin,
    pub log: Log,
    #[schemars(extend("x-applies" = "local"))]
    pub registry: Registry,
    #[schemars(extend("x-applies" = "local"))]
    pub database: Database,
    #[schemars(extend("x-applies" = "live"))]
    pub instances: Instances,
}

const COMMON_SECTIONS: [&str; 6] = ["http", "admin", "log", "registry", "database", "instances"];

/// A service's own sections.
pub trait Settings: DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static {
    /// What no type says of them; the words are for whoever set them.
    fn check(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// What documents may make of `local`, which are the settings that the machine alone gives.
    fn check_beside(&self, _local: &Self) -> Result<(), Refusal> {
        Ok(())
    }
}

/// What operators say of instances. It is no part of their leases, which are gone with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Instances {
    /// Names of instances that get no traffic, until they are taken out of this list.
    pub out: BTreeSet<String>,
}

/// The HTTP server of a process.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address to listen on. Default: a free loopback port, chosen at the first start and kept in the data folder.
    #[schemars(extend("x-applies" = "local"))]
    pub listen: Option<SocketAddr>,
    /// Unix socket of a `slipway-door`, which holds the public port and gives its listener to gateways. Instead of `listen`.
    #[schemars(extend("x-applies" = "local"))]
    pub door: Option<PathBuf>,
    /// `host:port` under which others reach this instance; `{hostname}` in it is the name of the machine or container.
    /// Default, and `auto`: the address that it listens on, or where that is every address of the machine, the one of the
    /// interface that reaches the registry.
    #[schemars(extend("x-applies" = "local"))]
    pub advertise: Option<String>,
    /// Origin that users see, such as `https://apps.example.org`. Default: addresses in documents have no origin.
    pub public_url: Option<PublicUrl>,
    /// Connections at once; more wait in the backlog. Each costs about 10 KiB, so 10,000 stay below 100 MiB. One whose
    /// client does not read what it asked for holds 1 MiB until `write_timeout_seconds` are over: where 10,000 of those
    /// have to be feared, lower it.
    pub max_connections: usize,
    /// Requests of the world at once; more are 503 `busy`. Below the connections, so that some are left for other services.
    pub max_public_requests: usize,
    /// Requests of other services at once; more are 503 `busy`. Each instance of a fleet holds a few: polls, and calls
    /// for its own requests.
    pub max_internal_requests: usize,
    /// TLS handshakes at once; when more begin, the oldest ends. Above the connections that begin at one moment on a busy
    /// day; each costs about 10 KiB and a third of a millisecond of the processor.
    pub max_handshakes: usize,
    /// Seconds in which a handshake must end and a request head arrive: against clients that send one byte a minute
    /// (slowloris).
    pub head_timeout_seconds: u64,
    /// Seconds for which a send buffer may stay full: against clients that ask for large files and read nothing. The
    /// system calls a buffer full until a third of its megabytes is free, so a client below 3 KB/s may meet it too.
    pub write_timeout_seconds: u64,
    /// Seconds that requests in flight get to end after SIGTERM. Above the time of a large package on a slow line
    /// nothing is gained: uploads resume.
    pub drain_seconds: u64,
    /// Bytes of a JSON body. 1 MiB holds every document of the API ten times over.
    pub max_json_bytes: usize,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: None,
            door: None,
            advertise: None,
            public_url: None,
            max_connections: 10_000,
            max_public_requests: 8_000,
            max_internal_requests: 2_000,
            max_handshakes: 1024,
            head_timeout_seconds: 10,
            write_timeout_seconds: 600,
            drain_seconds: 30,
            max_json_bytes: 1024 * 1024,
        }
    }
}

impl Http {
    pub fn head_timeout(&self) -> Duration {
        Duration::from_secs(self.head_timeout_seconds)
    }

    pub fn write_timeout(&self) -> Duration {
        Duration::from_secs(self.write_timeout_seconds)
    }

    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// The plain listener for operators: `/healthz`, `/readyz` and `/metrics`, and nothing else.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Never an address that the public reaches. Default: a free loopback port; it is in `DIR/run`.
    pub listen: SocketAddr,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
        }
    }
}

/// The log on standard error.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    /// A filter such as `info` or `slipway_upload=debug,info`.
    #[serde(deserialize_with = "filter")]
    #[schemars(extend("x-applies" = "live", "minLength" = 1, "maxLength" = 1000))]
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".to_owned(),
        }
    }
}

fn filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    EnvFilter::try_new(&text)
        .map_err(|error| D::Error::custom(format!("{text:?} is no filter of the log: {error}")))?;
    Ok(text)
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

/// Where the registry is and how often it hears from us.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Registry {
    /// URLs of the registry's nodes. Default: the registries that run in the same data folder.
    pub urls: Vec<String>,
    /// Seconds between heartbeats; a third of the time after which an instance is suspected, so that two may be lost.
    pub heartbeat_seconds: u64,
    /// Seconds for which an instance that is told to end works on at the most, until all know that it leaves; without a
    /// registry the least, too. More than the 5 for which callers keep a connection without a request: until then each
    /// has asked, and was told with the answer, or has closed its own.
    pub leave_seconds: u64,
    /// Seconds for which a process that `slipway up` replaces waits at the most until its successor is ready: more than any
    /// service takes to start, and less than makes an end look like a fault.
    pub successor_seconds: u64,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            heartbeat_seconds: 3,
            leave_seconds: 6,
            successor_seconds: 10,
        }
    }
}

/// The database of a service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `sqlite://PATH` or `postgres://…`. Default: an SQLite file in the service's folder. `secret:NAME` is what the file
    /// NAME among the service's secrets says.
    #[schemars(extend("x-secret" = true))]
    pub url: Option<String>,
    /// Connections of one instance. A request holds one for milliseconds, so few serve many.
    pub max_connections: u32,
    /// Milliseconds after which PostgreSQL is away when it has let nobody begin meanwhile: that is told within two seconds.
    pub wait_millis: u64,
    /// Seconds for which a statement waits for a lock on PostgreSQL: longer than any crowd of ours.
    pub lock_seconds: u64,
    /// Seconds that a statement may take on PostgreSQL, and a transaction do nothing: ten times what any of ours takes.
    pub statement_seconds: u64,
    /// Bytes of an SQLite file up to which a start looks through its pages before it reads anything; a larger file is
    /// looked through while the service works. 256 MiB take a quarter of a second, and a file of a sixteenth of that, in
    /// which also the indexes are compared with their tables, the same.
    pub check_bytes: u64,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            max_connections: 8,
            wait_millis: 1500,
            lock_seconds: 5,
            statement_seconds: 30,
            check_bytes: 256 << 20,
        }
    }
}

impl Database {
    pub fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_millis)
    }
}
