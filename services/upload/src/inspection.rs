//! Reading what a package says of itself, in a process of its own.
//!
//! The bytes are a stranger's, and the decoders that read them are others' code. The child gets the file, opened to be
//! read, and a small share of memory and time; it has nothing of our environment, and before it reads it gives up
//! everything else ([`confine()`]). Whatever becomes of it, becomes of it alone. Only a refusal by a named rule stops an
//! upload, and what is known to be not whole: a child that dies has not understood the file, and a parser's weakness must
//! not stop a developer's release.
//!
//! A child that could read a whole package would take long for large ones. What the signature of an APK says of its content
//! is therefore compared here: the child names the places and the digests, and no more than the file once is read.

mod child;
mod confine;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use slipway_contract::{Facts, Kind};
use slipway_packages::{ContentDigests, Inspected};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::sync::Semaphore;

pub use child::run;
pub use confine::{Share, confine};

use crate::error::Error;
use crate::parameters::Parameters;
use crate::rules::inspection;
use crate::settings::{self, Settings};
use slipway_runtime::Live;

/// Bytes of an answer: the icon in base64, and texts that have limits of their own.
const LONGEST_ANSWER: u64 = 1 << 20;
/// How a child ended.
enum End {
    Answered(Inspected),
    /// It died, ran out of what it was given, or answered nothing that can be read.
    Died,
    /// It could not be confined, and has not read the package.
    Unconfined(String),
}

/// Inspections, some at once; cheap to clone.
#[derive(Clone)]
pub(crate) struct Inspection {
    settings: Live<Settings>,
    places: Arc<Semaphore>,
    /// How many of them there are.
    most: usize,
}

impl Inspection {
    pub(crate) fn new(settings: Live<Settings>) -> Self {
        let most = settings.now().inspection.at_once.max(1);
        Self {
            places: Arc::new(Semaphore::new(most)),
            most,
            settings,
        }
    }

    /// How much of it is in use, 0 to 1.
    pub(crate) fn share_in_use(&self) -> f64 {
        let count = |places| u32::try_from(places).map_or(1.0, f64::from);
        let used = self.most.saturating_sub(self.places.available_permits());
        count(used) / count(self.most)
    }

    /// The facts of the file at `path`, or the refusal of what is not whole or built to harm.
    pub(crate) async fn facts(&self, path: &Path, parameters: &Parameters) -> Result<Facts, Error> {
        let place = self.places.acquire().await.map_err(Error::internal)?;
        let file = File::open(path).await?.into_std().await;
        let named = Kind::named(&parameters.filename);
        let end = self.inspect(file.try_clone()?.into(), named).await?;
        let End::Answered(Inspected { outcome, content }) = end else {
            return Ok(inspection::died());
        };
        let facts = inspection::judge(outcome, parameters)?;
        // Of what is declared to be of no known kind nothing counts, its signature neither.
        let Some(content) = content.filter(|_| !parameters.is_declared_other()) else {
            return Ok(facts);
        };
        let fits = fits(content, file).await?;
        drop(place);
        Ok(inspection::judge_content(facts, fits, parameters)?)
    }

    /// Inspects nothing, to say once, at the start, what would otherwise be seen of every package: that this system
    /// does not let an inspection be confined, so that none is made.
    pub(crate) async fn try_out(self) {
        match self.inspect(Stdio::null(), None).await {
            Ok(End::Answered(_)) => {}
            Ok(End::Died) => tracing::error!(
                "inspections die here, so no package is understood: each is served as it is"
            ),
            Ok(End::Unconfined(why)) => tracing::error!(
                why,
                "this system does not let an inspection be confined, so no package is inspected and each is served as it is: allow this service seccomp, prctl, capset and setrlimit"
            ),
            Err(error) => tracing::error!("{error:#}"),
        }
    }

    async fn inspect(&self, package: Stdio, named: Option<Kind>) -> anyhow::Result<End> {
        let settings = self.settings.now();
        let limits = &settings.inspection;
        let mut command = Command::new(program(limits));
        command
            .arg("inspect")
            .args([limits.memory_bytes, limits.cpu_seconds, limits.files].map(|n| n.to_string()))
            .args(named.map(Kind::as_str))
            .env_clear()
            .stdin(package)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let wall = Duration::from_secs(limits.wall_seconds);
        let Ok(output) = tokio::time::timeout(wall, output(command)).await else {
            tracing::warn!("an inspection was ended, because its time was over");
            return Ok(End::Died);
        };
        let output = output?;
        if output.status.code() == Some(child::UNCONFINED.into()) {
            let why = String::from_utf8_lossy(&output.stdout).into_owned();
            return Ok(End::Unconfined(why));
        }
        if !output.status.success() {
            tracing::warn!(status = %output.status, "an inspection died");
            return Ok(End::Died);
        }
        Ok(serde_json::from_slice(&output.stdout).map_or(End::Died, End::Answered))
    }
}

/// This very program, even when its file has been replaced since it was started.
fn program(settings: &settings::Inspection) -> PathBuf {
    let own = || PathBuf::from("/proc/self/exe");
    settings.program.clone().unwrap_or_else(own)
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

/// Whether a file has the digests that its signature states. Every byte is read, at the speed of the disk. `None` when the
/// child named places that are not in the file: then it was led astray.
async fn fits(content: ContentDigests, file: std::fs::File) -> anyhow::Result<Option<bool>> {
    let reading = tokio::task::spawn_blocking(move || content.fit(&file));
    match reading.await? {
        Ok(fits) => Ok(Some(fits)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            tracing::warn!(%error, "an inspection answered what cannot be");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
