//! What is known of an instance, on the wire and on disk.

use serde::{Deserialize, Serialize};

/// The states that a watcher knows, as it says when it asks: one of before 0.6.0 says nothing, and knows neither
/// [`State::Suspect`] nor [`State::Gone`].
pub const STATES: u8 = 2;

/// The states that an instance goes through, in this order; only between READY and SUSPECT there is a way back. An instance
/// says the first three of itself, and the registry the others of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Gets no traffic yet.
    Starting,
    Ready,
    /// Answers, and gets traffic only when nobody else is there.
    Draining,
    /// Was READY, and its heartbeats do not come: gets traffic only when there is not even one that drains.
    Suspect,
    /// Has left, or another has its place: it is listed for a minute, so that nobody takes its absence for a mistake.
    Gone,
    /// A state of a later version: gets no traffic.
    #[serde(other)]
    Unknown,
}

impl State {
    /// Whether an instance goes from `before` to this: forward, from SUSPECT as from READY and back to it, and from a state
    /// that is not known to any other.
    pub fn follows(self, before: Self) -> bool {
        match before {
            Self::Unknown => self != before,
            Self::Suspect => self == Self::Ready || self.follows(Self::Ready) && self != before,
            _ => self > before,
        }
    }

    /// The place of its instances in the order in which they are asked: of the lowest there is, one is asked. `None`: never.
    pub fn tier(self) -> Option<u8> {
        match self {
            Self::Ready => Some(1),
            Self::Draining => Some(2),
            Self::Suspect => Some(3),
            Self::Starting | Self::Gone | Self::Unknown => None,
        }
    }

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Ready => "READY",
            Self::Draining => "DRAINING",
            Self::Suspect => "SUSPECT",
            Self::Gone => "GONE",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether it gets traffic at all.
    pub fn takes_traffic(self) -> bool {
        self.tier().is_some()
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
    /// What an operator calls it, the same for the next process in its place: `upload-1`, and on another machine than the
    /// registry's `host:upload-1`. Empty from an earlier version.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 320))]
    pub name: String,
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

#[cfg(test)]
mod tests {
    use super::State::{Draining, Gone, Ready, Starting, Suspect, Unknown};

    #[test]
    fn only_a_suspect_has_a_way_back() {
        let known = [Starting, Ready, Draining, Suspect, Gone];
        for (earlier, before) in known.iter().enumerate() {
            for (later, state) in known.iter().enumerate() {
                let back = *before == Suspect && [Ready, Draining].contains(state);
                assert_eq!(
                    state.follows(*before),
                    later > earlier || back,
                    "{before:?} {state:?}"
                );
            }
            assert!(Unknown.follows(*before) && before.follows(Unknown));
        }
        assert!(!Unknown.follows(Unknown));
    }

    #[test]
    fn who_starts_or_is_gone_gets_no_traffic() {
        let tiers = [Ready, Draining, Suspect].map(super::State::tier);
        assert_eq!(tiers, [Some(1), Some(2), Some(3)]);
        assert!(
            [Starting, Gone, Unknown]
                .iter()
                .all(|state| !state.takes_traffic())
        );
    }
}
