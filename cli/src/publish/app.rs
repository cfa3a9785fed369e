//! The app that a package belongs to: its slug when none was given, and the app itself when there is none yet.

use anyhow::Context as _;
use reqwest::Method;
use serde_json::json;
use slipway_contract::Slug;

use super::preflight::nearest;
use crate::exit::Stop;
use crate::server::Server;
use crate::server::failure::Failure;
use crate::server::retry::Attempts;
use crate::terminal;

/// The words of the name up to the version: `Notes Setup 1.2.3 (x64).exe` is of `notes-setup`.
pub(super) fn from_file_name(name: &str) -> anyhow::Result<Slug> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem = stem.strip_suffix(".tar").unwrap_or(stem).to_lowercase();
    let is_version = |word: &str| {
        word.trim_start_matches('v')
            .starts_with(|c: char| c.is_ascii_digit())
    };
    let mut words = stem
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut slug = words.next().unwrap_or_default().to_owned();
    for word in words.take_while(|word| !is_version(word)) {
        slug = format!("{slug}-{word}");
    }
    slug.truncate(Slug::MAX_LENGTH);
    slug.parse()
        .map_err(|_| Stop::usage(format!("no app can be named after {name}: give --app")).into())
}

/// Makes an app that does not exist, named after its slug, if that is wanted: a typing error would make one for ever.
pub(super) async fn make(server: &Server, app: &Slug, create: bool) -> anyhow::Result<()> {
    if !create {
        let near = near(server, app).await;
        let near = near.map_or_else(String::new, |near| format!(" (is {near} meant?)"));
        let origin = server.origin();
        let question = format!("there is no app {app} at {origin}{near}. Make it?");
        if terminal::ask(question) != Some(true) {
            let words = format!(
                "there is no app {app} at {origin}{near}: check its spelling, or make it with --create; nothing was sent"
            );
            return Err(Stop::refused("app_unknown", words).into());
        }
    }
    let wanted = json!({ "slug": app, "name": app });
    let mut attempts = Attempts::default();
    loop {
        match server
            .json(Method::POST, "/api/v1/apps", Some(&wanted))
            .await
        {
            Ok(_) => {
                terminal::note(format_args!("made the app {app}"));
                return Ok(());
            }
            Err(Failure::Refused(problem)) if problem.code == "app_exists" => return Ok(()),
            Err(failure) if failure.passes() => attempts.pause(failure, terminal::note).await?,
            Err(failure) => {
                return Err(failure)
                    .context(format!("there is no app {app}, and it could not be made"));
            }
        }
    }
}

/// The app that was most likely meant, of the first hundred.
async fn near(server: &Server, app: &Slug) -> Option<String> {
    let path = "/api/v1/apps?limit=100";
    let list = server.json(Method::GET, path, None).await.ok()?;
    let slugs = list["items"].as_array()?.iter();
    let slugs = slugs.filter_map(|app| app["slug"].as_str());
    nearest(app.as_str(), slugs).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slug_is_the_words_before_the_version() {
        for (name, slug) in [
            ("notes.apk", "notes"),
            ("settings_apk-debug.apk", "settings-apk-debug"),
            ("notes_1.2.3_amd64.deb", "notes"),
            ("Notes Setup 1.2.3 (x64).exe", "notes-setup"),
            ("notes-v2.tar.gz", "notes"),
            ("notes-1.2.3-x86_64.AppImage", "notes"),
            ("7zip-24.tar.gz", "7zip"),
            ("notes", "notes"),
        ] {
            assert_eq!(from_file_name(name).unwrap().as_str(), slug, "{name}");
        }
    }

    #[test]
    fn a_name_without_words_asks_for_app() {
        let error = from_file_name("ノート.apk").unwrap_err();
        assert!(error.to_string().contains("give --app"), "{error}");
    }
}
