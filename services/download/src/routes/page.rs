//! `/a/{app}`: the install page. No script, nothing from elsewhere; what the visitor needs comes first.

use askama::Template;
use axum::extract::State;
use axum::response::{AppendHeaders, Html, IntoResponse};
use http::HeaderMap;
use http::header::USER_AGENT;
use serde::Deserialize;
use slipway_contract::{Digest, Platform, Version};
use slipway_openapi::parameters::AppPath;
use slipway_openapi::{PROBLEM, ProblemDocument, Public};
use slipway_runtime::clock;
use slipway_runtime::http::json::{ApiPath, ApiQuery};
use slipway_runtime::http::page::Language;
use sqlx::AnyConnection;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{offer, older};
use crate::blobs::Blobs;
use crate::choice::DEFAULT_CHANNEL;
use crate::device::{self, Device};
use crate::error::Error;
use crate::guide::{Guide, Subject, guide};
use crate::headers;
use crate::labels;
use crate::lookup;
use crate::notes::{self, Notes};
use crate::range::{last_modified, modified};
use crate::script;
use crate::settings;
use crate::state::DownloadState;
use crate::store::apps::App;
use crate::store::packages::ChannelView;
use crate::store::{icons, releases};
use crate::texts::{self, Installing, Texts};
use offer::{File, Offer, Offers, Telling};
use older::OlderVersions;

pub(super) fn router() -> OpenApiRouter<DownloadState> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Query {
    /// Without it `stable`.
    #[serde(default)]
    #[param(required = false)]
    channel: String,
    /// Versions older than this one are named as older ones.
    #[serde(default)]
    #[param(required = false)]
    before: String,
}

/// Who looks at the page.
struct Visitor {
    device: Device,
    /// The app that shows it.
    inside: Option<&'static str>,
    texts: &'static Texts,
}

impl Visitor {
    fn of(request: &HeaderMap) -> Self {
        let agent = request.get(USER_AGENT);
        let agent = agent.and_then(|value| value.to_str().ok());
        let agent = agent.unwrap_or_default();
        let language = Language::preferred(request);
        Self {
            device: Device::from_user_agent(agent),
            inside: device::inside(agent).map(|name| language.pick(name)),
            texts: texts::of(language),
        }
    }
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    t: &'static Texts,
    slug: String,
    name: String,
    /// The language of the name.
    lang: &'static str,
    icon: bool,
    /// What stands in place of an icon.
    initial: String,
    /// Where the world finds this page and its picture: from the settings, since a `Host` is whatever a client says.
    origin: Option<String>,
    description: String,
    /// The channel shown, unless it is the one of whoever names none.
    channel: Option<String>,
    other_channels: Vec<String>,
    /// What the page is about first.
    headline: Option<Headline>,
    inside: Option<&'static str>,
    /// Where the visitor is, as far as it is known.
    visitor: Option<&'static str>,
    /// What to give to the visitor.
    first: Option<Offer>,
    perhaps: Option<Offer>,
    others: Vec<Offer>,
    installing: Option<&'static Installing>,
    older: OlderVersions,
    key: Option<String>,
    guides: Vec<Guide>,
    /// The system whose commands are shown open.
    open: Platform,
}

impl Page {
    fn offers(&self) -> impl Iterator<Item = &Offer> {
        let first = self.first.iter();
        first.chain(&self.perhaps).chain(&self.others)
    }

    /// Whether there is something for the system, though nothing for the visitor's machine.
    fn has_files_for(&self, system: &str) -> bool {
        self.others.iter().any(|offer| offer.name == system)
    }

    fn headline_version(&self) -> &str {
        let headline = self.headline.as_ref();
        headline.map_or("", |headline| headline.version.as_str())
    }

    /// Every file that is offered.
    fn files(&self) -> Vec<&File> {
        self.offers().flat_map(|offer| &offer.files).collect()
    }

