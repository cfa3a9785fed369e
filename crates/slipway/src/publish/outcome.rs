//! What became of the upload. From the last byte on the platform works alone; here we only ask until it has ended.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::{Method, Url};
use serde_json::Value;

use super::Wish;
use super::retry::Attempts;
use super::server::{Failure, Server};
use crate::terminal;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Publishing takes seconds. Where it takes longer something is down, and that may last.
const PATIENCE: Duration = Duration::from_mins(10);

pub(super) enum Outcome {
    /// With the platform's last word on it.
    Published(Value),
    Failed {
        state: String,
        reason: String,
    },
    Waiting {
        state: String,
        reason: String,
    },
}

impl Outcome {
    pub(super) fn is_final(&self) -> bool {
        !matches!(self, Self::Waiting { .. })
    }

    fn of(answer: Value) -> Self {
        let text = |at: &str| {
            answer
                .pointer(at)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let state = text("/release/state")
            .or_else(|| text("/state"))
            .unwrap_or_default();
        let reason = text("/release/reason")
            .or_else(|| text("/package/reason"))
            .or_else(|| text("/reason"));
        let reason = reason.unwrap_or_default();
        match state.as_str() {
            "published" => Self::Published(answer),
            "failed" | "refused" | "yanked" => Self::Failed { state, reason },
            _ => Self::Waiting { state, reason },
        }
    }

    /// Says it: links on standard output when it is published, an error otherwise.
    pub(super) fn tell(self, server: &Server, wish: &Wish) -> anyhow::Result<()> {
        let answer = match self {
            Self::Published(answer) => answer,
            Self::Failed { state, reason } => {
                bail!("{} is {state}, not published: {reason}", wish.package.name)
            }
            Self::Waiting { state, reason } => bail!(
                "{} is not published yet but {state}: {reason}\nit goes on by itself; run the same command again to see how it ends",
                wish.package.name
            ),
        };
        let text = |at: &str| answer.pointer(at).and_then(Value::as_str);
        let app = &wish.app;
        let version =
            text("/release/version").context("the platform does not say which version this is")?;
        let file = text("/package/url").map_or_else(
            || format!("/d/{app}/{version}/{}", wish.package.name),
            str::to_owned,
        );
        let page = text("/release/links/page").map_or_else(|| format!("/a/{app}"), str::to_owned);
        let absolute = |address: &str| public(server, address);
        terminal::say(format_args!(
            "{app} {version} is published in {}",
            wish.channel
        ));
        terminal::say(format_args!("page       {}", absolute(&page)?));
        terminal::say(format_args!("file       {}", absolute(&file)?));
        terminal::say(format_args!(
            "signature  {}",
            absolute(&format!("{file}.minisig"))?
        ));
        terminal::say(format_args!(
            "key        {}",
            absolute(&format!("/keys/{app}/minisign.pub"))?
        ));
        Ok(())
    }
}

/// With the origin that the platform names, else with the one that we reached it by.
fn public(server: &Server, address: &str) -> anyhow::Result<Url> {
    Ok(Url::parse(&server.origin())?.join(address)?)
}

/// Asks until it is published or failed, or for as long as a person would wait.
pub(super) async fn wait(server: &Server, address: &Url) -> anyhow::Result<Outcome> {
    let begin = Instant::now();
    let mut attempts = Attempts::default();
    let mut pause = FIRST_PAUSE;
    let mut said = String::new();
    loop {
        match server.json(Method::GET, address.path(), None).await {
            Ok(answer) => {
                attempts.progressed();
                let outcome = Outcome::of(answer);
                let Outcome::Waiting { state, reason } = &outcome else {
                    return Ok(outcome);
                };
                if begin.elapsed() > PATIENCE {
                    return Ok(outcome);
                }
                let news = if reason.is_empty() {
                    state.clone()
                } else {
                    format!("{state}: {reason}")
                };
                if news != said {
                    terminal::note(&news);
                    said = news;
                }
            }
            Err(failure) if failure.passes() => attempts.pause(failure).await?,
            Err(failure @ Failure::Refused(_)) => {
                return Err(failure)
                    .context("everything was sent, but what became of it cannot be asked");
            }
            Err(failure) => return Err(failure.into()),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_published_is_published() {
        for (state, is_final) in [
            ("stored", false),
            ("signing", false),
            ("verifying", false),
            ("failed", true),
            ("yanked", true),
        ] {
            let outcome = Outcome::of(json!({ "state": "stored", "release": { "state": state } }));
            assert!(!matches!(outcome, Outcome::Published(_)), "{state}");
            assert_eq!(outcome.is_final(), is_final, "{state}");
        }
        let published =
            Outcome::of(json!({ "state": "published", "release": { "state": "published" } }));
        assert!(matches!(published, Outcome::Published(_)));
    }

    #[test]
    fn a_refused_package_tells_its_reason() {
        let outcome = Outcome::of(
            json!({ "state": "refused", "release": null, "reason": "two entries overlap" }),
        );
        let Outcome::Failed { state, reason } = outcome else {
            panic!("it is final")
        };
        assert_eq!(
            (state.as_str(), reason.as_str()),
            ("refused", "two entries overlap")
        );
    }
}
