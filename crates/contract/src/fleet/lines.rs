//! A fleet as lines for people: the command and the gateway's page show the same.

use super::{Fleet, InstanceStanding};

const HEAD: [&str; 11] = [
    "INSTANCE", "VERSION", "STATE", "SINCE", "HEARD", "LOAD", "OF", "CONFIG", "VIEW", "FEED",
    "QUEUE",
];

/// A table of the instances, and below it what is wrong.
pub fn lines(fleet: &Fleet) -> Vec<String> {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for service in &fleet.services {
        if service.instances.is_empty() {
            let mut row = HEAD.map(|_| "-".to_owned());
            row[0].clone_from(&service.service);
            "none".clone_into(&mut row[2]);
            if let Some(since) = &service.absent_since {
                row[3].clone_from(since);
            }
            rows.push(row);
        }
        rows.extend(service.instances.iter().map(row));
    }
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let padded = |row: &[String; HEAD.len()]| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut told = vec![format!(
        "{}, configuration {} of {}",
        fleet.at, fleet.configuration, fleet.environment
    )];
    told.extend(rows.iter().map(padded));
    if fleet.problems.is_empty() {
        told.push("All is well.".to_owned());
    }
    told.extend(fleet.problems.iter().map(|problem| format!("! {problem}")));
    told
}

fn row(one: &InstanceStanding) -> [String; HEAD.len()] {
    let report = one.report.as_ref();
    let number = |name: &str| report?.numbers.get(name).copied();
    let seconds = |name| number(name).map(|seconds| format!("{seconds} s"));
    let saturation = report.and_then(|report| report.saturation.as_ref());
    let configured = report.and_then(|report| report.configuration.as_ref());
    let queue = number("jobs_pending").or_else(|| number("outbox_rows"));
    let state = if one.overdue {
        "OVERDUE"
    } else {
        one.state.name()
    };
    let unknown = || "-".to_owned();
    [
        one.name.clone(),
        one.version.clone(),
        state.to_owned(),
        one.since.clone(),
        format!("{} s", one.heard_seconds),
        saturation.map_or_else(unknown, |of| format!("{:.0} %", of.share * 100.0)),
        saturation.map_or_else(unknown, |of| of.of.clone()),
        configured.map_or_else(unknown, |configured| configured.applied.to_string()),
        seconds("view_age_seconds").unwrap_or_else(unknown),
        seconds("copy_age_seconds").unwrap_or_else(unknown),
        queue.map_or_else(unknown, |rows| rows.to_string()),
    ]
}
