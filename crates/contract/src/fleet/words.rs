//! What is wrong with a fleet, in sentences.

use super::{InstanceStanding, ServiceStanding};
use crate::record::State;

/// Seconds after which an instance that is not ready is a problem: a start takes less.
const LONGEST_START: u64 = 30;
/// Seconds after which an instance that reads nothing of its own is told: one that is busy takes less.
const LONGEST_READING: u64 = 10;
/// Seconds after which work that does not go on is told.
const LONGEST_WAIT: i64 = 30;
/// Seconds after which a copy of what is published, or a view of who is there, is old: twice a poll.
const OLD: i64 = 60;
/// Seconds before the end of a certificate: time for somebody to come back from a week off.
const CERTIFICATE: i64 = 7 * 24 * 3600;
/// Share from which another instance should be started.
const BUSY: f64 = 0.9;
/// Part of a disk that should stay free, a twentieth, and of a large one bytes: room for some packages.
const FREE: i64 = 20;
const FREE_BYTES: i64 = 1 << 30;

/// Every problem, at `now` (Unix milliseconds), in the order of the services; `rfc3339` writes a time.
pub fn problems(
    services: &[ServiceStanding],
    now: i64,
    rfc3339: impl Fn(i64) -> String,
) -> Vec<String> {
    let mut all = Vec::new();
    for standing in services {
        let waiting = waiting_for(services, &standing.service, &rfc3339);
        let name = &standing.service;
        let usable = standing.instances.iter().any(is_usable);
        let known = standing
            .instances
            .iter()
            .filter(|one| one.state != State::Gone);
        if known.clone().next().is_none() {
            let since = standing.absent_since.as_deref();
            let since = since.map_or_else(String::new, |since| format!(" since {since}"));
            all.push(format!(
                "{name}: no instance{since}; {}{waiting}",
                without(name)
            ));
        }
        for one in known {
            if one.overdue {
                let rest = if usable {
                    "others of it answer".to_owned()
                } else {
                    format!("{}{waiting}", without(name))
                };
                all.push(format!(
                    "{name}: {} is not heard from for {} s: it was stopped or killed, hangs, or is cut off; {rest}",
                    one.name, one.heard_seconds
                ));
            } else {
                all.extend(
                    of_instance(one, now).map(|words| format!("{name}: {} {words}", one.name)),
                );
            }
        }
        if usable {
            all.extend(held_by(services, name, now, &rfc3339));
        }
    }
    all
}

fn is_usable(one: &InstanceStanding) -> bool {
    !one.overdue && matches!(one.state, State::Ready | State::Draining)
}

/// What does not go on without it.
fn without(service: &str) -> &'static str {
    match service {
        "registry" => "nobody can come or go and nothing is configured, and what runs goes on",
        "upload" => "no package can be sent",
        "signing" => "releases wait for it",
        "catalog" => "what is uploaded waits for it, and nothing is published",
        "download" => "nothing can be downloaded",
        "gateway" => "nobody outside reaches the platform",
        _ => "what it does is not done",
    }
}

/// What is known to wait for a service that is not there.
fn waiting_for(
    services: &[ServiceStanding],
    service: &str,
    rfc3339: &impl Fn(i64) -> String,
) -> String {
    oldest(services, service).map_or_else(String::new, |waits| {
        format!(" since {}: {}", rfc3339(waits.since), waits.words)
    })
}

/// What waits for long although the service is there.
fn held_by(
    services: &[ServiceStanding],
    service: &str,
    now: i64,
    rfc3339: &impl Fn(i64) -> String,
) -> Option<String> {
    let waits = oldest(services, service)?;
    let is_long = now - waits.since > LONGEST_WAIT * 1000;
    is_long.then(|| {
        let since = rfc3339(waits.since);
        format!(
            "{service}: work waits for it since {since}: {}",
            waits.words
        )
    })
}

fn oldest<'a>(services: &'a [ServiceStanding], service: &str) -> Option<&'a super::Waiting> {
    let reports = services.iter().flat_map(|one| &one.instances);
    let waits = reports.filter_map(|one| one.report.as_ref()?.waits.as_ref());
    waits
        .filter(|waits| waits.on == service)
        .min_by_key(|waits| waits.since)
}

