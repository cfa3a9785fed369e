//! `/api/v1/apps/{app}/releases`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_contract::grant::Scope;
use slipway_contract::public;
use slipway_openapi::parameters::{AppPath, IdempotencyKey, Prefer, ReleasePath};
use slipway_openapi::{Documents, Listing, PROBLEM, ProblemDocument, Reading, Writing};
use slipway_runtime::http::json::{ApiJson, ApiPath, ApiQuery, NoQuery};
use slipway_runtime::http::list::{self, Items};
use sqlx::AnyConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::channels::Create;
use super::settling::{answer_when_settled, applied, deleted};
use super::write::{Done, Entry, Request, Write};
use super::{published, render};
use crate::error::Error;
use crate::permission::Actor;
use crate::refusal::Refusal;
use crate::release::{find, find_to_change};
use crate::rules::channel::Place;
use crate::rules::choice::{Choice, File};
use crate::rules::draft::{Speller, refuse_odd};
use crate::rules::release::Asked;
use crate::rules::state::State as Stage;
use crate::rules::{self, text};
use crate::state::CatalogState;
use crate::store::like::Like;
use crate::store::releases::{self, Filter};
use crate::{channels, choice, draft, history, quota, refusal, release, removal, switch};

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new()
        .routes(routes!(list, publish))
        .routes(routes!(show, published::edit, delete))
        .routes(routes!(retry))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Publish {
    #[schema(value_type = slipway_contract::Version)]
    version: String,
    #[schema(value_type = slipway_contract::Slug)]
    channel: String,
    #[schema(max_length = 65536)]
    notes: Option<String>,
    /// Ids of packages of the draft or on their own: these and no others are the release.
    packages: Option<Vec<String>>,
    /// Files of the draft: these and no others are the release. Without either it is the draft, if this token has put all
    /// of it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<slipway_openapi::DraftFile>>)]
    files: Option<Vec<File>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create: Option<Create>,
    /// Whether what is odd is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

/// Publishes a draft that is the token's own, or exactly the packages or files that are named. 201 when it is published,
/// 202 when it goes on.
#[utoipa::path(
    post,
    path = "/api/v1/apps/{app}/releases",
    operation_id = "publish_release",
    tag = "releases",
    summary = "Publish a version",
    description = "Publishes the draft of the version, if this token has put all of it there; or exactly the packages that are named by their ids, of the draft or on their own; or exactly the files of the draft that are named by name and digest. What else lies in the draft leaves it and is a package on its own. Waits until it is published, 60 seconds unless `Prefer` says otherwise. Scope: `release`.",
    params(AppPath, IdempotencyKey, Prefer),
    request_body = Publish,
    responses(
        Documents,
        (status = 200, description = "It is published, and left the channel when that was rolled back: it stays out, and a warning says so.", body = public::Release),
        (status = 201, description = "It is published: every download instance serves it, but those that `pending` names.", body = public::Release, headers(("Location" = String, description = "Its address."))),
        (status = 202, description = "It goes on by itself; `reason` says what it waits for.", body = public::Release, headers(("Location" = String, description = "Its address."))),
        (status = 403, description = "`scope_missing`, `token_of_another_app`. `quota_exceeded`: the app would hold more than it may; `quota` names what (`bytes`, `releases`, `drafts`), `limit` and `used` how much.", body = ProblemDocument, content_type = PROBLEM),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no draft of this version. `package_unknown`. `channel_unknown`: there is no such channel, and `\"create\": \"channel\"` was not said; `nearest` is the name that was most likely meant, or null.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`draft_mixed`: the draft holds files that other tokens put there; the member `files` lists all of it, ready to be sent back without what is not meant. `draft_differs`: a file that was named is not there, or has other bytes; `files` lists what is. `release_published`: the version is released and never changes. `version_exists`: an equal version has another spelling, the release has another file of this name, or it failed and its files are fixed. `package_taken`: the package belongs to another release. `release_deleted`: the version was deleted, and stays taken.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`release_failed`: it was not published, for the reason given; `…/retry` tries again. `release_empty`: it has no packages. `version_invalid`, `notes_too_long`, `idempotency_key_reused`. `channel_invalid`: it is no slug, or one of latest, all, report and omaha. `text_refused`: the notes hold control, direction or unseen characters; line ends may stay. `strict_refused`: something is odd, listed in `warnings`, and was to be refused.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn publish(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(app): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Publish>,
) -> Result<Response, Error> {
    actor.permit(Scope::Release, Some(&app))?;
    switch::check(&state)?;
    let channel = text::channel(&body.channel)?;
    let (packages, files) = (body.packages.as_deref(), body.files.as_deref());
    let choice = Choice::of(&actor.grant.id, packages, files)?;
    let notes = body.notes.as_deref().map(text::prose).transpose()?;
    let request = Request {
        headers: &headers,
        operation: &format!("publish {app}"),
        body: &body,
    };
    let wish = Wish {
        body: &body,
        place: Place {
            channel: &channel,
            create: body.create.is_some(),
            asked: None,
        },
        choice,
        notes: notes.as_deref(),
        token_id: &actor.grant.id,
    };
    let again = async |db: &mut AnyConnection| {
        let release = find_to_change(db, &app, &body.version).await?;
        Ok(Published {
            release: release.id,
            stays_out: false,
        })
    };
    let write = Write {
        state: &state,
        actor: &actor,
        scope: Scope::Release,
        app: Some(&app),
    };
    let effect = async |db: &mut AnyConnection| wish.fulfil(&state, db, &app).await;
    let published = write.once(request, effect, again).await?;
    if published.stays_out {
        return Ok(Json(applied(&state, &published.release).await?).into_response());
    }
    answer_when_settled(&state, &published.release, &headers).await
}

/// What somebody wants to publish.
struct Wish<'a> {
    body: &'a Publish,
    place: Place<'a>,
    choice: Choice<'a>,
    notes: Option<&'a str>,
    token_id: &'a str,
}

/// What has become of a wish.
#[derive(Deserialize, Serialize)]
struct Published {
    /// The id of the release.
    release: String,
    /// It left the channel at a roll-back, and nothing was done.
    stays_out: bool,
}

impl Wish<'_> {
    async fn fulfil(
        &self,
        state: &CatalogState,
        db: &mut AnyConnection,
        app: &str,
    ) -> Result<Done<Published>, Error> {
        let release = if let Choice::Packages(_) = self.choice {
            let version = text::version(&self.body.version)?;
            draft::find_or_make(db, app, &version, Speller::Releaser).await?
        } else {
            find_to_change(db, app, &self.body.version).await?
        };
        let left = channels::left_of(db, &release, self.place.channel).await?;
        let asked = rules::release::ask(release.facts(), left.is_some())?;
        let mut odd = Vec::from_iter(left);
        if asked == Asked::StaysOut {
            refuse_odd(self.body.strict, &odd)?;
            return Ok(Done {
                made: Published {
                    release: release.id,
                    stays_out: true,
                },
                audit: None,
            });
        }
        quota::check_release(state, db, &release).await?;
        choice::choose(db, &release, self.choice).await?;
        odd.splice(..0, history::judge_release(db, &release).await?);
        refuse_odd(self.body.strict, &odd)?;
        draft::note(db, &release, self.token_id, self.notes).await?;
        draft::publish(db, &release, self.place).await?;
        Ok(Done {
            audit: Some(Entry::new(
                Some(app),
                "release.publish",
                release.version.as_str(),
            )),
            made: Published {
                release: release.id,
                stays_out: false,
            },
        })
    }
}

