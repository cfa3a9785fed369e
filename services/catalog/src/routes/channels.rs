//! `/api/v1/apps/{app}/channels`: named sets of releases that users follow.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_contract::Slug;
use slipway_contract::grant::Scope;
use slipway_openapi::parameters::{AppPath, ChannelPath, IdempotencyKey};
use slipway_openapi::{
    Documents, InternalReading, Listing, PROBLEM, ProblemDocument, Reading, Writing,
};
use slipway_runtime::http::json::{ApiJson, ApiPath, NoQuery};
use slipway_runtime::http::list::Items;
use sqlx::AnyConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::settling::deleted;
use super::write::{Done, Entry, Request, Write};
use crate::error::Error;
use crate::permission::Actor;
use crate::release::find_to_change;
use crate::rules::text;
use crate::state::CatalogState;
use crate::store::releases::{self, Release};
use crate::store::{self, audit, channels as rows};
use crate::{channels, feed, removal, switch};

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(promote, delete))
        .routes(routes!(add))
        .routes(routes!(look))
}

#[derive(Deserialize, Serialize, ToSchema)]
struct Channel {
    #[serde(rename = "channel")]
    #[schema(value_type = slipway_contract::Slug)]
    name: String,
    /// The highest published version in it, which `latest` serves.
    #[schema(value_type = Option<slipway_contract::Version>, required = true)]
    version: Option<String>,
    /// What was added, wherever in the order it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<slipway_contract::Version>, nullable = false)]
    added: Option<String>,
    /// The versions that are out of it since it was rolled back to this one, highest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<slipway_contract::Version>)]
    left: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["download/019a0000-0000-7000-8000-000000000000"]))]
    pending: Vec<String>,
}

impl Channel {
    fn new(name: String, version: Option<String>) -> Self {
        Self {
            name,
            version,
            added: None,
            left: Vec::new(),
            pending: Vec::new(),
        }
    }
}

