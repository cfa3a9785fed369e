//! What an operator asks of the fleet: what each instance reports with its heartbeat, and what the registry makes of it.

pub mod lines;
pub mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::record::{Record, State};

/// Bytes of a heartbeat on the wire: what registries of every version take.
pub const LONGEST_HEARTBEAT: usize = 4096;
/// Characters of words in a report.
const LONGEST_WORDS: usize = 300;
/// Seconds between heartbeats that are believed: who says that they are rarer would be missed by nobody. A lease is over
/// by then.
const LONGEST_HEARTBEAT_SECONDS: u64 = 10;

/// The body of a heartbeat: the whole record, and what operators want to know beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    #[serde(flatten)]
    pub record: Record,
    /// None from an earlier version.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "readable"
    )]
    pub report: Option<Report>,
}

/// What an instance reports of itself. Nothing is decided by it: it is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Report {
    /// Seconds between its heartbeats; 0 where it does not say.
    pub heartbeat_seconds: u64,
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub saturation: Option<Saturation>,
    /// Gauges of its `/metrics`, by their names without `slipway_`.
    pub numbers: BTreeMap<String, i64>,
    /// The oldest work that does not go on.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub waits: Option<Waiting>,
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub configuration: Option<Configured>,
    /// For how long the instance could not read what it reports; 0 while it can.
    pub unread_seconds: u64,
}

/// How much of what an instance can do is in use: near 1 it is time to start another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Saturation {
    /// What is measured, such as `processor`.
    pub of: String,
    /// 0 to 1.
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 1))]
    pub share: f64,
}

/// Work that waits for a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Waiting {
    /// What waits and why, for a person.
    pub words: String,
    /// Unix milliseconds.
    pub since: i64,
    /// The service that holds it.
    pub on: String,
}

/// What an instance has made of the central configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Configured {
    /// The revision that it works by; 0 before there is one.
    pub applied: u64,
    /// Why it did not take the newest.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub refused: Option<String>,
    /// Keys that wait for its next start.
    pub pending: u64,
}

/// `GET /api/v1/fleet`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Fleet {
    /// When this was true.
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub at: String,
    pub environment: String,
    /// The newest revision of the central configuration.
    pub configuration: u64,
    /// What is wrong, each as a sentence that begins with a service; empty: all is well.
    pub problems: Vec<String>,
    pub services: Vec<ServiceStanding>,
}

/// A service of the fleet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ServiceStanding {
    pub service: String,
    /// Since when none of its instances takes traffic.
    #[cfg_attr(feature = "schema", schema(required = true, format = DateTime))]
    pub absent_since: Option<String>,
    pub instances: Vec<InstanceStanding>,
}

/// An instance of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InstanceStanding {
    /// What an operator calls it.
    pub name: String,
    pub instance: String,
    pub addr: String,
    pub version: String,
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub state: State,
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub since: String,
    pub state_seconds: u64,
    /// Since its last heartbeat.
    pub heard_seconds: u64,
    /// Its next heartbeat should have come.
    pub overdue: bool,
    /// The revision of the leases that it has applied; `null` where it does not watch.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub watches: Option<u64>,
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub report: Option<Report>,
}

impl Heartbeat {
    /// With as much of the report as every registry takes: a lease is worth more than what is told beside it.
    pub fn bounded(record: Record, report: Option<Report>) -> Self {
        let mut beat = Self { record, report };
        let is_short = |beat: &Self| {
            serde_json::to_vec(beat).is_ok_and(|bytes| bytes.len() <= LONGEST_HEARTBEAT)
        };
        if let (false, Some(report)) = (is_short(&beat), &mut beat.report) {
            report.numbers.clear();
        }
        if !is_short(&beat) {
            beat.report = None;
        }
        beat
    }
}

impl Report {
    /// As it is shown, at `now` (Unix milliseconds): whoever sends it may have any service's certificate, also an
    /// operator's own, and its words go to terminals and its numbers into sums.
    #[must_use]
    pub fn shown(mut self, now: i64) -> Self {
        self.heartbeat_seconds = self.heartbeat_seconds.min(LONGEST_HEARTBEAT_SECONDS);
        if let Some(saturation) = &mut self.saturation {
            saturation.of = shortened(&saturation.of);
            saturation.share = saturation.share.clamp(0.0, 1.0);
        }
        if let Some(waits) = &mut self.waits {
            *waits = Waiting::new(
                &waits.words,
                waits.since.clamp(0, now),
                &shortened(&waits.on),
            );
        }
        if let Some(configuration) = &mut self.configuration {
            configuration.refused = configuration.refused.as_deref().map(shortened);
        }
        for number in self.numbers.values_mut() {
            *number = (*number).max(0);
        }
        self
    }
}

