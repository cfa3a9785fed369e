//! `slipway demo`: the platform's first promise, shown in under a minute without any input.
//!
//! It starts a platform in a temporary folder, publishes a sample, and kills each of the six services with -9 while a large
//! download and a loop of publications go on. At the end it looks for everything that was acknowledged.

mod clients;
mod platform;
mod sample;
mod tally;

use std::time::Duration;

use anyhow::{Context as _, bail};
use slipway_contract::services::NAMES;
use tokio_util::sync::CancellationToken;

use crate::terminal;
use clients::{Downloader, Publisher};
use platform::Platform;
use sample::Sample;
use tally::{Counted, Tally};

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway demo

Exit codes: 0 when nothing was lost and nothing wrong was served, else 1.";

/// Bytes of the large download.
const LARGE: usize = 200_000_000;
/// Time that the clients have between two deaths.
const BETWEEN: Duration = Duration::from_secs(2);
/// Time in which what was acknowledged is there, once nobody is killed any more.
const SETTLED: Duration = Duration::from_secs(15);
/// It takes half a minute; on a busy machine it ends within this, whatever happens.
const LONGEST: Duration = Duration::from_mins(2);

/// See for yourself: kill every service while it works, and count what is lost
#[derive(clap::Args)]
pub(crate) struct Options {}

pub(crate) fn execute(_: &Options) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(async {
            let shown = tokio::time::timeout(LONGEST, show()).await;
            shown.context("the demo took longer than two minutes: is this machine busy?")?
        })
}

async fn show() -> anyhow::Result<()> {
    terminal::note("starting a platform in a temporary folder");
    let platform = Platform::start().await?;
    let counted = match kill_each(&platform).await {
        Ok(counted) => counted,
        Err(error) => return Err(error.context(platform.keep())),
    };
    terminal::say(&counted);
    if counted.lost > 0 || counted.wrong > 0 {
        let log = platform.keep();
        bail!("something was lost or wrong: please tell us, with the lines above; {log}");
    }
    platform.end().await
}

async fn kill_each(platform: &Platform) -> anyhow::Result<Counted> {
    let large = Sample::new("1.0.0", LARGE);
    terminal::note("publishing a sample of 200 MB");
    let publisher = Publisher::new(platform)?;
    publisher.make_app().await?;
    let tally = Tally::default();
    publisher.publish(&large, &tally).await?;

    let stop = CancellationToken::new();
    let downloader = Downloader::new(platform, large)?;
    let downloads = tokio::spawn(downloader.run(stop.clone(), tally.clone()));
    let publications = tokio::spawn(publisher.clone().run(stop.clone(), tally.clone()));
    for service in NAMES {
        tokio::time::sleep(BETWEEN).await;
        platform.kill(service, &tally).await?;
    }
    tokio::time::sleep(BETWEEN).await;
    stop.cancel();
    downloads.await?;
    publications.await??;

    terminal::note("looking for everything that was acknowledged");
    publisher.look_for_all(&tally, SETTLED).await;
    Ok(tally.read())
}