    /// Marks the files that nobody gets now.
    async fn mark_damaged(&mut self, blobs: &Blobs) -> std::io::Result<()> {
        let older = self
            .older
            .releases
            .iter()
            .flat_map(|release| &release.files);
        let files = self.files().into_iter().chain(older);
        let digests = files.map(|file| file.sha256.parse());
        let damaged = blobs.damaged(digests.flatten().collect()).await?;
        let damaged: Vec<_> = damaged.iter().map(Digest::as_hex).collect();
        let offers = self.first.iter_mut().chain(&mut self.perhaps);
        let offers = offers.chain(&mut self.others);
        let older = self.older.releases.iter_mut();
        let older = older.flat_map(|release| &mut release.files);
        let offered = offers.flat_map(|offer| &mut offer.files);
        for file in offered.chain(older) {
            file.damaged = damaged.contains(&file.sha256);
        }
        Ok(())
    }
}

struct Headline {
    version: String,
    notes: Option<Notes>,
    /// The language of the notes.
    lang: &'static str,
    /// RFC 3339 and in words.
    published: Option<(String, String)>,
    published_at: Option<i64>,
}

#[utoipa::path(
    get,
    path = "/a/{app}",
    operation_id = "show_install_page",
    tag = "downloads",
    summary = "The install page of an app",
    description = "For people, in English or Chinese; a refusal is a page too for who asks for HTML.",
    security(()),
    params(AppPath, Query),
    responses(
        Public,
        (status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 404, description = "`app_unknown`, `channel_unknown`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`deleted`: it was deleted by its publisher, for ever.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<DownloadState>,
    ApiPath(app): ApiPath<String>,
    ApiQuery(query): ApiQuery<Query>,
    request: HeaderMap,
) -> Result<impl IntoResponse, Error> {
    let mut connection = state.database.read().await?;
    let app = lookup::app(&mut connection, &app).await?;
    let channel =
        lookup::channel(&mut connection, state.audience, &app.slug, &query.channel).await?;
    let view = ChannelView {
        audience: state.audience,
        app: &app.slug,
        channel: &channel,
    };
    let visitor = Visitor::of(&request);
    let mut page = assemble(&mut connection, view, &app, &visitor, &state.page).await?;
    let before = if query.before.is_empty() {
        page.headline_version().to_owned()
    } else {
        query.before
    };
    let limit = state.page.older_versions;
    let telling = telling(view, &app, &visitor);
    page.older = OlderVersions::read(&mut connection, telling, &before, limit).await?;
    drop(connection);
    page.origin.clone_from(&state.public_url);
    let marked = page.mark_damaged(&state.blobs).await;
    marked.map_err(Error::internal)?;
    // Told, and no condition is met by it: notes, channels and yanks change a page after that.
    let newest = page
        .headline
        .as_ref()
        .and_then(|headline| headline.published_at);
    let date = modified(newest, clock::unix_millis()).map(last_modified);
    let html = Html(page.render().map_err(Error::internal)?);
    Ok((headers::of_page(), AppendHeaders(date), html))
}

fn telling<'a>(view: ChannelView<'a>, app: &'a App, visitor: &Visitor) -> Telling<'a> {
    Telling {
        view,
        name: &app.name,
        texts: visitor.texts,
    }
}

/// The page but for older versions and what is damaged.
async fn assemble(
    connection: &mut AnyConnection,
    view: ChannelView<'_>,
    app: &App,
    visitor: &Visitor,
    settings: &settings::Page,
) -> Result<Page, Error> {
    let (texts, device) = (visitor.texts, visitor.device);
    let ChannelView { channel, .. } = view;
    let icon = icons::exists(connection, &app.slug).await?;
    let mut channels = releases::channels(connection, view.audience, &app.slug).await?;
    channels.retain(|one| one != channel);
    if channel != DEFAULT_CHANNEL && !channels.iter().any(|one| one == DEFAULT_CHANNEL) {
        channels.push(DEFAULT_CHANNEL.to_owned());
    }
    let offers = Offers::read(connection, telling(view, app, visitor), device).await?;
    let headline = match newest(&offers) {
        Some(version) => headline(connection, &app.slug, version, texts, settings).await?,
        None => None,
    };
    let key = app
        .public_key
        .as_deref()
        .and_then(|text| text.lines().nth(1))
        .map(str::to_owned);
    Ok(Page {
        t: texts,
        icon,
        initial: initial(&app.name),
        slug: app.slug.clone(),
        name: app.name.clone(),
        lang: script::language(&app.name),
        origin: None,
        description: description(&offers, texts),
        channel: (channel != DEFAULT_CHANNEL).then(|| channel.to_owned()),
        other_channels: channels,
        headline,
        inside: visitor.inside,
        visitor: device
            .platform
            .map(|platform| labels::platform(platform, texts)),
        open: device
            .platform
            .filter(|platform| *platform != Platform::Ios)
            .unwrap_or(Platform::Linux),
        installing: installing(&offers, texts),
        older: OlderVersions::default(),
        guides: guides(&offers, key.as_deref(), texts),
        key,
        first: offers.first,
        perhaps: offers.perhaps,
        others: offers.others,
    })
}

pub(super) fn initial(name: &str) -> String {
    let first = name.chars().next().into_iter();
    first.flat_map(char::to_uppercase).collect()
}

/// What a preview of the page in a chat says.
fn description(offers: &Offers, texts: &Texts) -> String {
    let Offers {
        first,
        perhaps,
        others,
    } = offers;
    let systems: Vec<&str> = first
        .iter()
        .chain(perhaps)
        .chain(others)
        .filter(|offer| offer.platform != Platform::None)
        .map(|offer| offer.name)
        .collect();
    if systems.is_empty() {
        texts.description_empty.to_owned()
    } else {
        texts.with(texts.description, &systems.join(texts.and))
    }
}

/// How the first file is installed, where something stands in its way that its visitor can move.
fn installing(offers: &Offers, texts: &'static Texts) -> Option<&'static Installing> {
    let offer = offers.first.as_ref()?;
    let best = offer.best()?;
    if best.obstacle.is_some() || best.damaged || !offer.owns(best) {
        return None;
    }
    match offer.platform {
        Platform::Android => Some(&texts.install_android),
        Platform::Windows => Some(&texts.install_windows),
        Platform::Macos => Some(&texts.install_macos),
        _ => None,
    }
}

/// The visitor's version, else the highest that is offered for a system, else the highest.
fn newest(offers: &Offers) -> Option<&str> {
    let highest = || {
        let rank = |offer: &&Offer| {
            let version = offer.version.parse::<Version>().ok();
            (offer.platform != Platform::None, version)
        };
        let others = offers.perhaps.iter().chain(&offers.others);
        others.max_by_key(rank)
    };
    let first = offers.first.as_ref();
    first.or_else(highest).map(|offer| offer.version.as_str())
}

async fn headline(
    connection: &mut AnyConnection,
    app: &str,
    version: &str,
    texts: &Texts,
    settings: &settings::Page,
) -> sqlx::Result<Option<Headline>> {
    let release = releases::find(connection, app, version).await?;
    Ok(release.map(|release| Headline {
        version: release.version,
        lang: script::language(release.notes.as_deref().unwrap_or_default()),
        notes: release
            .notes
            .filter(|notes| !notes.trim().is_empty())
            .map(|notes| notes::render(&notes, settings.notes_lines)),
        published_at: release.published_at,
        published: release.published_at.and_then(|time| {
            let date = labels::date(time, texts.language)?;
            Some((clock::rfc3339(time), date))
        }),
    }))
}

/// Commands for each system that has some, about the file that is offered for it, else about the visitor's.
fn guides(offers: &Offers, key: Option<&str>, texts: &Texts) -> Vec<Guide> {
    let Some(key) = key else { return Vec::new() };
    let offered = || {
        let first = offers.first.iter();
        first.chain(&offers.perhaps).chain(&offers.others)
    };
    let systems = [
        Platform::Linux,
        Platform::Macos,
        Platform::Windows,
        Platform::Android,
    ];
    systems
        .into_iter()
        .filter_map(|system| {
            let own = offered().find(|offer| offer.platform == system);
            let file = own.or_else(|| offered().next())?.files.first()?;
            let subject = Subject {
                filename: &file.filename,
                address: &file.address,
                sha256: &file.sha256,
                key,
            };
            Some(guide(system, subject, texts))
        })
        .collect()
}
