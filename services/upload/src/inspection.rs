//! Reading what a package says of itself, in a process of its own.
//!
//! The bytes are a stranger's, and the decoders that read them are others' code. The child gets the file's name and a
//! small share of memory, time and files, and nothing of our environment; whatever becomes of it, becomes of it alone.
//! Only a refusal by a named rule stops an upload: a child that dies has not understood the file, and a parser's
//! weakness must not stop a developer's release.

mod child;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use slipway_packages::{Facts, Outcome, PLANTED_PANIC_SETTING, Rule};
use slipway_service::Problem;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::sync::Semaphore;

pub(crate) use child::run;

use crate::settings;

/// Bytes of an answer: the icon in base64, and texts that have limits of their own.
const LONGEST_ANSWER: u64 = 1 << 20;
/// What the developer is told of a file whose inspection died.
const NOT_UNDERSTOOD: &str =
    "the inspection of this file did not come to an end; it is served as it is";

/// Inspections, some at once; cheap to clone.
#[derive(Clone)]
pub(crate) struct Inspection {
    settings: Arc<settings::Inspection>,
    places: Arc<Semaphore>,
}

impl Inspection {
    pub(crate) fn new(settings: settings::Inspection) -> Self {
        Self {
            places: Arc::new(Semaphore::new(settings.at_once.max(1))),
            settings: Arc::new(settings),
        }
    }

    /// The facts of the file at `path`, or the refusal of its archive.
    pub(crate) async fn facts(&self, path: &Path) -> Result<Facts, Problem> {
        let place = self.places.acquire().await.map_err(Problem::internal)?;
        let answer = self.ask(path).await?;
        drop(place);
        match answer {
            Some(Outcome::Understood(facts)) => Ok(*facts),
            Some(Outcome::NotUnderstood { warning }) => Ok(Facts::not_understood(warning)),
            Some(Outcome::Refused { rule, detail }) => Err(refused(rule, &detail)),
            None => Ok(Facts::not_understood(NOT_UNDERSTOOD)),
        }
    }

    /// `None` when the child died, ran out of what it was given, or answered nothing that can be read.
    async fn ask(&self, path: &Path) -> anyhow::Result<Option<Outcome>> {
        let limits = &self.settings;
        let mut command = Command::new(self.program());
        command
            .arg("inspect")
            .args([limits.memory_bytes, limits.cpu_seconds, limits.files].map(|n| n.to_string()))
            .arg(path)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        if let Some(planted) = std::env::var_os(PLANTED_PANIC_SETTING) {
            command.env(PLANTED_PANIC_SETTING, planted);
        }
        let wall = Duration::from_secs(limits.wall_seconds);
        let Ok(output) = tokio::time::timeout(wall, output(command)).await else {
            tracing::warn!("an inspection was ended, because its time was over");
            return Ok(None);
        };
        let output = output?;
        if !output.status.success() {
            tracing::warn!(status = %output.status, "an inspection died");
            return Ok(None);
        }
        Ok(serde_json::from_slice(&output.stdout).ok())
    }

    /// This very program, even when its file has been replaced since it was started.
    fn program(&self) -> PathBuf {
        let own = || PathBuf::from("/proc/self/exe");
        self.settings.program.clone().unwrap_or_else(own)
    }
}

/// Runs the child, reading no more of its answer than there is to read.
async fn output(mut command: Command) -> anyhow::Result<Output> {
    let mut child = command.spawn().context("could not start an inspection")?;
    let mut stdout = Vec::new();
    if let Some(answer) = child.stdout.take() {
        answer.take(LONGEST_ANSWER).read_to_end(&mut stdout).await?;
    }
    Ok(Output {
        status: child.wait().await?,
        stdout,
        stderr: Vec::new(),
    })
}

fn refused(rule: Rule, detail: &str) -> Problem {
    Problem::unprocessable(
        "archive_refused",
        format!("{detail}: build the archive anew"),
    )
    .with_member("rule", rule.as_str())
}