/// A page of releases, and which.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Search {
    /// Items of a page, 1 to 200; what lies outside is taken as the nearest.
    #[param(default = 50)]
    limit: Option<i64>,
    /// `next` of the page before.
    #[serde(default)]
    #[param(required = false)]
    cursor: String,
    /// In version, notes and file names.
    #[serde(default)]
    #[param(required = false)]
    q: String,
    #[serde(default)]
    #[param(required = false)]
    state: String,
    #[serde(default)]
    #[param(required = false)]
    channel: String,
}

impl Search {
    fn filter(&self) -> Result<Filter<'_>, refusal::Request> {
        let is_state = Stage::KNOWN
            .iter()
            .any(|state| state.as_str() == self.state);
        if !self.state.is_empty() && !is_state {
            return Err(refusal::Request::StateUnknown(self.state.clone()));
        }
        Ok(Filter {
            like: Like::holding(self.q.trim()),
            state: &self.state,
            channel: &self.channel,
        })
    }
}

#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}/releases",
    operation_id = "list_releases",
    tag = "releases",
    summary = "List the releases",
    description = "Newest first, those that were deleted too. Scope: `read`.",
    params(AppPath, Search),
    responses(
        Reading,
        (status = 200, description = "A page of releases, the newest first.", body = Listing<public::Release>),
        (status = 400, description = "`parameter_unknown`, `query_invalid`. `state_unknown`: it is none of the states.", body = ProblemDocument, content_type = PROBLEM),
        (status = 404, description = "`app_unknown`: there is no such app.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiPath(app): ApiPath<String>,
    ApiQuery(query): ApiQuery<Search>,
) -> Result<Json<Items<public::Release>>, Error> {
    actor.permit(Scope::Read, Some(&app))?;
    let filter = query.filter()?;
    let limit = list::limit(query.limit);
    let mut connection = state.database.read().await?;
    crate::app::find(&mut connection, &app).await?;
    let rows = releases::list(&mut connection, (&app, &filter), &query.cursor, limit).await?;
    let full = i64::try_from(rows.len()).unwrap_or(0) >= limit;
    let next = rows.last().filter(|_| full).map(|row| row.id.clone());
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        items.push(render::release(&state, &mut connection, row).await?);
    }
    Ok(Json(Items { items, next }))
}

