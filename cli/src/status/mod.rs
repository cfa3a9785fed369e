//! `slipway status`: what runs, and what is wrong with it, in words.

mod ask;

use std::time::Duration;

use slipway_contract::fleet::{Fleet, lines};

use crate::server::{Connection, block_on};
use crate::terminal::{self, Output};

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway status
  slipway status --watch
  slipway status --json | jq -r '.problems[]'
  slipway status --quiet || echo 'somebody should look'

Below the table each line that begins with ! is something that somebody should look at. LOAD is how much of what an
instance can do is in use, and OF what that is: from 90 % on, start another. FEED is the age of its copy of what is
published, VIEW of what it knows of the others; QUEUE is work that is not done yet.

Exit codes: 0 all is well; 1 something is wrong, and said; 2 wrong usage; 3 refused, also the token, which needs the
scope operate; 5 the registry or the gateway does not answer, and which is said.";

/// Show what runs and what is wrong with it
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Show it again every two seconds, until Ctrl-C
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Between two looks of `--watch`.
const AGAIN: Duration = Duration::from_secs(2);

/// Whether all is well.
pub(crate) fn execute(options: &Options) -> anyhow::Result<bool> {
    let server = options.connection.open()?;
    block_on(async {
        if options.watch {
            loop {
                match ask::fleet(&server).await {
                    Ok(fleet) => tell(options.output, &fleet)?,
                    Err(error) => terminal::fail(format_args!("{error:#}")),
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
        let fleet = ask::fleet(&server).await?;
        tell(options.output, &fleet)?;
        Ok(fleet.problems.is_empty())
    })
}

fn tell(output: Output, fleet: &Fleet) -> anyhow::Result<()> {
    output.tell(&serde_json::to_value(fleet)?, lines::lines(fleet));
    Ok(())
}
