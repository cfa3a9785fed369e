//! `/a/{app}`: the install page. No script, nothing from elsewhere; what the visitor needs comes first.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, USER_AGENT, VARY};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use slipway_packages::{Digest, Platform, Version};
use slipway_service::http::json::{ApiPath, ApiQuery};
use slipway_service::http::page::POLICY;
use slipway_service::{Problem, clock};
use sqlx::AnyConnection;

use super::latest::{DEFAULT_CHANNEL, find_channel};
use super::{find_app, offer};
use crate::DownloadState;
use crate::audience::Audience;
use crate::blobs::Blobs;
use crate::device::Device;
use crate::guide::{Guide, Subject, guide};
use crate::labels;
use crate::store::apps::App;
use crate::store::packages::ChannelView;
use crate::store::{icons, releases};
use offer::{File, Offer, Offers};

pub(super) fn router() -> Router<DownloadState> {
    Router::new().route("/a/{app}", get(show))
}

#[derive(Deserialize)]
struct Query {
    #[serde(default)]
    channel: String,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    slug: String,
    name: String,
    icon: bool,
    /// What stands in place of an icon.
    initial: String,
    /// The channel shown, unless it is the one of whoever names none.
    channel: Option<String>,
    other_channels: Vec<String>,
    /// What the page is about first.
    headline: Option<Headline>,
    /// Where the visitor is, as far as it is known.
    visitor: Option<&'static str>,
    /// What to give to the visitor.
    first: Option<Offer>,
    others: Vec<Offer>,
    key: Option<String>,
    guides: Vec<Guide>,
    /// The system whose commands are shown open.
    open: Platform,
}

impl Page {
    /// Every file that is offered, each once: a package for any system is offered for several.
    fn files(&self) -> Vec<&File> {
        let mut files: Vec<&File> = Vec::new();
        for file in self
            .first
            .iter()
            .chain(&self.others)
            .flat_map(|offer| &offer.files)
        {
            if !files.iter().any(|known| known.address == file.address) {
                files.push(file);
            }
        }
        files
    }
}

impl Page {
    /// Marks the files that nobody gets now.
    async fn mark_damaged(&mut self, blobs: &Blobs) -> std::io::Result<()> {
        let digests = self.files().into_iter().map(|file| file.sha256.parse());
        let damaged = blobs.damaged(digests.flatten().collect()).await?;
        let damaged: Vec<_> = damaged.iter().map(Digest::as_hex).collect();
        let offers = self.first.iter_mut().chain(&mut self.others);
        for file in offers.flat_map(|offer| &mut offer.files) {
            file.damaged = damaged.contains(&file.sha256);
        }
        Ok(())
    }
}

struct Headline {
    version: String,
    notes: Option<String>,
    /// RFC 3339 and in words.
    published: Option<(String, String)>,
}

async fn show(
    State(state): State<DownloadState>,
    ApiPath(app): ApiPath<String>,
    ApiQuery(query): ApiQuery<Query>,
    request: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let agent = request
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok());
    let device = Device::from_user_agent(agent.unwrap_or_default());
    let mut connection = state.database.read().await?;
    let app = find_app(&mut connection, &app).await?;
    let channel = find_channel(&mut connection, state.audience, &app.slug, &query.channel).await?;
    let mut page = assemble(&mut connection, state.audience, app, channel, device).await?;
    drop(connection);
    let marked = page.mark_damaged(&state.blobs).await;
    marked.map_err(Problem::internal)?;
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (VARY, HeaderValue::from_static("user-agent")),
    ];
    Ok((headers, Html(page.render().map_err(Problem::internal)?)))
}

async fn assemble(
    connection: &mut AnyConnection,
    audience: Audience,
    app: App,
    channel: String,
    device: Device,
) -> Result<Page, Problem> {
    let icon = icons::newest(connection, &app.slug).await?.is_some();
    let mut channels = releases::channels(connection, audience, &app.slug).await?;
    channels.retain(|one| *one != channel);
    if channel != DEFAULT_CHANNEL && !channels.iter().any(|one| one == DEFAULT_CHANNEL) {
        channels.push(DEFAULT_CHANNEL.to_owned());
    }
    let view = ChannelView {
        audience,
        app: &app.slug,
        channel: &channel,
    };
    let Offers { first, others } = Offers::read(connection, view, device).await?;
    let headline = match newest(first.as_ref(), &others) {
        Some(version) => headline(connection, &app.slug, version).await?,
        None => None,
    };
    let key = app
        .public_key
        .as_deref()
        .and_then(|text| text.lines().nth(1))
        .map(str::to_owned);
    let guides = guides(first.as_ref(), &others, key.as_deref());
    Ok(Page {
        icon,
        initial: app
            .name
            .chars()
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .collect(),
        slug: app.slug,
        name: app.name,
        channel: (channel != DEFAULT_CHANNEL).then_some(channel),
        other_channels: channels,
        headline,
        visitor: device.platform.map(labels::platform),
        open: device
            .platform
            .filter(|platform| *platform != Platform::Ios)
            .unwrap_or(Platform::Linux),
        first,
        others,
        key,
        guides,
    })
}

/// The visitor's version, else the highest that is offered for a system, else the highest.
fn newest<'a>(first: Option<&'a Offer>, others: &'a [Offer]) -> Option<&'a str> {
    let highest = || {
        let rank = |offer: &&Offer| {
            let version = offer.version.parse::<Version>().ok();
            (offer.platform != Platform::None, version)
        };
        others.iter().max_by_key(rank)
    };
    first.or_else(highest).map(|offer| offer.version.as_str())
}

async fn headline(
    connection: &mut AnyConnection,
    app: &str,
    version: &str,
) -> sqlx::Result<Option<Headline>> {
    let release = releases::find(connection, app, version).await?;
    Ok(release.map(|release| Headline {
        version: release.version,
        notes: release.notes.filter(|notes| !notes.trim().is_empty()),
        published: release
            .published_at
            .and_then(|time| labels::date(time).map(|date| (clock::rfc3339(time), date))),
    }))
}

/// Commands for each system that has some, about the file that is offered for it, else about the visitor's.
fn guides(first: Option<&Offer>, others: &[Offer], key: Option<&str>) -> Vec<Guide> {
    let Some(key) = key else { return Vec::new() };
    let offers = || first.into_iter().chain(others);
    let systems = [
        Platform::Linux,
        Platform::Macos,
        Platform::Windows,
        Platform::Android,
    ];
    systems
        .into_iter()
        .filter_map(|system| {
            let own = offers().find(|offer| offer.platform == system);
            let file = own.or_else(|| offers().next())?.files.first()?;
            Some(guide(
                system,
                Subject {
                    filename: &file.filename,
                    address: &file.address,
                    sha256: &file.sha256,
                    key,
                },
            ))
        })
        .collect()
}
