//! `/a/{app}`: the install page. No script, nothing from elsewhere; what the visitor needs comes first.

use askama::Template;
use axum::extract::State;
use axum::response::{AppendHeaders, Html, IntoResponse};
use http::HeaderMap;
use http::header::USER_AGENT;
use serde::Deserialize;
use slipway_contract::{Digest, Platform};
use slipway_openapi::parameters::AppPath;
use slipway_openapi::{PROBLEM, ProblemDocument, Public};
use slipway_runtime::clock;
use slipway_runtime::http::json::{ApiPath, ApiQuery};
use slipway_runtime::http::page::Language;
use sqlx::AnyConnection;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::offer::{File, Offer, Telling};
use super::older::OlderVersions;
use crate::device::{self, Device};
use crate::error::Error;
use crate::guide::{self, Guide, Subject};
use crate::headers;
use crate::labels;
use crate::lookup;
use crate::notes::{self, Notes};
use crate::range::{last_modified, modified};
use crate::rules::asked::{self, DEFAULT_CHANNEL};
use crate::rules::offers::{self, Offers};
use crate::rules::older::{self, Older};
use crate::script;
use crate::settings;
use crate::state::DownloadState;
use crate::store::apps::App;
use crate::store::packages::{self, ChannelView, Package};
use crate::store::releases::Release;
use crate::store::{icons, releases};
use crate::texts::{self, Installing, Texts};

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

    /// Every file that is offered.
    fn files(&self) -> Vec<&File> {
        self.offers().flat_map(|offer| &offer.files).collect()
    }
}

struct Headline {
    version: String,
    notes: Option<Notes>,
    /// The language of the notes.
    lang: &'static str,
    /// RFC 3339 and in words.
    published: Option<(String, String)>,
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
    let settings = state.settings.now();
    let limit = settings.page.older_versions;
    let found = Found::read(&mut connection, view, visitor.device, &query.before, limit).await?;
    drop(connection);
    let damaged = state.blobs.damaged(found.digests()).await;
    let telling = Telling {
        app: &app.slug,
        name: &app.name,
        texts: visitor.texts,
        damaged: &damaged.map_err(Error::internal)?,
    };
    // Told, and no condition is met by it: notes, channels and yanks change a page after that.
    let newest = found
        .release
        .as_ref()
        .and_then(|newest| newest.published_at);
    let date = modified(newest, clock::unix_millis()).map(last_modified);
    let page = Page {
        origin: state.public_url,
        ..Page::new(telling, &app, &channel, &visitor, found, &settings.page)
    };
    let html = Html(page.render().map_err(Error::internal)?);
    Ok((headers::of_page(), AppendHeaders(date), html))
}

/// What the page is made of, as the copy has it.
struct Found {
    icon: bool,
    channels: Vec<String>,
    offers: Offers,
    /// What the page is about first.
    release: Option<Release>,
    older: Older<Package>,
}

impl Found {
    /// `before`: the version that older ones are older than; when it is empty, the one that the page is about. Of them `limit`
    /// are read.
    async fn read(
        connection: &mut AnyConnection,
        view: ChannelView<'_>,
        device: Device,
        before: &str,
        limit: u16,
    ) -> sqlx::Result<Self> {
        let offers = read_offers(connection, view, device).await?;
        let newest = offers.version();
        let release = match newest {
            Some(version) => releases::find(connection, view.app, version).await?,
            None => None,
        };
        let before = Some(before).filter(|before| !before.is_empty()).or(newest);
        let before = before.and_then(|before| Some((before, older::to_read(before, limit)?)));
        let older = match before {
            Some((before, wanted)) => packages::older(connection, view, before, wanted).await?,
            None => Vec::new(),
        };
        let older = older.into_iter();
        let older = older.map(|package| (package.version.clone(), package));
        Ok(Self {
            icon: icons::exists(connection, view.app).await?,
            channels: releases::channels(connection, view.audience, view.app).await?,
            release,
            older: older::group(older, limit),
            offers,
        })
    }

    /// Of every file on the page.
    fn digests(&self) -> Vec<Digest> {
        let offered = self.offers.all().flat_map(|offer| &offer.packages);
        let older = self.older.releases.iter();
        let older = older.flat_map(|release| &release.packages);
        let packages = offered.chain(older);
        packages.map(|package| package.file.sha256).collect()
    }
}

