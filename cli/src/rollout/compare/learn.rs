//! What can be asked of each service: what is published, and what its developers look at. Nothing is changed by it.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use slipway_contract::Digest;
use slipway_contract::public::page_path;

use super::ask::Asker;
use super::question::{Caller, Expected, Question};
use crate::rollout::look::Whom;
use crate::run::Service;

/// Apps and releases that are looked at: some of those that there are.
const APPS: usize = 8;
const RELEASES: usize = 3;
/// Bytes: of a larger file the first are asked for.
const SMALL: u64 = 2 * 1024 * 1024;

/// A release as far as questions are made of it.
struct Published {
    app: String,
    version: String,
    /// Identifier, address, size and digest.
    files: Vec<(String, String, u64, Option<Digest>)>,
}

/// What is there, as the gateway at hand shows it to the administrator.
pub(super) struct Known {
    apps: Vec<String>,
    releases: Vec<Published>,
}

impl Known {
    /// An error where a list cannot be read: what was not seen is not held to be absent.
    pub(super) async fn look(asker: &Asker, gateway: &Whom) -> Result<Self> {
        let mut known = Self {
            apps: Vec::new(),
            releases: Vec::new(),
        };
        for app in items(asker, gateway, "/api/v1/apps".to_owned()).await? {
            let Some(app) = app["slug"].as_str() else {
                continue;
            };
            known.apps.push(app.to_owned());
            if known.apps.len() > APPS {
                break;
            }
            let path = format!("/api/v1/apps/{app}/releases");
            let releases = items(asker, gateway, path).await?;
            let published = releases.iter().filter(|one| one["state"] == "published");
            let published = published.take(RELEASES);
            let releases = published.filter_map(|release| Published::read(app, release));
            known.releases.extend(releases);
        }
        Ok(known)
    }

    /// What a service is asked, not knowing yet what is right.
    pub(super) fn questions(&self, service: Service) -> Vec<Question> {
        let mut all = vec![Question::new(Caller::Operator, "/readyz")];
        let apps = self.apps.iter();
        match service {
            Service::Registry => {
                all.push(Question::new(Caller::Administrator, "/api/v1/config"));
            }
            Service::Signing => all.extend(apps.map(|app| Question {
                method: http::Method::POST,
                // Safe to repeat: an app that has a key keeps it.
                body: Some(json!({"app": app})),
                ..Question::new(Caller::Catalog, "/internal/keys")
            })),
            Service::Upload => {
                all.extend(self.packages());
                all.extend(apps.map(|app| own(format!("/api/v1/apps/{app}/uploads"))));
            }
            Service::Catalog => {
                all.push(own("/api/v1/whoami".to_owned()));
                all.extend(self.of_catalog());
            }
            Service::Download => all.extend(self.of_visitors()),
            Service::Gateway => {
                all.extend(self.of_visitors());
                all.extend(self.of_catalog());
                all.extend(self.packages());
            }
        }
        all
    }

    fn packages(&self) -> impl Iterator<Item = Question> {
        self.releases.iter().flat_map(|release| {
            let app = &release.app;
            let files = release.files.iter();
            files.map(move |(id, ..)| own(format!("/api/v1/apps/{app}/packages/{id}")))
        })
    }

    fn of_catalog(&self) -> impl Iterator<Item = Question> {
        let apps = self.apps.iter();
        let apps = apps.map(|app| own(format!("/api/v1/apps/{app}")));
        let releases = self.releases.iter().map(|Published { app, version, .. }| {
            let version = version.replace('+', "%2B");
            own(format!("/api/v1/apps/{app}/releases/{version}"))
        });
        apps.chain(releases)
    }

    fn of_visitors(&self) -> Vec<Question> {
        let mut all = vec![Question::new(Caller::World, "/")];
        for app in &self.apps {
            all.push(Question::new(Caller::World, page_path(app)));
            let key = format!("/keys/{app}/minisign.pub");
            all.push(Question::new(Caller::World, key));
        }
        for (_, path, size, digest) in self.releases.iter().flat_map(|release| &release.files) {
            let is_part = *size > SMALL;
            let expected = digest.filter(|_| !is_part).map(Expected::Bytes);
            all.push(Question {
                is_part,
                expected: expected.unwrap_or(Expected::Unknown),
                ..Question::new(Caller::World, path)
            });
            let signature = format!("{path}.minisig");
            all.push(Question::new(Caller::World, signature));
        }
        all
    }
}

impl Published {
    fn read(app: &str, release: &Value) -> Option<Self> {
        let files = release["packages"].as_array()?.iter();
        let files = files.filter_map(|package| {
            // With the public URL before it, where there is one.
            let url = package["url"].as_str()?;
            let path = url.find("/d/").map(|at| url[at..].to_owned())?;
            let digest = package["sha256"].as_str()?.parse().ok();
            let id = package["id"].as_str()?.to_owned();
            Some((id, path, package["size"].as_u64()?, digest))
        });
        Some(Self {
            app: app.to_owned(),
            version: release["version"].as_str()?.to_owned(),
            files: files.collect(),
        })
    }
}

/// What the administrator looks at.
fn own(path: String) -> Question {
    Question::new(Caller::Administrator, path)
}

/// The first page of a list.
async fn items(asker: &Asker, gateway: &Whom, path: String) -> Result<Vec<Value>> {
    let question = own(path);
    let heard = asker.ask(gateway, &question).await?;
    let document: Value = serde_json::from_slice(&heard.body)?;
    let items = document["items"].as_array().cloned();
    items.with_context(|| format!("{} is not a list", question.path))
}

/// The questions with the answers of a process that is known to be right.
pub(super) async fn learn(
    asker: &Asker,
    teacher: &Whom,
    questions: Vec<Question>,
) -> Vec<Question> {
    let mut learned = Vec::new();
    for question in questions {
        if let Ok(heard) = asker.ask(teacher, &question).await {
            learned.extend(question.learned(&heard));
        }
    }
    learned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_release_every_service_has_its_questions() {
        let sha256 = "07".repeat(32);
        let release = json!({"version": "1.0+2", "state": "published", "packages": [
            {"id": "i", "url": "https://apps.example.org/d/notes/1.0%2B2/a.apk", "sha256": sha256, "size": 5},
            {"id": "j", "url": "/d/notes/1.0%2B2/b.apk", "sha256": sha256, "size": SMALL + 1},
        ]});
        let known = Known {
            apps: vec!["notes".to_owned()],
            releases: Published::read("notes", &release).into_iter().collect(),
        };
        let paths = |service| -> Vec<String> {
            let questions = known.questions(service).into_iter();
            questions.map(|question| question.path).collect()
        };
        let download = paths(Service::Download);
        for path in [
            "/readyz",
            "/a/notes",
            "/d/notes/1.0%2B2/a.apk",
            "/d/notes/1.0%2B2/b.apk.minisig",
        ] {
            assert!(download.iter().any(|asked| asked == path), "{download:?}");
        }
        let of_catalog = paths(Service::Catalog);
        assert!(of_catalog.contains(&"/api/v1/apps/notes/releases/1.0%2B2".to_owned()));
        assert!(paths(Service::Upload).contains(&"/api/v1/apps/notes/packages/j".to_owned()));
        assert_eq!(paths(Service::Signing), ["/readyz", "/internal/keys"]);
        let parts = known.questions(Service::Download).into_iter();
        let parts: Vec<_> = parts.filter(|question| question.is_part).collect();
        assert!(matches!(&parts[..], [one] if one.expected == Expected::Unknown));
    }
}
