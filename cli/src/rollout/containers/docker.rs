//! The command `docker`, as a person has it on the machine where the containers run.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;
use tokio::time::timeout;

/// Longer than the time that a container gets to end (`stop_grace_period`).
const LONGEST: Duration = Duration::from_mins(3);
/// Lines of what it says when it fails.
const SAID: usize = 4;

pub(super) fn docker<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new("docker");
    command.args(arguments);
    command
}

/// What it prints.
///
/// # Errors
/// In its own last words.
pub(super) async fn printed(mut command: Command) -> Result<Vec<u8>> {
    command
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    let output = timeout(LONGEST, command.output()).await;
    let output = output.context("docker does not end")?;
    let output = output.context("the command docker cannot be started")?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut last: Vec<_> = said.trim().lines().rev().take(SAID).collect();
    last.reverse();
    bail!("docker: {}", last.join("; "))
}
