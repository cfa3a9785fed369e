//! Begin, go on, and take back: the same for each kind of fleet.

use std::time::Duration;

use anyhow::Context as _;
use slipway_runtime::data::DataDir;
use tokio::time::sleep;
use uuid::Uuid;

use super::drive::{drive, now};
use super::kept::{self, Kept};
use super::lines;
use super::replaced::{Fleet, Wish};
use super::rules::plan::{Plan, Times};
use super::rules::progress::{Phase, Progress};
use crate::exit::{Exit, Stop};
use crate::terminal::Output;

/// What a person says.
pub(super) enum Act<'a> {
    Plan(Wish<'a>, Times),
    Begin(Wish<'a>, Times),
    GoOn,
    TakeBack,
}

pub(super) async fn act<F: Fleet>(
    mut fleet: F,
    act: Act<'_>,
    output: Output,
) -> anyhow::Result<()> {
    if matches!(act, Act::TakeBack) {
        return take_back(&mut fleet, output).await;
    }
    let kept = Kept::take(fleet.data())?;
    let progress = match act {
        Act::Plan(wish, times) => {
            let plan = plan(&fleet, &wish, times).await?;
            kept.write(&Progress::planned(plan.clone(), now()))?;
            output.tell(&serde_json::to_value(&plan)?, lines::plan(&plan));
            return Ok(());
        }
        Act::Begin(wish, times) => Progress::begin(plan(&fleet, &wish, times).await?, now()),
        Act::GoOn | Act::TakeBack => resumed(&fleet).await?,
    };
    lines::begins(&progress);
    let ended = drive(&mut fleet, &kept, progress).await?;
    let words = lines::ended(&ended);
    if ended.halted.is_some() {
        return Err(Stop::new(Exit::Failed, "rollout_halted", words).into());
    }
    let more = fleet.afterwards(&ended).await?;
    output.tell(
        &serde_json::to_value(&ended)?,
        [words].into_iter().chain(more),
    );
    Ok(())
}

/// A new one, where nothing was interrupted.
async fn plan<F: Fleet>(fleet: &F, wish: &Wish<'_>, times: Times) -> anyhow::Result<Plan> {
    if kept::read(fleet.data())?.is_some_and(|before| before.goes_on()) {
        let words = "a roll-out was interrupted: go on with --resume, or take it back with --abort";
        return Err(Stop::refused("rollout_unfinished", words).into());
    }
    let target = fleet.target(wish).await?;
    let id = Uuid::now_v7().to_string();
    Ok(Plan::make(id, &fleet.now().await?, &target, times))
}

/// What was planned or interrupted. A plan of a fleet that has changed since is none.
async fn resumed<F: Fleet>(fleet: &F) -> anyhow::Result<Progress> {
    let Some(before) = kept::read(fleet.data())? else {
        return Err(nothing().into());
    };
    if before.goes_on() {
        return Ok(before.resumed(now()));
    }
    if before.halted.is_some() || before.phase == Phase::Ended {
        return Err(nothing().into());
    }
    let now_is = fleet.now().await?;
    let Plan {
        before: was,
        up_before,
        ..
    } = &before.plan;
    if now_is.instances != *was || now_is.up.or(now_is.first) != *up_before {
        let words = "the fleet has changed since it was planned: plan again";
        return Err(Stop::refused("plan_outdated", words).into());
    }
    Ok(Progress::begin(before.plan, now()))
}

fn nothing() -> Stop {
    let words = "no roll-out was planned or interrupted: begin one with --to";
    Stop::refused("rollout_none", words)
}

/// Tells who rolls out to go back, and waits for it; where nobody does, it is done here.
async fn take_back<F: Fleet>(fleet: &mut F, output: Output) -> anyhow::Result<()> {
    let data = fleet.data().clone();
    let going_on = kept::read(&data)?.filter(Progress::goes_on);
    let Some(going_on) = going_on else {
        return Err(nothing().into());
    };
    kept::ask_to_go_back(&data, &going_on.plan.id)?;
    let mut now_is = going_on;
    while now_is.goes_on() {
        match Kept::take(&data) {
            Ok(kept) => {
                // It may have ended meanwhile.
                let progress = read_again(&data)?;
                now_is = if progress.goes_on() {
                    drive(fleet, &kept, progress.resumed(now())).await?
                } else {
                    progress
                };
            }
            // Somebody rolls out.
            Err(error) if error.is::<Stop>() => {
                sleep(Duration::from_millis(200)).await;
                now_is = read_again(&data)?;
            }
            Err(error) => return Err(error),
        }
    }
    let more = fleet.afterwards(&now_is).await?;
    output.tell(
        &serde_json::to_value(&now_is)?,
        [lines::ended(&now_is)].into_iter().chain(more),
    );
    Ok(())
}

fn read_again(data: &DataDir) -> anyhow::Result<Progress> {
    kept::read(data)?.context("what is kept of the roll-out is gone")
}