#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}/channels",
    operation_id = "list_channels",
    tag = "channels",
    summary = "List the channels",
    description = "Scope: `read`.",
    params(AppPath),
    responses(
        Reading,
        (status = 200, description = "Every channel with the version that `latest` serves in it.", body = Listing<Channel>),
        (status = 404, description = "`app_unknown`: there is no such app.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(app): ApiPath<String>,
) -> Result<Json<Items<Channel>>, Error> {
    actor.permit(Scope::Read, Some(&app))?;
    let mut connection = state.read_by_version().await?;
    crate::app::find(&mut connection, &app).await?;
    let rows = releases::highest_by_channel(&mut connection, &app).await?;
    let items = rows
        .into_iter()
        .map(|(name, version)| Channel::new(name, version))
        .collect();
    Ok(Json(Items { items, next: None }))
}

/// Tells upload whether a channel may be published to, before the bytes come; the intent is judged when it is there.
#[utoipa::path(
    get,
    path = "/internal/channels/{app}/{channel}",
    operation_id = "look_at_channel",
    params(ChannelPath),
    responses(
        InternalReading,
        (status = 200, description = "It may be published to.", body = Channel),
        (status = 404, description = "`app_unknown`, `channel_unknown`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`app_deleted`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`channel_invalid`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn look(
    State(state): State<CatalogState>,
    ApiPath((app, channel)): ApiPath<(String, String)>,
) -> Result<Json<Channel>, Error> {
    let channel = text::channel(&channel)?;
    let mut connection = state.database.read().await?;
    channels::check(&mut connection, &app, &channel, false).await?;
    Ok(Json(Channel::new(channel.to_string(), None)))
}

/// That a channel which does not exist is made.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Create {
    Channel,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Promote {
    #[schema(value_type = slipway_contract::Version)]
    version: String,
    /// Whether what is higher leaves the channel.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    rollback: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    create: Option<Create>,
}

/// Promotion: a published release becomes the newest of a channel, with no new bytes and no new signature. Where that has
/// higher ones it is a roll-back, which has to be said.
#[utoipa::path(
    put,
    path = "/api/v1/apps/{app}/channels/{channel}",
    operation_id = "promote_release",
    tag = "channels",
    summary = "Make a release the newest of a channel",
    description = "Promotion: no new bytes, no new signature. Where the channel has higher versions it is a roll-back, which needs `\"rollback\": true`: then they leave the channel. They are not yanked, and their addresses stay. A release that is on its way leaves too, and is published at its own address alone. To publish one of them again does not bring it back; this call does, and so does `POST …/releases` below it. Scope: `release`.",
    params(ChannelPath, IdempotencyKey),
    request_body = Promote,
    responses(
        Documents,
        (status = 200, description = "The release is the newest of the channel: the same bytes, the same signatures.", body = Channel),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version. `channel_unknown`: there is no such channel; `nearest` is the name that was most likely meant, or null.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`release_not_published`: only a published release can be promoted. `channel_newer`: higher versions are in the channel, listed in `newer`; say `\"rollback\": true`, or add this one beside them.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`channel_invalid`: a channel is a slug, and none of latest, all, report and omaha. `idempotency_key_reused`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn promote(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, channel)): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Promote>,
) -> Result<Json<Channel>, Error> {
    actor.permit(Scope::Release, Some(&app))?;
    // A roll-back takes back what should not be there.
    if !body.rollback {
        switch::check(&state)?;
    }
    let channel = text::channel(&channel)?;
    let request = Request {
        headers: &headers,
        operation: &format!("promote {app} {channel}"),
        body: &body,
    };
    let effect = async |db: &mut AnyConnection| {
        let release = find_to_change(db, &app, &body.version).await?;
        release.facts().must_be_published("promoted")?;
        channels::check(db, &app, &channel, body.create.is_some()).await?;
        let action = if body.rollback {
            channels::roll_back(db, &release, &channel).await?;
            "channel.rollback"
        } else {
            channels::check_newest(db, &release, &channel).await?;
            channels::add(db, &release, &channel).await?;
            "channel.promote"
        };
        let subject = format!("{} {channel}", release.version);
        Ok(Done {
            made: promoted(db, &release, &channel, body.rollback).await?,
            audit: Some(Entry::new(Some(&app), action, &subject)),
        })
    };
    let again = async |db: &mut AnyConnection| {
        let release = find_to_change(db, &app, &body.version).await?;
        promoted(db, &release, &channel, body.rollback).await
    };
    let write = writing(&state, &actor, &app);
    let moved = write.once(request, effect, again).await?;
    moved.answer(&state).await
}

fn writing<'a>(state: &'a CatalogState, actor: &'a Actor, app: &'a str) -> Write<'a> {
    Write {
        state,
        actor,
        scope: Scope::Release,
        app: Some(app),
    }
}

/// A channel after a change, and the number of that.
#[derive(Deserialize, Serialize)]
struct Moved {
    channel: Channel,
    seq: i64,
}

impl Moved {
    /// Once the followers have it, or with those that have not.
    async fn answer(mut self, state: &CatalogState) -> Result<Json<Channel>, Error> {
        self.channel.pending = feed::applied_by_all(state, self.seq).await?;
        Ok(Json(self.channel))
    }
}

async fn promoted(
    db: &mut AnyConnection,
    release: &Release,
    channel: &Slug,
    rollback: bool,
) -> Result<Moved, Error> {
    let mut answer = Channel::new(channel.to_string(), Some(release.version.to_string()));
    if rollback {
        answer.left = rows::left_for(db, release, channel.as_str()).await?;
    }
    Ok(Moved {
        channel: answer,
        seq: store::feed::read(db).await?.head,
    })
}

#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = AddToChannel)]
#[serde(deny_unknown_fields)]
struct Add {
    #[schema(value_type = slipway_contract::Version)]
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    create: Option<Create>,
}

