//! The numbers of a process in Prometheus' text format, at `/metrics` of its own address, never on the public one.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use slipway_contract::fleet::Saturation;

/// A number read at the moment of the scrape, such as the rows of an outbox.
#[derive(Clone, Debug)]
pub struct Reading {
    pub name: &'static str,
    pub help: &'static str,
    pub value: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SaturationLabels {
    of: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskLabels {
    task: &'static str,
}

/// The registry of one process; cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
    panics: Family<TaskLabels, Counter>,
    saturation: Family<SaturationLabels, Gauge<f64, AtomicU64>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("slipway");
        let requests = Family::default();
        let seconds = Family::new_with_constructor(durations as fn() -> Histogram);
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register(
            "http_request_seconds",
            "Seconds from the request's head to the end of the answer's head",
            seconds.clone(),
        );
        let panics = Family::default();
        registry.register("task_panics", "Panics of background tasks", panics.clone());
        let saturation = Family::default();
        registry.register(
            "saturation_ratio",
            "How much of what this process can do is in use: from 0.9 on it is time to start another",
            saturation.clone(),
        );
        Self {
            registry: Arc::new(Mutex::new(registry)),
            requests,
            seconds,
            panics,
            saturation,
        }
    }
}

/// The same text in the older format of Prometheus, version 0.0.4, for who does not ask for `OpenMetrics`: `promtool check
/// metrics` and many collectors read no other. There a counter is described under the whole name of its samples.
pub(crate) fn older_format(text: &str) -> String {
    let described = |line: &str| {
        let (kind, rest) = line.strip_prefix("# ")?.split_once(' ')?;
        matches!(kind, "HELP" | "TYPE").then_some(())?;
        let (name, what) = rest.split_once(' ')?;
        let is_counter = text.contains(&format!("# TYPE {name} counter\n"));
        is_counter.then(|| format!("# {kind} {name}_total {what}"))
    };
    text.lines()
        .filter(|line| *line != "# EOF")
        .flat_map(|line| {
            [
                described(line).unwrap_or_else(|| line.to_owned()),
                "\n".to_owned(),
            ]
        })
        .collect()
}

/// A method as a label. Those that clients invent are one: each would be a series of its own for ever, memory that anybody
/// could make us fill.
fn label(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE" | "CONNECT" => {
            method
        }
        _ => "(other)",
    }
}

/// From a millisecond to a quarter of an hour: a lookup and the upload of a large package.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 11))
}

impl Metrics {
    /// Shows what runs: the version, the SHA-256 of the program, which is its name in `DIR/versions` and in releases, and the
    /// commit that `SLIPWAY_REVISION` names. That comes from outside, as a label of an image does: a program is the same
    /// bytes wherever the same sources were compiled.
    pub(crate) fn tell_build(&self, version: &'static str, program: String) {
        let revision = std::env::var_os("SLIPWAY_REVISION").unwrap_or_default();
        let labels = vec![
            ("version", version.to_owned()),
            ("program", program),
            ("revision", revision.to_string_lossy().into_owned()),
        ];
        // A gauge, which both formats know.
        let build = Family::<Vec<(&'static str, String)>, Gauge>::default();
        build.get_or_create(&labels).set(1);
        self.lock().register("build_info", "What runs", build);
    }

    /// Counts an answered request. `route` is the route's pattern, so that paths chosen by clients make no new series.
    pub fn observe(&self, method: &str, route: &str, status: u16, duration: Duration) {
        self.requests
            .get_or_create(&RequestLabels {
                method: label(method).to_owned(),
                route: route.to_owned(),
                status,
            })
            .inc();
        self.seconds
            .get_or_create(&RouteLabels {
                route: route.to_owned(),
            })
            .observe(duration.as_secs_f64());
    }

    /// Shows that no panic of a background task was counted yet.
    pub(crate) fn watch_task(&self, task: &'static str) {
        drop(self.panics.get_or_create(&TaskLabels { task }));
    }

    /// Counts a panic of a background task.
    pub(crate) fn task_panicked(&self, task: &'static str) {
        self.panics.get_or_create(&TaskLabels { task }).inc();
    }

    /// Shows how much is in use, of what there is least of now.
    pub(crate) fn tell_saturation(&self, saturation: &Saturation) {
        self.saturation.clear();
        let of = saturation.of.clone();
        let gauge = self.saturation.get_or_create(&SaturationLabels { of });
        gauge.set(saturation.share);
    }

    /// Registers a counter of the service's own; `name` without the prefix `slipway_`.
    pub fn counter(&self, name: &'static str, help: &'static str) -> Counter {
        let counter = Counter::default();
        self.lock().register(name, help, counter.clone());
        counter
    }

    /// The text of `/metrics` in the format of `OpenMetrics` 1.0: what was counted, and `readings`.
    pub fn render(&self, readings: &[Reading]) -> String {
        let mut scrape = Registry::default();
        for reading in readings {
            // Those of a process have the names that every exporter gives them.
            let registry = if reading.name.starts_with("process_") {
                &mut scrape
            } else {
                scrape.sub_registry_with_prefix("slipway")
            };
            // What only grows is a counter, whose ending the format adds.
            if let Some(name) = reading.name.strip_suffix("_total") {
                let counter: Counter = Counter::default();
                counter.inc_by(reading.value.max(0).unsigned_abs());
                registry.register(name, reading.help, counter);
            } else {
                let gauge: Gauge = Gauge::default();
                gauge.set(reading.value);
                registry.register(reading.name, reading.help, gauge);
            }
        }
        let mut counted = String::new();
        let mut read = String::new();
        let written = text::encode_registry(&mut counted, &self.lock())
            .and_then(|()| text::encode_registry(&mut read, &scrape))
            .and_then(|()| text::encode_eof(&mut read));
        match written {
            Ok(()) => counted + &read,
            Err(error) => format!("# the numbers could not be written: {error}\n"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_describe_every_sample() {
        let metrics = Metrics::default();
        metrics.tell_build("1.2.0", "0a".to_owned());
        metrics.observe("GET", "/a", 200, Duration::ZERO);
        let seconds = Reading {
            name: "process_cpu_seconds_total",
            help: "Seconds",
            value: 7,
        };
        let open = metrics.render(&[seconds]);
        for line in [
            "# TYPE slipway_build_info gauge",
            "# TYPE slipway_http_requests counter",
            "# TYPE process_cpu_seconds counter",
            "process_cpu_seconds_total 7",
            "# EOF",
        ] {
            assert!(open.lines().any(|there| there == line), "{line} in {open}");
        }
        let older = older_format(&open);
        for line in [
            "# TYPE slipway_build_info gauge",
            "# HELP slipway_http_requests_total Requests answered.",
            "# TYPE slipway_http_requests_total counter",
            "# TYPE slipway_http_request_seconds histogram",
            "# TYPE process_cpu_seconds_total counter",
            "process_cpu_seconds_total 7",
        ] {
            assert!(
                older.lines().any(|there| there == line),
                "{line} in {older}"
            );
        }
        let samples = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(samples(&older), samples(&open));
    }
}
