//! The catalog's own settings.

use schemars::JsonSchema;
use serde::Deserialize;
use slipway_contract::quota::Quota;
use slipway_database::queue::crashes;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub jobs: Jobs,
    #[schemars(extend("x-applies" = "live"))]
    pub publishing: Publishing,
    #[schemars(extend("x-applies" = "live"))]
    pub quotas: Quotas,
}

impl slipway_runtime::settings::Settings for Settings {}

/// What every app may hold, unless `PATCH /api/v1/apps/{app}` says otherwise of it. Nothing is limited where nothing is
/// set: on a machine of one's own the disk's reserve is the limit.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Bytes of all packages, equal ones once: so that one app's nightly builds do not fill the disk of all.
    pub bytes: Option<i64>,
    /// Releases that are not deleted: pages, feeds and copies grow with them.
    pub releases: Option<i64>,
    /// Drafts: what a pipeline begins and never publishes.
    pub drafts: Option<i64>,
}

impl Quotas {
    pub(crate) fn quota(self) -> Quota {
        Quota {
            bytes: self.bytes,
            releases: self.releases,
            drafts: self.drafts,
        }
    }
}

/// The work behind releases.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jobs {
    /// Jobs at once in one instance. A job mostly waits for signing and download to read the same bytes.
    #[schemars(extend("x-applies" = "live"))]
    pub workers: u32,
    /// Seconds of a lease, renewed three times within it: how long the job of a killed instance waits for another. The
    /// same for every instance: a lease that is longer by half a minute than ours can be counts as none.
    pub lease_seconds: u64,
    /// Processes that may end with a job among their work, without a step forward of it in between, before it runs alone
    /// in its process: it may be what ends them.
    pub max_crashes: i64,
    /// Processes that a job may end while it runs alone, before it is given up. More than one: an operator, a machine that
    /// is restarted and a memory that is full end processes too.
    pub max_crashes_alone: i64,
    /// Milliseconds until the next try after a job has ended a process alone for the first time; it doubles each time, so
    /// that a platform is not always restarting, and who ended the process for another reason has done with it.
    pub alone_pause_millis: i64,
}

impl Default for Jobs {
    fn default() -> Self {
        let crashes = crashes::Limits::default();
        Self {
            workers: 4,
            lease_seconds: 5,
            max_crashes: crashes.max_crashes,
            max_crashes_alone: crashes.max_crashes_alone,
            alone_pause_millis: crashes.alone_pause_millis,
        }
    }
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Publishing {
    /// Milliseconds that an answer waits for every follower to have applied a change. They need about ten; one that
    /// hangs must not hold everybody's answers longer.
    pub follower_wait_millis: u64,
    /// Milliseconds after a start that changes wait for the first ask of upload and download, which shows whether the
    /// database is the newest. They ask within about a hundred; one that is away must not keep everybody waiting.
    #[schemars(extend("x-applies" = "restart"))]
    pub first_ask_millis: u64,
    /// Seconds that an answer waits for a release, unless `Prefer: wait=N` says otherwise.
    pub release_wait_seconds: u64,
    /// Words for whoever wants to publish while publishing is turned off; without them it is on.
    #[schemars(length(min = 1, max = 500))]
    pub off: Option<String>,
    /// Hours for which an Idempotency-Key is remembered.
    pub idempotency_hours: i64,
}

impl Default for Publishing {
    fn default() -> Self {
        Self {
            follower_wait_millis: 5000,
            first_ask_millis: 3000,
            release_wait_seconds: 60,
            off: None,
            idempotency_hours: 24,
        }
    }
}
