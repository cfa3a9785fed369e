//! What may change of a release whose bytes never do: its notes, and whether it is offered.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use slipway_contract::grant::Scope;
use slipway_contract::public;
use slipway_openapi::parameters::{IdempotencyKey, ReleasePath};
use slipway_openapi::{Documents, PROBLEM, ProblemDocument};
use slipway_runtime::http::json::{ApiJson, ApiPath, NoQuery};
use sqlx::AnyConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::settling::applied;
use super::write::{Done, Entry, Request, Write};
use crate::error::Error;
use crate::permission::Actor;
use crate::release::find_to_change;
use crate::rules::given::Given;
use crate::rules::release::{self as rules, Offer};
use crate::rules::text;
use crate::state::CatalogState;
use crate::{refusal, release};

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new()
        .routes(routes!(yank))
        .routes(routes!(unyank))
}

#[derive(Deserialize, ToSchema)]
#[schema(as = EditRelease)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit {
    /// `null`, or nothing but spaces: none.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 65536)]
    notes: Given<String>,
}

/// Gives a release other notes, in whatever state but `deleted`.
#[utoipa::path(
    patch,
    path = "/api/v1/apps/{app}/releases/{version}",
    operation_id = "edit_release",
    tag = "releases",
    summary = "Change a release",
    description = "Its notes, also when it is published; `null` takes them away. Scope: `release`.",
    params(ReleasePath),
    request_body = Edit,
    responses(
        Documents,
        (status = 200, description = "The release as it is now; the install page shows it too.", body = public::Release),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`release_deleted`: only its version is left.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`change_missing`: no notes are named. `notes_too_long`. `text_refused`: they hold control, direction or unseen characters. `version_invalid`: a `+` of the version came as a space; write it `%2B`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn edit(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
    ApiJson(body): ApiJson<Edit>,
) -> Result<Json<public::Release>, Error> {
    actor.permit(Scope::Release, Some(&app))?;
    let Given::Yes(notes) = body.notes else {
        return Err(refusal::Request::NothingToChange("\"notes\"").into());
    };
    let notes = notes.as_deref().map(text::prose).transpose()?;
    let notes = notes.as_deref().and_then(rules::some);
    let write = Write {
        state: &state,
        actor: &actor,
        scope: Scope::Release,
        app: Some(&app),
    };
    let edit = async |db: &mut AnyConnection| {
        let release = find_to_change(db, &app, &version).await?;
        let changed = release::edit(db, &release, notes).await?;
        let entry = || Entry::new(Some(&app), "release.edit", release.version.as_str());
        Ok(Done {
            audit: changed.then(entry),
            made: release.id,
        })
    };
    let id = write.run(edit).await?;
    Ok(Json(applied(&state, &id).await?))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = Reason)]
#[serde(deny_unknown_fields)]
struct Because {
    #[schema(min_length = 1, max_length = 65536)]
    reason: String,
}

/// Takes a published release back. Its version stays taken for ever.
#[utoipa::path(
    post,
    path = "/api/v1/apps/{app}/releases/{version}/yank",
    operation_id = "yank_release",
    tag = "releases",
    summary = "Take a published release back",
    description = "Scope: `release`.",
    params(ReleasePath, IdempotencyKey),
    request_body = Because,
    responses(
        Documents,
        (status = 200, description = "It is gone from `latest`, feeds and page; its exact addresses answer 410 with the reason. The version stays taken.", body = public::Release),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`release_not_published`: only a published release can be yanked, and only once.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`reason_missing`: say why. `notes_too_long`, `idempotency_key_reused`. `text_refused`: it holds control, direction or unseen characters. `version_invalid`: a `+` of the version came as a space; write it `%2B`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn yank(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(place): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Because>,
) -> Result<Json<public::Release>, Error> {
    turn_over(&state, &actor, place, &headers, &body, Offer::TakeBack).await
}

/// Offers a yanked release again, in the channels that it is in.
#[utoipa::path(
    post,
    path = "/api/v1/apps/{app}/releases/{version}/unyank",
    operation_id = "unyank_release",
    tag = "releases",
    summary = "Put a yanked release back",
    description = "Scope: `release`. The audit keeps the reason.",
    params(ReleasePath, IdempotencyKey),
    request_body = Because,
    responses(
        Documents,
        (status = 200, description = "It is published again, in the channels that it is in, with the same bytes and signatures.", body = public::Release),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`release_not_yanked`: only a yanked release can be put back.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`reason_missing`: say why. `notes_too_long`, `idempotency_key_reused`. `text_refused`: it holds control, direction or unseen characters. `version_invalid`: a `+` of the version came as a space; write it `%2B`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn unyank(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(place): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Because>,
) -> Result<Json<public::Release>, Error> {
    turn_over(&state, &actor, place, &headers, &body, Offer::GiveAgain).await
}

/// Makes a published release yanked, or the other way round. The audit keeps the reason, which the release has only while
/// it is yanked.
async fn turn_over(
    state: &CatalogState,
    actor: &Actor,
    (app, version): (String, String),
    headers: &HeaderMap,
    body: &Because,
    offer: Offer,
) -> Result<Json<public::Release>, Error> {
    actor.permit(Scope::Release, Some(&app))?;
    offer.check_reason(&body.reason)?;
    let reason = text::prose(&body.reason)?;
    let request = Request {
        headers,
        operation: &format!("{} {app} {version}", offer.verb()),
        body,
    };
    let effect = async |db: &mut AnyConnection| {
        let release = find_to_change(db, &app, &version).await?;
        release::turn_over(db, &release, offer, &reason).await?;
        let entry = Entry::new(Some(&app), offer.action(), release.version.as_str());
        Ok(Done {
            made: release.id,
            audit: Some(Entry {
                reason: Some(reason.clone()),
                ..entry
            }),
        })
    };
    let again = async |db: &mut AnyConnection| Ok(find_to_change(db, &app, &version).await?.id);
    let write = Write {
        state,
        actor,
        scope: Scope::Release,
        app: Some(&app),
    };
    let id = write.once(request, effect, again).await?;
    Ok(Json(applied(state, &id).await?))
}