async fn read_offers(
    connection: &mut AnyConnection,
    view: ChannelView<'_>,
    device: Device,
) -> sqlx::Result<Offers> {
    let listed = match offers::wanted(device) {
        Some(wanted) => packages::listed(connection, view, wanted).await?,
        None => Vec::new(),
    };
    let there = packages::platforms(connection, view).await?;
    let is_there = |platform: &Platform| there.iter().any(|one| one == platform.as_str());
    let mut own = Vec::new();
    for platform in Platform::ALL.into_iter().filter(is_there) {
        own.push((platform, packages::own(connection, view, platform).await?));
    }
    Ok(Offers::arrange(device, listed, own))
}

impl Page {
    fn new(
        telling: Telling<'_>,
        app: &App,
        channel: &str,
        visitor: &Visitor,
        found: Found,
        settings: &settings::Page,
    ) -> Self {
        let (texts, system) = (visitor.texts, visitor.device.platform);
        let offers = &found.offers;
        let offer = |offer| Offer::new(telling, offer);
        let key = app.public_key.as_deref();
        let key = key.and_then(|text| text.lines().nth(1));
        Self {
            t: texts,
            icon: found.icon,
            initial: initial(&app.name),
            slug: app.slug.clone(),
            name: app.name.clone(),
            lang: script::language(&app.name),
            origin: None,
            description: description(offers, texts),
            channel: (channel != DEFAULT_CHANNEL).then(|| channel.to_owned()),
            other_channels: asked::others(channel, found.channels),
            headline: found.release.map(|it| Headline::new(it, texts, settings)),
            inside: visitor.inside,
            visitor: system.map(|platform| labels::platform(platform, texts)),
            open: guide::open_for(system),
            installing: installing(telling, offers),
            guides: guides(telling, offers, key),
            key: key.map(str::to_owned),
            first: offers.first.as_ref().map(offer),
            perhaps: offers.perhaps.as_ref().map(offer),
            others: offers.others.iter().map(offer).collect(),
            older: OlderVersions::new(telling, found.older),
        }
    }
}

pub(super) fn initial(name: &str) -> String {
    let first = name.chars().next().into_iter();
    first.flat_map(char::to_uppercase).collect()
}

/// What a preview of the page in a chat says.
fn description(offers: &Offers, texts: &Texts) -> String {
    let systems: Vec<&str> = offers
        .all()
        .filter(|offer| offer.platform != Platform::None)
        .map(|offer| labels::platform(offer.platform, texts))
        .collect();
    if systems.is_empty() {
        texts.description_empty.to_owned()
    } else {
        texts.with(texts.description, &systems.join(texts.and))
    }
}

/// How the first file is installed, where something stands in its way that its visitor can move.
fn installing(telling: Telling<'_>, offers: &Offers) -> Option<&'static Installing> {
    let texts = telling.texts;
    let is_damaged = |package: &Package| telling.damaged.contains(&package.file.sha256);
    match offers.installs_on(is_damaged)? {
        Platform::Android => Some(&texts.install_android),
        Platform::Windows => Some(&texts.install_windows),
        Platform::Macos => Some(&texts.install_macos),
        _ => None,
    }
}

impl Headline {
    fn new(release: Release, texts: &Texts, settings: &settings::Page) -> Self {
        let Release {
            notes,
            published_at,
            version,
            ..
        } = release;
        Self {
            version,
            lang: script::language(notes.as_deref().unwrap_or_default()),
            notes: notes
                .filter(|notes| !notes.trim().is_empty())
                .map(|notes| notes::render(&notes, settings.notes_lines)),
            published: published_at.and_then(|time| {
                let date = labels::date(time, texts.language)?;
                Some((clock::rfc3339(time), date))
            }),
        }
    }
}

/// Commands for each system that has some.
fn guides(telling: Telling<'_>, offers: &Offers, key: Option<&str>) -> Vec<Guide> {
    let Some(key) = key else { return Vec::new() };
    let systems = guide::SYSTEMS.into_iter();
    let guides = systems.filter_map(|system| {
        let file = File::new(telling, offers.to_prove_on(system)?);
        let subject = Subject {
            filename: &file.filename,
            address: &file.address,
            sha256: &file.sha256,
            key,
        };
        Some(guide::guide(system, subject, telling.texts))
    });
    guides.collect()
}
