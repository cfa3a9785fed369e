//! What the platform knows before anything is sent: whether there are the app and the channel, and what is there under
//! the version already. Where the token may not look, or the catalog is away, the upload goes on all the same.

use anyhow::Context as _;
use reqwest::Method;
use serde_json::Value;
use slipway_contract::public::Release;
use slipway_contract::{Slug, Version};

use super::package::Package;
use crate::exit::{Exit, Stop};
use crate::server::Server;
use crate::server::failure::Failure;

/// Channels that every app has from its beginning.
const GIVEN_CHANNELS: [&str; 2] = ["stable", "beta"];

/// The document at `path`; `None` where there is none, with `unknown` as the code, or where it cannot be asked for.
async fn look(
    server: &Server,
    path: &str,
    unknown: &str,
) -> anyhow::Result<Result<Option<Value>, Missing>> {
    match server.json(Method::GET, path, None).await {
        Ok(document) => Ok(Ok(Some(document))),
        Err(failure) if failure.code() == Some(unknown) => Ok(Err(Missing)),
        Err(failure) if failure.code() == Some("scope_missing") => Ok(Ok(None)),
        Err(failure @ Failure::Refused(_)) if failure.passes() => Ok(Ok(None)),
        Err(failure) => Err(failure.into()),
    }
}

/// What was asked for does not exist.
pub(super) struct Missing;

/// Whether there is the app, as far as can be told.
pub(super) async fn app(server: &Server, app: &Slug) -> anyhow::Result<Result<(), Missing>> {
    let found = look(server, &format!("/api/v1/apps/{app}"), "app_unknown").await?;
    Ok(found.map(|_| ()))
}

/// The release that is there under the version.
pub(crate) async fn release(
    server: &Server,
    app: &Slug,
    version: &Version,
) -> anyhow::Result<Option<Release>> {
    let path = format!("/api/v1/apps/{app}/releases/{}", version.as_str());
    let Ok(Some(found)) = look(server, &path, "release_unknown").await? else {
        return Ok(None);
    };
    let release = serde_json::from_value(found).context("an answer not known here")?;
    Ok(Some(release))
}

/// Refuses a channel that does not exist: a typing error would make one that nobody follows.
pub(crate) async fn check_channel(
    server: &Server,
    app: &Slug,
    channel: &Slug,
) -> anyhow::Result<()> {
    let path = format!("/api/v1/apps/{app}/channels");
    let Ok(Some(list)) = look(server, &path, "app_unknown").await? else {
        return Ok(());
    };
    let items = list["items"].as_array().into_iter().flatten();
    let known: Vec<&str> = items.filter_map(|item| item["channel"].as_str()).collect();
    check_among(app, channel, &known)
}

/// Refuses a channel that is neither one of `others` nor one that every app has.
pub(super) fn check_among(app: &Slug, channel: &Slug, others: &[&str]) -> anyhow::Result<()> {
    let known = || others.iter().copied().chain(GIVEN_CHANNELS);
    if known().any(|name| name == channel.as_str()) {
        return Ok(());
    }
    let nearest = nearest(channel.as_str(), known())
        .map(|name| format!(" (is {name} meant?)"))
        .unwrap_or_default();
    let words = format!(
        "{app} has no channel {channel}{nearest}: check its spelling, or make it with --create-channel"
    );
    Err(Stop::refused("channel_unknown", words).into())
}

/// The name that somebody who typed `wrong` most likely meant.
pub(super) fn nearest<'a>(
    wrong: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let names = names.into_iter();
    let distances = names.map(|name| (strsim::damerau_levenshtein(wrong, name), name));
    let (distance, name) = distances.min()?;
    (distance <= 1 + wrong.len() / 4).then_some(name)
}

/// Refuses what the platform would refuse for what is there under the version. `true`: all of `files` are published in
/// it as they are, so nothing has to be sent.
pub(crate) fn is_there(app: &Slug, release: &Release, files: &[&Package]) -> anyhow::Result<bool> {
    let version = &release.version;
    let taken = |code, words| Err(Stop::new(Exit::AlreadyThere, code, words).into());
    match release.state.as_str() {
        "published" => {}
        "yanked" => {
            let words =
                format!("{app} {version} was yanked, and stays taken: choose a higher version");
            return taken("yanked", words);
        }
        _ => return Ok(false),
    }
    for file in files {
        let there = release
            .packages
            .iter()
            .find(|there| there.file.filename == file.name);
        let what = match there {
            Some(there) if there.file.sha256.as_hex() == file.sha256 => continue,
            Some(_) => format!("with other bytes under the name {}", file.name),
            None => format!("without {}", file.name),
        };
        let words = format!(
            "{app} {version} is published already, {what}: a published version never changes, choose a higher one"
        );
        return taken("release_published", words);
    }
    if files.len() > 1 && files.len() < release.packages.len() {
        let words = format!(
            "{app} {version} is published already, with {} files and not these {} alone: choose a higher version",
            release.packages.len(),
            files.len()
        );
        return taken("release_published", words);
    }
    Ok(true)
}

/// Refuses what is larger than the platform takes, if it says how much that is.
pub(super) async fn check_size(server: &Server, app: &Slug, file: &Package) -> anyhow::Result<()> {
    let Ok(url) = server.resolve(&format!("/api/v1/apps/{app}/uploads")) else {
        return Ok(());
    };
    let Ok(answer) = server.send(server.request(Method::OPTIONS, url)).await else {
        return Ok(());
    };
    let most = answer.headers().get("tus-max-size");
    let most: Option<u64> = most.and_then(|most| most.to_str().ok()?.parse().ok());
    match most {
        Some(most) if file.size > most => {
            let words = format!(
                "{} has {}, and the platform takes {} at most: ask its operator for more",
                file.name,
                crate::terminal::bytes(file.size),
                crate::terminal::bytes(most)
            );
            Err(Stop::refused("body_too_large", words).into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_told_and_a_far_one_is_not() {
        let names = ["stable", "beta", "nightly"];
        assert_eq!(nearest("stabel", names), Some("stable"));
        assert_eq!(nearest("nightyl", names), Some("nightly"));
        assert_eq!(nearest("preview", names), None);
        assert_eq!(nearest("x", []), None);
    }
}
