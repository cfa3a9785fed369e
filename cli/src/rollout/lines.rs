//! What a person is told of a roll-out.

use super::rules::plan::{Plan, Step};
use super::rules::progress::{Phase, Progress};
use crate::run::Service;
use crate::terminal;

pub(super) fn plan(plan: &Plan) -> Vec<String> {
    let Plan {
        id,
        to,
        times,
        steps,
        ..
    } = plan;
    let mut lines = vec![format!("{} steps to {to}", steps.len())];
    let numbered = steps.iter().enumerate();
    lines.extend(
        numbered.map(|(number, step)| format!("{:>4}  {}{}", number + 1, words(step), loses(step))),
    );
    lines.push(format!(
        "each: ready within {} s, warm for {} s, compared for {} s; all watched for {} s at the end",
        times.ready, times.warm, times.window, times.bake
    ));
    lines.push(format!("`slipway rollout --resume` begins it (id {id})"));
    lines
}

/// Says aloud what a roll-out loses, to who has not asked for the plan.
pub(super) fn begins(progress: &Progress) {
    for step in progress.plan.steps.iter().skip(progress.at) {
        let loses = loses(step);
        if !loses.is_empty() {
            terminal::warn(format_args!("{}{loses}", words(step)));
        }
    }
}

/// Says what has changed.
pub(super) fn moved(before: &Progress, now: &Progress) {
    if let (None, Some(why)) = (&before.halted, &now.halted) {
        terminal::fail(format_args!("halted: {why}; going back"));
    }
    let Some(step) = now.plan.steps.get(now.at) else {
        if now.phase == Phase::Baking {
            terminal::note("all are replaced, and watched");
        }
        return;
    };
    let what = match (now.phase, now.halted.is_some()) {
        (Phase::Starting, false) if matches!(step, Step::ReplaceInPlace { .. }) => {
            "the old one ends, then the new one starts"
        }
        (Phase::Starting, false) => "starting",
        (Phase::Starting, true) => "starting what was there before",
        (Phase::Warming, _) => "ready, warming",
        (Phase::Comparing, _) => "comparing",
        (Phase::Draining, false) => "good; the old one ends",
        (Phase::Draining, true) => "the new one ends",
        (Phase::Planned | Phase::Baking | Phase::Ended, _) => return,
    };
    let (number, of) = (now.at + 1, now.plan.steps.len());
    terminal::note(format_args!("{number}/{of} {}: {what}", words(step)));
}

pub(super) fn ended(progress: &Progress) -> String {
    match &progress.halted {
        None => format!("the fleet is {} now", progress.plan.to),
        Some(why) => {
            format!("it was halted, and what was there before runs again, all of it: {why}")
        }
    }
}

fn words(step: &Step) -> String {
    match step {
        Step::Replace { old, new } => {
            format!("{} {} -> {}", old.service.name(), old.number, new.number)
        }
        Step::ReplaceInPlace { old, new } => {
            format!(
                "{} {} -> {} in its place",
                old.service.name(),
                old.number,
                new.number
            )
        }
        Step::Up { .. } => "up itself".to_owned(),
    }
}

/// What is not there for a moment where two of a service cannot run at once.
fn loses(step: &Step) -> &'static str {
    let Step::ReplaceInPlace { old, .. } = step else {
        return "";
    };
    match old.service {
        Service::Gateway => {
            ": ONE CONTAINER HOLDS THE PUBLIC PORT, so new connections are refused for about a second (two with requests in flight, which break off)"
        }
        Service::Registry => ": changes of the configuration wait for it, requests do not",
        _ => ": requests to it fail for a moment",
    }
}