impl Waiting {
    pub fn new(words: &str, since: i64, on: &str) -> Self {
        Self {
            words: shortened(words),
            since,
            on: on.to_owned(),
        }
    }
}

/// Words as they are shown: a few, and on one line. What is written with control characters moves a terminal's cursor.
pub fn shortened(words: &str) -> String {
    let shown = words.chars().map(|character| {
        let is_plain = !character.is_control() && !is_bidi(character);
        if is_plain { character } else { '\u{fffd}' }
    });
    shown.take(LONGEST_WORDS).collect()
}

/// Characters that turn the order of others around (Unicode Standard Annex 9, 2).
fn is_bidi(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A report that a later version writes otherwise costs nobody its lease.
fn readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Report>, D::Error> {
    let told = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(told.and_then(|told| serde_json::from_value(told).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            service: "upload".to_owned(),
            instance: "i".to_owned(),
            addr: "127.0.0.1:1".to_owned(),
            state: State::Ready,
            version: "0".to_owned(),
            started_at: 0,
            name: "upload-1".to_owned(),
        }
    }

    #[test]
    fn a_heartbeat_is_read_by_either_side_whatever_the_report_is() {
        let beat = Heartbeat::bounded(record(), Some(Report::default()));
        let told = serde_json::to_value(&beat).expect("JSON");
        let earlier: Record = serde_json::from_value(told.clone()).expect("a record");
        assert_eq!(earlier, record());
        let mut strange = told;
        strange["report"] = serde_json::json!({"numbers": "many"});
        let read: Heartbeat = serde_json::from_value(strange).expect("a heartbeat");
        assert_eq!((read.record, read.report), (record(), None));
        let bare = serde_json::to_value(record()).expect("JSON");
        let read: Heartbeat = serde_json::from_value(bare).expect("a heartbeat");
        assert_eq!(read.report, None);
    }

    #[test]
    fn a_report_is_shown_as_one_line_and_with_numbers_that_can_be_counted_with() {
        let report = Report {
            heartbeat_seconds: u64::MAX,
            saturation: Some(Saturation {
                of: "\u{1b}[2J".to_owned(),
                share: 1e300,
            }),
            numbers: BTreeMap::from([("certificate_end_seconds".to_owned(), i64::MIN)]),
            waits: Some(Waiting {
                words: "all\nis \u{202e}well".to_owned(),
                since: i64::MIN,
                on: "signing\r".to_owned(),
            }),
            configuration: Some(Configured {
                refused: Some("no\n".repeat(1000)),
                ..Configured::default()
            }),
            unread_seconds: 0,
        };
        let shown = report.shown(1000);
        assert_eq!(shown.heartbeat_seconds, LONGEST_HEARTBEAT_SECONDS);
        let saturation = shown.saturation.expect("it stays");
        assert_eq!(saturation.of, "\u{fffd}[2J");
        assert!((saturation.share - 1.0).abs() < f64::EPSILON);
        assert_eq!(shown.numbers["certificate_end_seconds"], 0);
        let waits = shown.waits.expect("it stays");
        assert_eq!(
            (waits.words.as_str(), waits.since),
            ("all\u{fffd}is \u{fffd}well", 0)
        );
        assert_eq!(waits.on, "signing\u{fffd}");
        let refused = shown.configuration.and_then(|shown| shown.refused);
        assert_eq!(
            refused.map(|words| words.chars().count()),
            Some(LONGEST_WORDS)
        );
    }

    #[test]
    fn a_heartbeat_stays_as_short_as_every_registry_takes() {
        let numbers = (0..200).map(|number| (format!("a_long_name_of_a_number_{number}"), number));
        let waits = Some(Waiting::new(&"x".repeat(9000), 0, "signing"));
        let report = Report {
            numbers: numbers.collect(),
            waits: waits.clone(),
            ..Report::default()
        };
        let beat = Heartbeat::bounded(record(), Some(report));
        let length = serde_json::to_vec(&beat).expect("JSON").len();
        assert!(length <= LONGEST_HEARTBEAT, "{length}");
        assert_eq!(beat.report.expect("the words stay").waits, waits);
    }
}
