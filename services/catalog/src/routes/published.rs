//! What may change of a release whose bytes never do: its notes, and whether it is offered.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::{Deserialize, Deserializer, Serialize};
use slipway_openapi::parameters::{IdempotencyKey, ReleasePath};
use slipway_openapi::{Documents, PROBLEM, ProblemDocument};
use slipway_service::http::json::{ApiJson, ApiPath};
use slipway_service::token::Scope;
use slipway_service::{Problem, api, clock};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::NoQuery;
use super::idempotency::{Turn, turn};
use super::releases::{check_published, find_to_change};
use super::settling::applied;
use crate::permission::Actor;
use crate::release::{Refused, State as Stage};
use crate::store::{audit, draft_notes, releases};
use crate::{CatalogState, draft};

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

/// A member of a change; `null` takes away what is there, and what is not named stays as it is (RFC 7396).
#[derive(Default)]
pub(super) enum Given<T> {
    #[default]
    No,
    Yes(Option<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::Yes)
    }
}

/// Refuses a change that names nothing to change.
pub(super) fn nothing_to_change(names: &str) -> Problem {
    Problem::unprocessable(
        "change_missing",
        format!("nothing to change is named: send {names}"),
    )
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
        (status = 200, description = "The release as it is now; the install page shows it too.", body = api::Release),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`release_deleted`: only its version is left.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`change_missing`: no notes are named. `notes_too_long`. `text_refused`: they hold control, direction or unseen characters.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn edit(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
    ApiJson(body): ApiJson<Edit>,
) -> Result<Json<api::Release>, Problem> {
    actor.permit(Scope::Release, Some(&app))?;
    let Given::Yes(notes) = body.notes else {
        return Err(nothing_to_change("\"notes\""));
    };
    let notes = notes.as_deref().map(draft::prose).transpose()?;
    let notes = notes.as_deref().filter(|notes| !notes.trim().is_empty());
    let mut transaction = actor.change(&state, Scope::Release, Some(&app)).await?;
    let release = find_to_change(&mut transaction, &app, &version).await?;
    let stage = release.state().map_err(Problem::internal)?;
    if stage == Stage::Deleted {
        return Err(Refused::Deleted(release.version).into());
    }
    if stage.is_open() {
        // Those that came with its packages would take the place of what was decided since.
        draft_notes::forget(&mut transaction, &release.id).await?;
    }
    if release.notes.as_deref() != notes {
        releases::set_notes(&mut transaction, &release.id, notes).await?;
        // A draft is told to nobody.
        if !draft::is_draft(&release)? {
            releases::touch(&mut transaction, &release.id).await?;
        }
        let subject = &release.version;
        actor
            .audit(&mut transaction, "release.edit", Some(&app), subject)
            .await?;
    }
    state.commit(transaction).await?;
    Ok(Json(applied(&state, &release.id).await?))
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
        (status = 200, description = "It is gone from `latest`, feeds and page; its exact addresses answer 410 with the reason. The version stays taken.", body = api::Release),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`release_not_published`: only a published release can be yanked, and only once.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`reason_missing`: say why. `notes_too_long`, `idempotency_key_reused`. `text_refused`: it holds control, direction or unseen characters.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn yank(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(place): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Because>,
) -> Result<Json<api::Release>, Problem> {
    turn_over(&state, &actor, place, &headers, &body, Stage::Yanked).await
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
        (status = 200, description = "It is published again, in the channels that it is in, with the same bytes and signatures.", body = api::Release),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`release_not_yanked`: only a yanked release can be put back.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`reason_missing`: say why. `notes_too_long`, `idempotency_key_reused`. `text_refused`: it holds control, direction or unseen characters.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn unyank(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(place): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Because>,
) -> Result<Json<api::Release>, Problem> {
    turn_over(&state, &actor, place, &headers, &body, Stage::Published).await
}

/// Makes a published release yanked, or the other way round. The audit keeps the reason, which the release has only while
/// it is yanked.
async fn turn_over(
    state: &CatalogState,
    actor: &Actor,
    (app, version): (String, String),
    headers: &HeaderMap,
    body: &Because,
    to: Stage,
) -> Result<Json<api::Release>, Problem> {
    actor.permit(Scope::Release, Some(&app))?;
    let (verb, missing) = match to {
        Stage::Yanked => (
            "yank",
            "say in the reason why users must not take it any more",
        ),
        _ => ("unyank", "say in the reason why users may take it again"),
    };
    if body.reason.trim().is_empty() {
        return Err(Problem::unprocessable("reason_missing", missing));
    }
    let reason = draft::prose(&body.reason)?;
    let mut transaction = actor.change(state, Scope::Release, Some(&app)).await?;
    let operation = format!("{verb} {app} {version}");
    let turn = turn(&mut transaction, actor, headers, &operation, body).await?;
    let release = find_to_change(&mut transaction, &app, &version).await?;
    if turn == Turn::First {
        let (from, kept) = if to == Stage::Yanked {
            check_published(&release, "yanked")?;
            (Stage::Published, Some(reason.as_str()))
        } else {
            check_yanked(&release)?;
            (Stage::Yanked, None)
        };
        let now = clock::unix_millis();
        releases::advance(&mut transaction, &release.id, (from, to), kept, now).await?;
        let (action, subject) = (format!("release.{verb}"), (&*app, &*release.version));
        audit::insert_with_reason(&mut transaction, actor.by(), &action, subject, &reason).await?;
        state.commit(transaction).await?;
    } else {
        drop(transaction);
    }
    Ok(Json(applied(state, &release.id).await?))
}

fn check_yanked(release: &releases::Release) -> Result<(), Problem> {
    let state = release.state().map_err(Problem::internal)?;
    if state == Stage::Yanked {
        return Ok(());
    }
    let version = release.version.clone();
    Err(Refused::NotYanked { version, state }.into())
}
