//! What is known of an instance, on the wire and on disk.

use serde::{Deserialize, Serialize};

/// The states that an instance goes through, in this order. A process that ended is not in the list any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Gets no traffic yet.
    Starting,
    Ready,
    /// Answers, and gets traffic only when nobody else is there.
    Draining,
    /// A state of a later version: gets no traffic.
    #[serde(other)]
    Unknown,
}

impl State {
    /// Whether an instance goes from `before` to this: forward, and from a state that is not known to any other.
    pub fn follows(self, before: Self) -> bool {
        self > before || (before == Self::Unknown && self != before)
    }

    /// Whether it gets traffic at all.
    pub fn takes_traffic(self) -> bool {
        matches!(self, Self::Ready | Self::Draining)
    }
}

/// One running process of a service; every heartbeat carries it whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Record {
    pub service: String,
    /// A UUID made at the process's start.
    pub instance: String,
    /// `host:port` for others.
    pub addr: String,
    pub state: State,
    /// The program's version.
    #[cfg_attr(feature = "schema", schema(max_length = 64))]
    pub version: String,
    /// Unix milliseconds.
    pub started_at: i64,
}

/// The registry's answer to a watch: the full set, never a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// Made at the registry's start; revisions of different epochs are not comparable.
    pub epoch: String,
    pub revision: u64,
    /// The registry has just started and may not have heard from everybody: add what it lists, remove nothing.
    pub warming: bool,
    pub instances: Vec<Record>,
}

/// The registry's answer to a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Beat {
    pub epoch: String,
    pub revision: u64,
    /// Every live watcher has applied this record.
    pub acknowledged: bool,
    /// The registry's clock, in Unix milliseconds; none from an earlier version.
    #[serde(default)]
    pub now: Option<i64>,
}