/// What is wrong with an instance that is heard from.
fn of_instance(one: &InstanceStanding, now: i64) -> impl Iterator<Item = String> {
    let starts = one.state == State::Starting && one.state_seconds > LONGEST_START;
    let starts = starts.then(|| format!("is not ready since {}: its log says why", one.since));
    let report = one.report.clone().unwrap_or_default();
    let number = |name: &str| report.numbers.get(name).copied();
    let above = |name, most| number(name).filter(|number| *number > most);
    let saturation = report.saturation.as_ref();
    let busy = saturation.filter(|saturation| saturation.share >= BUSY);
    let refused = report.configuration.as_ref();
    let refused = refused.and_then(|configured| configured.refused.as_ref());
    let ends = number("certificate_end_seconds").map(|end| end - now / 1000);
    let disk = number("disk_free_bytes").zip(number("disk_size_bytes"));
    let unread = report.unread_seconds;
    let unread = (unread > LONGEST_READING).then(|| {
        format!("cannot read its own state for {unread} s: its database does not answer, and its log says why")
    });
    [
        starts,
        unread,
        busy.map(|busy| {
            let share = busy.share * 100.0;
            format!("is busy, {share:.0} % of {}: start another", busy.of)
        }),
        refused.map(|reason| format!("refuses the newest configuration: {reason}")),
        ends.filter(|left| *left < CERTIFICATE).map(|left| {
            let hours = left / 3600;
            format!("has a certificate that ends in {hours} h: `slipway init --rotate internal` makes another")
        }),
        disk.filter(|(free, size)| *free < (size / FREE).min(FREE_BYTES))
            .map(|(free, _)| format!("has {} MiB of disk left: make room", free >> 20)),
        above("view_age_seconds", OLD)
            .map(|age| format!("has heard of no registry for {age} s: it works by what it knew")),
        above("copy_age_seconds", OLD)
            .map(|age| format!("has heard of no catalog for {age} s: it works by the copy that it has")),
        above("jobs_failed", 0).map(|count| format!("has given up {count} jobs: the releases say why")),
        above("files_damaged", 0).map(|count| format!("has found {count} files damaged: put them back")),
        above("restore_held", 0).map(|_| {
            "has an older database than its followers' copies: `slipway accept-restore`, or put the newer back"
                .to_owned()
        }),
        above("storage_near_reserve", 0).map(|_| "has a store that is nearly full: make room".to_owned()),
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::super::{Configured, Report, Saturation, Waiting};
    use super::*;

    fn instance(name: &str) -> InstanceStanding {
        InstanceStanding {
            name: name.to_owned(),
            instance: "i".to_owned(),
            addr: "127.0.0.1:1".to_owned(),
            version: "0".to_owned(),
            state: State::Ready,
            since: "T".to_owned(),
            state_seconds: 0,
            heard_seconds: 0,
            overdue: false,
            watches: None,
            report: None,
        }
    }

    fn service(name: &str, instances: Vec<InstanceStanding>) -> ServiceStanding {
        ServiceStanding {
            service: name.to_owned(),
            absent_since: instances.is_empty().then(|| "T".to_owned()),
            instances,
        }
    }

    fn told(services: &[ServiceStanding]) -> Vec<String> {
        problems(services, 100_000, |at| at.to_string())
    }

    fn waiting(since: i64) -> InstanceStanding {
        let waits = Some(Waiting::new(
            "notes 1.2.0 is to be signed",
            since,
            "signing",
        ));
        InstanceStanding {
            report: Some(Report {
                waits,
                ..Report::default()
            }),
            ..instance("catalog-1")
        }
    }

    #[test]
    fn a_service_that_is_not_there_is_named_with_what_waits_for_it() {
        let catalog = service("catalog", vec![waiting(90_000)]);
        let absent = told(&[service("signing", vec![]), catalog.clone()]);
        assert_eq!(
            absent,
            [
                "signing: no instance since T; releases wait for it since 90000: notes 1.2.0 is to be signed"
            ]
        );
        let there = service("signing", vec![instance("signing-1")]);
        assert!(
            told(&[there.clone(), catalog]).is_empty(),
            "it is signed soon"
        );
        let long = told(&[there, service("catalog", vec![waiting(1000)])]);
        assert_eq!(
            long,
            ["signing: work waits for it since 1000: notes 1.2.0 is to be signed"]
        );
    }

    #[test]
    fn who_is_overdue_is_named_and_whether_others_are_there() {
        let silent = InstanceStanding {
            overdue: true,
            heard_seconds: 4,
            ..instance("upload-1")
        };
        let gone = InstanceStanding {
            state: State::Gone,
            ..instance("upload-0")
        };
        let alone = told(&[service("upload", vec![silent.clone(), gone])]);
        assert_eq!(alone.len(), 1);
        assert!(
            alone[0].starts_with("upload: upload-1 is not heard from for 4 s"),
            "{alone:?}"
        );
        assert!(alone[0].ends_with("no package can be sent"), "{alone:?}");
        let beside = told(&[service("upload", vec![silent, instance("upload-2")])]);
        assert!(beside[0].ends_with("others of it answer"), "{beside:?}");
    }

    #[test]
    fn what_an_instance_reports_is_told_when_somebody_should_act() {
        let numbers = |numbers: &[(&str, i64)]| Report {
            numbers: numbers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect(),
            ..Report::default()
        };
        let saturation = |share| Report {
            saturation: Some(Saturation {
                of: "processor".to_owned(),
                share,
            }),
            ..Report::default()
        };
        let unread = |unread_seconds| Report {
            unread_seconds,
            ..Report::default()
        };
        let refused = Report {
            configuration: Some(Configured {
                refused: Some("no".to_owned()),
                ..Configured::default()
            }),
            ..Report::default()
        };
        for (report, words) in [
            (saturation(0.95), Some("is busy, 95 % of processor")),
            (saturation(0.5), None),
            (refused, Some("refuses the newest configuration: no")),
            (
                numbers(&[("certificate_end_seconds", 7300)]),
                Some("a certificate that ends in 2 h"),
            ),
            (numbers(&[("certificate_end_seconds", 8_000_000)]), None),
            (
                numbers(&[("disk_free_bytes", 4 << 20), ("disk_size_bytes", 100 << 20)]),
                Some("4 MiB"),
            ),
            (
                numbers(&[("disk_free_bytes", 6 << 20), ("disk_size_bytes", 100 << 20)]),
                None,
            ),
            (
                numbers(&[("copy_age_seconds", 61)]),
                Some("no catalog for 61 s"),
            ),
            (numbers(&[("jobs_failed", 2)]), Some("given up 2 jobs")),
            (unread(11), Some("cannot read its own state for 11 s")),
            (unread(3), None),
            (
                numbers(&[("jobs_failed", 0), ("view_age_seconds", 30)]),
                None,
            ),
        ] {
            let one = InstanceStanding {
                report: Some(report),
                ..instance("catalog-1")
            };
            let told = told(&[service("catalog", vec![one])]);
            match words {
                Some(words) => assert!(told.len() == 1 && told[0].contains(words), "{told:?}"),
                None => assert!(told.is_empty(), "{told:?}"),
            }
        }
    }
}