/// A published release joins a channel, and nothing leaves it: a backport beside higher versions, or one that comes back
/// after a roll-back.
#[utoipa::path(
    post,
    path = "/api/v1/apps/{app}/channels/{channel}/releases",
    operation_id = "add_release_to_channel",
    tag = "channels",
    summary = "Add a release to a channel",
    description = "Nothing leaves the channel: a backport joins beside higher versions, and what left at a roll-back comes back. The answer says which version `latest` serves then. Scope: `release`.",
    params(ChannelPath, IdempotencyKey),
    request_body = Add,
    responses(
        Documents,
        (status = 200, description = "The release is in the channel.", body = Channel),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version. `channel_unknown`: there is no such channel; `nearest` is the name that was most likely meant, or null.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`release_not_published`: only a published release can be added.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`channel_invalid`: a channel is a slug, and none of latest, all, report and omaha. `idempotency_key_reused`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn add(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, channel)): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Add>,
) -> Result<Json<Channel>, Error> {
    actor.permit(Scope::Release, Some(&app))?;
    switch::check(&state)?;
    let channel = text::channel(&channel)?;
    let request = Request {
        headers: &headers,
        operation: &format!("add to channel {app} {channel}"),
        body: &body,
    };
    let effect = async |db: &mut AnyConnection| {
        let release = find_to_change(db, &app, &body.version).await?;
        release.facts().must_be_published("added to a channel")?;
        channels::check(db, &app, &channel, body.create.is_some()).await?;
        channels::add(db, &release, &channel).await?;
        let subject = format!("{} {channel}", release.version);
        Ok(Done {
            made: added(db, &release, &channel).await?,
            audit: Some(Entry::new(Some(&app), "channel.add", &subject)),
        })
    };
    let again = async |db: &mut AnyConnection| {
        let release = find_to_change(db, &app, &body.version).await?;
        added(db, &release, &channel).await
    };
    let write = writing(&state, &actor, &app);
    let moved = write.once(request, effect, again).await?;
    moved.answer(&state).await
}

async fn added(db: &mut AnyConnection, release: &Release, channel: &Slug) -> Result<Moved, Error> {
    let newest = releases::highest_by_channel(db, release.app.as_str()).await?;
    let mut newest = newest.into_iter();
    let newest = newest.find(|(name, _)| name == channel.as_str());
    let version = newest.and_then(|(_, version)| version);
    Ok(Moved {
        channel: Channel {
            added: Some(release.version.to_string()),
            ..Channel::new(channel.to_string(), version)
        },
        seq: store::feed::read(db).await?.head,
    })
}

/// What is deleted while some have not heard of it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what [`deleted`] writes")]
struct DeletedChannel {
    channel: slipway_contract::Slug,
    /// Services that have not heard of it yet.
    pending: Vec<String>,
}

/// Deletes a channel in which nothing is offered or on its way. The same again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/apps/{app}/channels/{channel}",
    operation_id = "delete_channel",
    tag = "channels",
    summary = "Delete an empty channel",
    description = "Deletes a channel in which nothing is published, on its way or failed. Yanked releases leave it: put back, they are in their other channels. The same again is answered alike. Scope: `release`.",
    params(ChannelPath),
    responses(
        Writing,
        (status = 200, description = "It is deleted; the services that `pending` names have not heard of it yet.", body = DeletedChannel),
        (status = 204, description = "It is deleted."),
        (status = 404, description = "`app_unknown`, `channel_unknown`: nothing was ever released to it.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`channel_not_empty`: the member `versions` lists what is in it.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`channel_invalid`: it is no slug.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn delete(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, channel)): ApiPath<(String, String)>,
) -> Result<Response, Error> {
    actor.permit(Scope::Release, Some(&app))?;
    let channel = text::channel(&channel)?;
    let mut transaction = actor.change(&state, Scope::Release, Some(&app)).await?;
    crate::app::find(&mut transaction, &app).await?;
    let place = (&*app, channel.as_str());
    if let Some(seq) = removal::channel(&mut transaction, place, actor.by()).await? {
        state.commit(transaction).await?;
        return deleted(&state, seq, json!({"channel": channel.as_str()})).await;
    }
    if audit::has(&mut transaction, "channel.delete", place).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let unknown = channels::unknown(&mut transaction, &app, &channel).await?;
    Err(unknown.into())
}