#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}/releases/{version}",
    operation_id = "show_release",
    tag = "releases",
    summary = "Show a release",
    description = "Scope: `read`.",
    params(ReleasePath),
    responses(
        Reading,
        (status = 200, description = "The release, found by any spelling of its version that is equal in order. One that was deleted has the state `deleted` and neither packages nor notes.", body = public::Release),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`version_invalid`: a `+` of the version came as a space; write it `%2B`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Json<public::Release>, Error> {
    actor.permit(Scope::Read, Some(&app))?;
    let mut connection = state.read_by_version().await?;
    let release = find(&mut connection, &app, &version).await?;
    Ok(Json(
        render::release(&state, &mut connection, &release).await?,
    ))
}

/// What is deleted while some have not heard of it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what [`deleted`] writes")]
struct DeletedRelease {
    version: slipway_contract::Version,
    /// Services that have not heard of it yet.
    pending: Vec<String>,
}

/// Deletes a release: of a draft nothing is left and its version is free, of every other its version is left, for ever.
/// What [`removal::release`] says decides who may. The same again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/apps/{app}/releases/{version}",
    operation_id = "delete_release",
    tag = "releases",
    summary = "Delete a release",
    description = "A draft is gone with its packages, and its version is free. Every other release becomes `deleted`, for ever: it is gone from `latest`, channels and page, its files are removed, their exact addresses answer 410 `deleted`, and its version stays taken. The same again is answered alike. Scope: `admin` for what was ever published, `release` for everything else; a token with `upload` may delete a draft that it has put there alone.",
    params(ReleasePath),
    responses(
        Writing,
        (status = 200, description = "It is deleted; the services that `pending` names have not heard of it yet.", body = DeletedRelease),
        (status = 204, description = "It is deleted."),
        (status = 403, description = "`scope_missing`: what was published is deleted by an administrator alone, and yanked with `release`. `token_of_another_app`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`version_invalid`: a `+` of the version came as a space; write it `%2B`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn delete(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Response, Error> {
    let releaser = actor.permit(Scope::Release, Some(&app)).is_ok();
    let scope = if releaser {
        Scope::Release
    } else {
        Scope::Upload
    };
    actor.permit(scope, Some(&app))?;
    let mut transaction = actor.change(&state, scope, Some(&app)).await?;
    let release = match find_to_change(&mut transaction, &app, &version).await {
        Err(Error::Refused(Refusal::Release(refusal::Release::Unknown(version)))) => {
            return if removal::was_deleted(&mut transaction, &app, &version).await? {
                Ok(StatusCode::NO_CONTENT.into_response())
            } else {
                Err(refusal::Release::Unknown(version).into())
            };
        }
        found => found?,
    };
    let seq = removal::release(&mut transaction, &release, &actor.grant, actor.by()).await?;
    state.commit(transaction).await?;
    deleted(&state, seq, json!({"version": release.version})).await
}

/// Sends a failed release on its way again.
#[utoipa::path(
    post,
    path = "/api/v1/apps/{app}/releases/{version}/retry",
    operation_id = "retry_release",
    tag = "releases",
    summary = "Try a failed release again",
    description = "Scope: `release`.",
    params(ReleasePath, IdempotencyKey, Prefer),
    responses(
        Writing,
        (status = 201, description = "It is published.", body = public::Release, headers(("Location" = String, description = "Its address."))),
        (status = 202, description = "It goes on by itself.", body = public::Release, headers(("Location" = String, description = "Its address."))),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`release_not_failed`: only a failed release can be retried.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`release_failed`: it failed again, for the reason given. `idempotency_key_reused`. `version_invalid`: a `+` of the version came as a space; write it `%2B`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn retry(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    actor.permit(Scope::Release, Some(&app))?;
    switch::check(&state)?;
    let request = Request {
        headers: &headers,
        operation: &format!("retry {app} {version}"),
        body: &(),
    };
    let effect = async |db: &mut AnyConnection| {
        let release = find_to_change(db, &app, &version).await?;
        let way = rules::release::retry(release.facts())?;
        release::send(db, &release, way).await?;
        Ok(Done {
            audit: Some(Entry::new(
                Some(&app),
                "release.retry",
                release.version.as_str(),
            )),
            made: release.id,
        })
    };
    let again = async |db: &mut AnyConnection| Ok(find_to_change(db, &app, &version).await?.id);
    let write = Write {
        state: &state,
        actor: &actor,
        scope: Scope::Release,
        app: Some(&app),
    };
    let id = write.once(request, effect, again).await?;
    answer_when_settled(&state, &id, &headers).await
}
