//! What became of the upload. From the last byte on the platform works alone; here we only ask until it has ended.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use slipway_packages::Slug;
use slipway_service::api::{Package, Refusal, Release};

use super::Publication;
use super::retry::Attempts;
use super::server::{Failure, Server};
use crate::terminal;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Publishing takes seconds. Where it takes longer something is down, and that may last.
const PATIENCE: Duration = Duration::from_mins(10);

/// What the platform says of an upload.
#[derive(Deserialize)]
struct Answer {
    state: String,
    package: Option<Package>,
    release: Option<Release>,
    reason: Option<String>,
    refused: Option<Refusal>,
}

pub(super) enum Outcome {
    /// With the addresses of its page and file.
    Published {
        version: String,
        page: String,
        file: String,
    },
    Failed {
        state: String,
        reason: String,
    },
    /// It lies in the draft, which is not published because others have put files there too.
    Mixed {
        version: String,
        reason: String,
        /// Of the draft, as the publication of a draft takes them.
        files: Value,
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

    /// `channel` is where it was to be: a version that was published in another one before is not there yet.
    fn of(answer: Answer, channel: &Slug) -> Self {
        let Answer {
            state,
            package,
            release,
            reason,
            refused,
        } = answer;
        let state = release
            .as_ref()
            .map_or(state, |release| release.state.clone());
        let of_release = release.as_ref().and_then(|release| release.reason.clone());
        let reason = of_release.or(reason).unwrap_or_default();
        let is_there =
            |release: &Release| release.channels.iter().any(|one| one == channel.as_str());
        let file = package.and_then(|package| package.url);
        if let (Some(refused), Some(release)) = (refused, &release) {
            let reason = refused.detail;
            return match refused.members.get("files") {
                Some(files) => Self::Mixed {
                    version: release.version.clone(),
                    reason,
                    files: files.clone(),
                },
                None => Self::Failed { state, reason },
            };
        }
        match (state.as_str(), file, release) {
            ("published", Some(file), Some(release)) if is_there(&release) => {
                let Release { version, links, .. } = release;
                Self::Published {
                    version,
                    page: links.page,
                    file,
                }
            }
            ("published", ..) if !reason.is_empty() => Self::Failed { state, reason },
            ("published", ..) => Self::Waiting {
                state: format!("published, but not in {channel} yet"),
                reason,
            },
            ("failed" | "refused" | "yanked", ..) => Self::Failed { state, reason },
            _ => Self::Waiting { state, reason },
        }
    }

    /// Says it: links on standard output when it is published, an error otherwise.
    pub(super) fn tell(self, server: &Server, publication: &Publication) -> anyhow::Result<()> {
        let name = &publication.package.name;
        let (version, page, file) = match self {
            Self::Published {
                version,
                page,
                file,
            } => (version, page, file),
            Self::Failed { state, reason } => {
                bail!("{name} is {state}, and not what was asked for: {reason}")
            }
            Self::Mixed {
                version,
                reason,
                files,
            } => {
                let publish = json!({"version": version, "channel": publication.channel.as_str(), "files": files});
                bail!(
                    "{name} is in the draft of {version}, which is not published: {reason}\nthis is all of it; take out what is not meant:\n{publish:#}"
                )
            }
            Self::Waiting { state, reason } => bail!(
                "{name} is not published yet but {state}: {reason}\nit goes on by itself; run the same command again to see how it ends"
            ),
        };
        terminal::say(format_args!(
            "{} {version} is published in {}",
            publication.app, publication.channel
        ));
        for (what, address) in [
            ("page", page),
            ("file", file.clone()),
            ("signature", format!("{file}.minisig")),
            ("key", format!("/keys/{}/minisign.pub", publication.app)),
        ] {
            terminal::say(format_args!("{what:<10} {}", public(server, &address)?));
        }
        Ok(())
    }
}

/// With the origin that the platform names, else with the one that we reached it by.
fn public(server: &Server, address: &str) -> anyhow::Result<Url> {
    Ok(Url::parse(&server.origin())?.join(address)?)
}

/// Asks until it is published or failed, or for as long as a person would wait.
pub(super) async fn wait(
    server: &Server,
    publication: &Publication,
    address: &Url,
) -> anyhow::Result<Outcome> {
    let begin = Instant::now();
    let mut attempts = Attempts::default();
    let mut pause = FIRST_PAUSE;
    let mut said = String::new();
    loop {
        match ask(server, address).await {
            Ok(answer) => {
                attempts.progressed();
                let outcome = Outcome::of(answer, &publication.channel);
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
            Err(failure) if failure.passes() => attempts.pause(failure, terminal::note).await?,
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

async fn ask(server: &Server, address: &Url) -> Result<Answer, Failure> {
    let answer = server.json(Method::GET, address.path(), None).await?;
    serde_json::from_value(answer).map_err(|_| Failure::Strange)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(state: &str, release: &Value) -> Outcome {
        let package = json!({
            "id": "1", "filename": "notes.apk", "sha256": "00", "size": 1, "kind": "apk", "platform": "android",
            "arch": "universal", "warnings": [], "state": state, "url": "/d/notes/1/notes.apk",
        });
        let answer =
            json!({ "state": state, "package": package, "release": release, "reason": "words" });
        let answer = serde_json::from_value(answer).expect("an answer");
        Outcome::of(answer, &"stable".parse().expect("a slug"))
    }

    fn release(state: &str, channels: &[&str]) -> Value {
        let links = json!({ "page": "/a/notes", "files": [] });
        json!({
            "app": "notes", "version": "1", "channels": channels, "state": state, "packages": [], "links": links,
            "created_at": "2026-01-01T00:00:00Z",
        })
    }

    #[test]
    fn only_published_in_the_channel_is_published() {
        for (state, is_final) in [
            ("draft", false),
            ("signing", false),
            ("verifying", false),
            ("failed", true),
            ("yanked", true),
        ] {
            let outcome = outcome("stored", &release(state, &["stable"]));
            assert!(!matches!(outcome, Outcome::Published { .. }), "{state}");
            assert_eq!(outcome.is_final(), is_final, "{state}");
        }
        let there = outcome("published", &release("published", &["beta", "stable"]));
        assert!(matches!(there, Outcome::Published { .. }));
        let elsewhere = outcome("published", &release("published", &["beta"]));
        assert!(!matches!(elsewhere, Outcome::Published { .. }));
    }

    #[test]
    fn a_draft_with_files_of_others_is_final_and_lists_them() {
        let files = json!([{"filename": "notes.apk", "sha256": "00", "platform": "android", "token": "ci"}]);
        let refused = json!({"status": 409, "code": "draft_mixed", "detail": "words", "members": {"files": files}});
        let answer =
            json!({"state": "draft", "release": release("draft", &[]), "refused": refused});
        let answer = serde_json::from_value(answer).expect("an answer");
        let outcome = Outcome::of(answer, &"stable".parse().expect("a slug"));
        let Outcome::Mixed { files: told, .. } = outcome else {
            panic!("it is not told")
        };
        assert_eq!(told, files);
    }

    #[test]
    fn a_package_that_is_not_handed_over_yet_is_waited_for() {
        let Outcome::Waiting { state, reason } = outcome("stored", &Value::Null) else {
            panic!("it is not final")
        };
        assert_eq!((state.as_str(), reason.as_str()), ("stored", "words"));
    }

    #[test]
    fn a_refused_package_tells_its_reason() {
        let Outcome::Failed { state, reason } = outcome("refused", &Value::Null) else {
            panic!("it is final")
        };
        assert_eq!((state.as_str(), reason.as_str()), ("refused", "words"));
    }
}
