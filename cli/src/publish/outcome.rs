//! What became of the upload. From the last byte on the platform works alone; here we only ask until it has ended.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::Value;
use slipway_contract::public::{Package, Refusal, Release};

use super::publication::{Goal, Publication};
use super::report::files_of_draft;
use crate::exit::{Exit, Stop};
use crate::server::Server;
use crate::server::failure::Failure;
use crate::server::retry::Attempts;
use crate::terminal;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Publishing takes seconds. Where it takes longer something is down, and that may last.
const PATIENCE: Duration = Duration::from_mins(10);
/// What has passed by then is told by its result alone.
const QUICK: Duration = Duration::from_secs(1);

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
    /// It is published, or in the draft, as was asked for.
    Done(Box<Release>),
    Failed {
        state: String,
        reason: String,
        code: Option<String>,
    },
    /// It lies in the draft, which is not published because others have put files there too.
    Mixed {
        version: String,
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

    fn of(answer: Answer, goal: Goal<'_>) -> Self {
        let Answer {
            state,
            package,
            release,
            reason,
            refused,
        } = answer;
        let state = release
            .as_ref()
            .map_or(state, |release| release.state.to_string());
        let of_release = release.as_ref().and_then(|release| release.reason.clone());
        let reason = of_release.or(reason).unwrap_or_default();
        if let Some(refused) = refused {
            return match (refused.members.get("files"), &release) {
                (Some(files), Some(release)) => Self::Mixed {
                    version: release.version.to_string(),
                    files: files.clone(),
                },
                _ => Self::Failed {
                    state,
                    reason: refused.detail,
                    code: Some(refused.code.to_string()),
                },
            };
        }
        let has_file = package.is_some_and(|package| package.url.is_some());
        match (state.as_str(), release) {
            ("published", Some(release)) if has_file && is_as_asked(&release, goal) => {
                Self::Done(Box::new(release))
            }
            ("draft", Some(release)) if has_file && matches!(goal, Goal::Draft(_)) => {
                Self::Done(Box::new(release))
            }
            ("published", _) if !reason.is_empty() => Self::Failed {
                state,
                reason,
                code: None,
            },
            ("published", _) => Self::Waiting {
                state: "published already, and joins the channel".to_owned(),
                reason,
            },
            ("failed" | "refused" | "yanked", _) => Self::Failed {
                state,
                reason,
                code: None,
            },
            _ => Self::Waiting { state, reason },
        }
    }

    /// The release, or why there is none.
    pub(super) fn release(self, publication: &Publication<'_>) -> anyhow::Result<Release> {
        let (app, name) = (publication.app, &publication.package.name);
        let stop = match self {
            Self::Done(release) => return Ok(*release),
            Self::Failed {
                state,
                reason,
                code,
            } => {
                let words = format!("{name} is {state}, and not what was asked for: {reason}");
                Stop::of_code(code.unwrap_or(state), words)
            }
            Self::Mixed { version, files } => Stop::refused(
                "draft_mixed",
                format!(
                    "{name} is in the draft of {version}, which is not published because others have put files there too. Publish exactly what is meant, with the files at hand: slipway release {version} FILE… --app {app}{}",
                    files_of_draft(&files)
                ),
            ),
            Self::Waiting { state, reason } => Stop::new(
                Exit::Away,
                "pending",
                format!(
                    "{name} is not there yet but {state}: {reason}\nit goes on by itself; run the same command again to see how it ends"
                ),
            ),
        };
        Err(stop.into())
    }
}

/// Whether a roll-back has taken the release out of a channel: to publish it again does not bring it back.
pub(crate) fn has_left(release: &Release) -> bool {
    let mut warnings = release.warnings.iter();
    warnings.any(|warning| warning.starts_with("left_channel: "))
}

/// Whether a published release is where it was to be. One that was published in another channel before is not there yet;
/// one that has left the channel is not brought back by this, which its warnings say.
fn is_as_asked(release: &Release, goal: Goal<'_>) -> bool {
    match goal {
        Goal::Draft(_) => true,
        Goal::Channel(channel) => {
            let is_there = release.channels.iter().any(|one| one == channel);
            is_there || has_left(release)
        }
    }
}

/// Asks until it is published or failed, or for as long as a person would wait.
pub(super) async fn wait(
    server: &Server,
    publication: &Publication<'_>,
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
                let outcome = Outcome::of(answer, publication.goal);
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
                if news != said && begin.elapsed() > QUICK {
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
    use serde_json::json;

    use super::*;

    const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    fn of(answer: Value) -> Outcome {
        let answer = serde_json::from_value(answer).expect("an answer");
        Outcome::of(answer, Goal::Channel(&"stable".parse().expect("a slug")))
    }

    fn outcome(state: &str, release: &Value) -> Outcome {
        let package = json!({
            "id": "1", "filename": "notes.apk", "sha256": DIGEST, "size": 1, "kind": "apk", "platform": "android",
            "arch": "universal", "warnings": [], "state": state, "url": "/d/notes/1/notes.apk",
        });
        of(json!({ "state": state, "package": package, "release": release, "reason": "words" }))
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
            assert!(!matches!(outcome, Outcome::Done(_)), "{state}");
            assert_eq!(outcome.is_final(), is_final, "{state}");
        }
        let there = outcome("published", &release("published", &["beta", "stable"]));
        assert!(matches!(there, Outcome::Done(_)));
        let mut left = release("published", &[]);
        left["warnings"] = json!(["left_channel: 1 is out of stable"]);
        assert!(matches!(outcome("published", &left), Outcome::Done(_)));
        let elsewhere = outcome("published", &release("published", &["beta"]));
        assert!(!matches!(elsewhere, Outcome::Done(_)));
    }

    #[test]
    fn a_draft_with_files_of_others_is_final_and_lists_them() {
        let files = json!([{"filename": "notes.apk", "sha256": "00", "platform": "android", "token": "ci"}]);
        let refused = json!({"status": 409, "code": "draft_mixed", "detail": "words", "members": {"files": files}});
        let outcome =
            of(json!({"state": "draft", "release": release("draft", &[]), "refused": refused}));
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
        let Outcome::Failed { state, reason, .. } = outcome("refused", &Value::Null) else {
            panic!("it is final")
        };
        assert_eq!((state.as_str(), reason.as_str()), ("refused", "words"));
    }
}
