//! Upload's own settings.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use slipway_runtime::http::prefer::LONGEST_WAIT_SECONDS;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub store: Store,
    #[schemars(extend("x-applies" = "live"))]
    pub sweep: Sweep,
    #[schemars(extend("x-applies" = "live"))]
    pub limits: Limits,
    #[schemars(extend("x-applies" = "live"))]
    pub inspection: Inspection,
    #[schemars(extend("x-applies" = "live"))]
    pub sessions: Sessions,
    pub outbox: Outbox,
}

impl slipway_runtime::settings::Settings for Settings {}

/// Where the bytes are.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Default: `blobs` in the data folder.
    #[schemars(extend("x-applies" = "local"))]
    pub folder: Option<PathBuf>,
    /// Bytes of the disk that uploads leave free. Databases and logs mostly lie on the same disk, and a platform that
    /// cannot write them any more cannot even say why.
    pub reserve_bytes: u64,
    /// Bytes above the reserve at which operators are told: a day's packages of a few apps, so that somebody comes in time.
    #[schemars(extend("x-applies" = "live"))]
    pub warn_bytes: u64,
    /// Seconds between two sweeps: files that a killed process left in staging, expired sessions, and a part of the store.
    #[schemars(extend("x-applies" = "live"))]
    pub sweep_seconds: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            folder: None,
            reserve_bytes: 256 << 20,
            warn_bytes: 2 << 30,
            sweep_seconds: 10,
        }
    }
}

/// How long stays what nobody refers to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sweep {
    /// Seconds that a file stays in its place: longer than an instance of an earlier version, which does not keep it from
    /// the sweep, takes from there to its row.
    pub young_seconds: u64,
    /// Seconds that it lies in the trash after that: a day, in which somebody notices that a database is an older copy.
    pub trash_seconds: u64,
    /// Seconds that the row of a refused or removed package tells why: a day, as long as an upload in pieces.
    pub row_seconds: u64,
    /// Folders of blobs, of 256, that one sweep looks through: a bound on what it reads at once. With this and
    /// `store.sweep_seconds` as they are, all are looked through in six minutes.
    pub folders: u16,
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            young_seconds: 3600,
            trash_seconds: 24 * 3600,
            row_seconds: 24 * 3600,
            folders: 8,
        }
    }
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a package: beyond every installer that people download.
    pub package_bytes: u64,
    /// Seconds that the body of one request may take: a day brings the largest package over a line of 200 kB/s, and what is
    /// longer under way keeps a file and a connection for nobody, and is begun with a token of long ago.
    pub body_seconds: u64,
    /// Seconds that an answer waits for the release, unless `Prefer: wait=N` says otherwise.
    pub wait_seconds: u64,
    /// The most that `Prefer: wait=N` may ask for: below the time-outs of proxies.
    pub longest_wait_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            package_bytes: 16 << 30,
            body_seconds: 24 * 3600,
            wait_seconds: 60,
            longest_wait_seconds: LONGEST_WAIT_SECONDS,
        }
    }
}

impl Limits {
    pub(crate) fn body_time(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }
}

/// The process that reads a package. The bytes are a stranger's and the decoders are others' code, so it gets little.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Inspection {
    /// The program. Default: this one.
    #[schemars(extend("x-applies" = "local"))]
    pub program: Option<PathBuf>,
    /// Inspections at once; more would only take turns on the processors.
    #[schemars(extend("x-applies" = "restart"))]
    pub at_once: usize,
    /// Bytes of address space: three times what the tables of the largest package need.
    pub memory_bytes: u64,
    /// Seconds of processor time: a hundred times what the largest package needs.
    pub cpu_seconds: u64,
    /// Seconds in all, for a disk that is slow.
    pub wall_seconds: u64,
    /// Open files: the package, two to answer on, and some for the runtime at its start.
    pub files: u64,
}

impl Default for Inspection {
    fn default() -> Self {
        Self {
            program: None,
            at_once: 2,
            memory_bytes: 1 << 30,
            cpu_seconds: 20,
            wall_seconds: 60,
            files: 16,
        }
    }
}

/// Uploads in pieces.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// Seconds after the last piece until a session expires: somebody who closes the lid goes on the next day.
    pub life_seconds: u64,
    /// Seconds until a session expires that has not got a byte: whoever means it sends one at once, and until then it keeps
    /// room from the others.
    pub empty_life_seconds: u64,
    /// Open sessions of one token: more than any build has, and a bound on what a mistake can take. It was of one app, and
    /// named so, before 0.3.0.
    #[serde(alias = "open_per_app")]
    pub open_per_token: i64,
    /// Bytes of a long piece after which what came is made durable: the most that is sent again after a crash.
    pub persist_bytes: u64,
    /// Seconds that a new request waits for the one before it to let go of the session.
    pub takeover_seconds: u64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            life_seconds: 24 * 3600,
            empty_life_seconds: 3600,
            open_per_token: 100,
            persist_bytes: 64 << 20,
            takeover_seconds: 5,
        }
    }
}

impl Sessions {
    /// Of a session that has `received` bytes, in milliseconds.
    pub(crate) fn life(&self, received: u64) -> i64 {
        let seconds = match received {
            0 => self.life_seconds.min(self.empty_life_seconds),
            _ => self.life_seconds,
        };
        i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX / 2)
    }

    pub(crate) fn takeover(&self) -> Duration {
        Duration::from_secs(self.takeover_seconds)
    }
}

/// What the catalog is told.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outbox {
    /// Deliveries at once in one instance.
    #[schemars(extend("x-applies" = "live"))]
    pub at_once: usize,
    /// Seconds of a lease: how long a row of a killed instance waits for another. A delivery is given up before.
    pub lease_seconds: u64,
    /// Milliseconds that an answer waits for a catalog that does not answer: a restart is that short.
    #[schemars(extend("x-applies" = "live"))]
    pub grace_millis: u64,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            at_once: 8,
            lease_seconds: 5,
            grace_millis: 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_name_of_a_limit_still_sets_it() {
        let old: Settings =
            serde_json::from_str(r#"{"sessions": {"open_per_app": 7}}"#).expect("settings");
        assert_eq!(old.sessions.open_per_token, 7);
    }
}
