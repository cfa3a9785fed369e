//! The one request that publishes a draft. It is repeated under one `Idempotency-Key` until the release has settled, so an
//! answer that was lost does no harm, and a token needs the scope `release` alone.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use slipway_contract::public;
use slipway_contract::public::Release;
use slipway_contract::{ReleaseState, Slug, Version};
use uuid::Uuid;

use crate::exit::{Exit, Stop};
use crate::publish::package::Package;
use crate::publish::preflight;
use crate::publish::report::files_of_draft;
use crate::server::Server;
use crate::server::failure::{Failure, Problem};
use crate::server::retry::Attempts;
use crate::terminal;

/// Seconds that the platform may wait before it answers: below the time that an answer may take.
const WAIT: &str = "wait=30";
/// Publishing takes seconds. Where it takes longer something is down, and that may last.
const PATIENCE: Duration = Duration::from_mins(10);
const PAUSE: Duration = Duration::from_secs(1);

/// What is to be published.
pub(crate) struct Order<'a> {
    pub(crate) app: &'a Slug,
    pub(crate) version: &'a Version,
    pub(crate) channel: &'a Slug,
    pub(crate) notes: Option<&'a str>,
    /// Exactly these; `None`: the draft, if the token has put all of it there.
    pub(crate) files: Option<&'a Vec<&'a Package>>,
    pub(crate) is_strict: bool,
    pub(crate) creates_channel: bool,
}

impl Order<'_> {
    fn body(&self) -> Value {
        let mut body = json!({
            "version": self.version.as_str(),
            "channel": self.channel.as_str(),
        });
        if let Some(notes) = self.notes {
            body["notes"] = json!(notes);
        }
        if let Some(files) = self.files {
            let files = files.iter();
            let files =
                files.map(|file| json!({"filename": file.name.as_str(), "sha256": file.sha256}));
            body["files"] = files.collect();
        }
        if self.creates_channel {
            body["create"] = json!("channel");
        }
        body
    }
}

/// Publishes it, and waits until it is published.
pub(crate) async fn publish(server: &Server, order: &Order<'_>) -> anyhow::Result<Release> {
    if order.is_strict {
        check_strict(server, order).await?;
    }
    let body = order.body();
    let key = Uuid::now_v7().to_string();
    let begin = Instant::now();
    let mut attempts = Attempts::default();
    loop {
        let release = match ask(server, order, &body, &key).await {
            Ok(release) => release,
            Err(failure) if failure.passes() => {
                attempts.pause(failure, terminal::note).await?;
                continue;
            }
            Err(Failure::Refused(problem)) => {
                let done = done_before(server, order, &problem).await?;
                return done.ok_or_else(|| refused(order, problem));
            }
            Err(failure) => return Err(failure.into()),
        };
        if release.state == ReleaseState::Published {
            return Ok(release);
        }
        let Release { version, state, .. } = &release;
        if begin.elapsed() > PATIENCE {
            let words = format!(
                "{version} is not published yet but {state}: it goes on by itself; run the same command again to see how it ends"
            );
            return Err(Stop::new(Exit::Away, "pending", words).into());
        }
        terminal::note(format_args!("{version} is {state}"));
        tokio::time::sleep(PAUSE).await;
    }
}

/// Refuses a draft of which something is odd. A token that may not look at it cannot be strict.
async fn check_strict(server: &Server, order: &Order<'_>) -> anyhow::Result<()> {
    let Order { app, version, .. } = order;
    let version = version.as_str();
    let Some(draft) = preflight::release(server, app, order.version).await? else {
        let words = format!(
            "the draft of {version} cannot be looked at, so --strict cannot be kept: is it there, and has the token the scope read?"
        );
        return Err(Stop::refused("release_unknown", words).into());
    };
    let is_meant = |package: &public::Package| {
        let named = |files: &Vec<&Package>| {
            let mut files = files.iter();
            files.any(|file| file.name == package.file.filename)
        };
        order.files.is_none_or(named)
    };
    let packages = draft.packages.into_iter().filter(is_meant);
    let mut warnings = draft.warnings;
    warnings.extend(packages.flat_map(|package| package.warnings));
    if warnings.is_empty() {
        return Ok(());
    }
    let words = format!("{app} {version} was not published: {}", warnings.join("; "));
    Err(Stop::refused("strict_refused", words).into())
}

async fn ask(
    server: &Server,
    order: &Order<'_>,
    body: &Value,
    key: &str,
) -> Result<Release, Failure> {
    let url = server.resolve(&format!("/api/v1/apps/{}/releases", order.app))?;
    let request = server
        .request(Method::POST, url)
        .header("idempotency-key", key)
        .header("prefer", WAIT)
        .json(body);
    let answer = Server::read_json(server.send(request).await?).await?;
    serde_json::from_value(answer).map_err(|_| Failure::Strange)
}

/// The release, where it is refused only because another run of this command was quicker. That one may not be at its end
/// yet.
async fn done_before(
    server: &Server,
    order: &Order<'_>,
    problem: &Problem,
) -> anyhow::Result<Option<Release>> {
    if problem.code != "release_published" {
        return Ok(None);
    }
    let begin = Instant::now();
    let release = loop {
        let release = preflight::release(server, order.app, order.version).await?;
        let state = release.as_ref().map(|release| release.state.as_str());
        if !matches!(state, Some("signing" | "verifying")) || begin.elapsed() > PATIENCE {
            break release;
        }
        tokio::time::sleep(PAUSE).await;
    };
    let files = order.files.map_or(&[][..], Vec::as_slice);
    let channel = order.channel.as_str();
    match release {
        Some(release) if release.channels.iter().any(|name| name.as_str() == channel) => {
            let is_done = preflight::is_there(order.app, &release, files)?;
            Ok(is_done.then_some(release))
        }
        _ => Ok(None),
    }
}

fn refused(order: &Order<'_>, mut problem: Problem) -> anyhow::Error {
    let Order { app, version, .. } = order;
    let version = version.as_str();
    let what = format!("{app} {version} was not published");
    let files = problem.members.get("files").map(files_of_draft);
    problem.detail = match (problem.code.as_str(), files) {
        // The platform tells the way of the API.
        ("draft_mixed", Some(files)) => format!(
            "{what}: others have put files into its draft too. Publish exactly what is meant, with the files at hand: slipway release {version} FILE… --app {app}{files}"
        ),
        (_, Some(files)) => format!("{what}: {}; its draft is{files}", problem.detail),
        (_, None) => format!("{what}: {}", problem.detail),
    };
    Failure::Refused(problem).into()
}

/// For a release that is published elsewhere: moving it is another act than publishing.
pub(crate) fn not_in_channel(app: &Slug, release: &Release, channel: &Slug) -> Stop {
    let words = format!(
        "{app} {} is published already, and is not in {channel}: put it there with POST /api/v1/apps/{app}/channels/{channel}/releases {{\"version\": \"{}\"}}",
        release.version, release.version
    );
    Stop::new(Exit::AlreadyThere, "release_published", words)
}
