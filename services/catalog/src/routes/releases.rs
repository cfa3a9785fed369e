//! `/api/v1/apps/{app}/releases`

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_packages::shown::{self, TextError};
use slipway_service::http::json::{ApiJson, ApiPath, ApiQuery};
use slipway_service::token::Scope;
use slipway_service::{Problem, api, clock};
use sqlx::AnyConnection;

use super::idempotency::{Turn, turn};
use super::settling::{answer_when_settled, applied};
use super::{Items, List, NoQuery, render};
use crate::choice::{self, Choice, File};
use crate::draft::Speller;
use crate::permission::Actor;
use crate::release::{Refused, State as Stage};
use crate::store::{apps, releases};
use crate::{CatalogState, draft, feed, removal};

/// Characters of notes: a long page.
const MAX_NOTES: usize = 64 * 1024;

pub(super) fn router() -> Router<CatalogState> {
    Router::new()
        .route("/api/v1/apps/{app}/releases", get(list).post(publish))
        .route(
            "/api/v1/apps/{app}/releases/{version}",
            get(show).delete(delete),
        )
        .route("/api/v1/apps/{app}/releases/{version}/yank", post(yank))
        .route("/api/v1/apps/{app}/releases/{version}/retry", post(retry))
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Publish {
    version: String,
    channel: String,
    notes: Option<String>,
    /// Ids of packages of the draft or on their own: these and no others are the release.
    packages: Option<Vec<String>>,
    /// Files of the draft: these and no others are the release. Without either it is the draft, if this token has put all
    /// of it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<File>>,
}

impl Publish {
    fn choice<'a>(&'a self, token: &'a str) -> Result<Choice<'a>, Problem> {
        match (&self.packages, &self.files) {
            (None, None) => Ok(Choice::Own(token)),
            (Some(ids), None) => Ok(Choice::Packages(ids)),
            (None, Some(files)) => Ok(Choice::Files(files)),
            (Some(_), Some(_)) => Err(Problem::bad_request(
                "choice_ambiguous",
                "name what is released once: as \"packages\" or as \"files\"",
            )),
        }
    }
}

/// Publishes a draft that is the token's own, or exactly the packages or files that are named. 201 when it is published,
/// 202 when it goes on.
async fn publish(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(app): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Publish>,
) -> Result<Response, Problem> {
    actor.permit(Scope::Release, Some(&app))?;
    let channel = draft::parse_channel(&body.channel)?;
    let choice = body.choice(&actor.grant.id)?;
    let notes = body.notes.as_deref().map(prose).transpose()?;
    let mut transaction = actor.change(&state, Scope::Release, Some(&app)).await?;
    let turn = turn(
        &mut transaction,
        &actor,
        &headers,
        &format!("publish {app}"),
        &body,
    )
    .await?;
    let release = match choice {
        Choice::Packages(_) if turn == Turn::First => {
            let version = draft::parse_version(&body.version)?;
            draft::find_or_make(&mut transaction, &app, &version, Speller::Releaser).await?
        }
        _ => find_to_change(&mut transaction, &app, &body.version).await?,
    };
    if turn == Turn::First {
        if !release.state().map_err(Problem::internal)?.is_open() {
            return Err(Refused::Released(release.version).into());
        }
        choice::choose(&mut transaction, &release, &choice).await?;
        if let Some(notes) = &notes {
            releases::set_notes(&mut transaction, &release.id, notes).await?;
        }
        draft::publish(&mut transaction, &release, &channel).await?;
        actor
            .audit(
                &mut transaction,
                "release.publish",
                Some(&app),
                &release.version,
            )
            .await?;
        state.commit(transaction).await?;
    } else {
        drop(transaction);
    }
    answer_when_settled(&state, &release.id, &headers).await
}

/// Notes or a reason as they are kept.
fn prose(text: &str) -> Result<String, Problem> {
    shown::prose(text, MAX_NOTES).map_err(|error| match error {
        TextError::TooLong(..) => Problem::unprocessable(
            "notes_too_long",
            "notes are 65,536 characters at most: shorten them",
        ),
        error => Problem::unprocessable(
            "text_refused",
            format!("the text is refused: {error}; leave that out"),
        ),
    })
}

async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiPath(app): ApiPath<String>,
    ApiQuery(query): ApiQuery<List>,
) -> Result<Json<Items<api::Release>>, Problem> {
    actor.permit(Scope::Read, Some(&app))?;
    let mut connection = state.database.read().await?;
    if apps::get(&mut connection, &app).await?.is_none() {
        return Err(Refused::AppUnknown(app).into());
    }
    let rows = releases::list(&mut connection, &app, &query.cursor, query.limit()).await?;
    let full = i64::try_from(rows.len()).unwrap_or(0) >= query.limit();
    let next = rows.last().filter(|_| full).map(|row| row.id.clone());
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        items.push(render::release(&state, &mut connection, row).await?);
    }
    Ok(Json(Items { items, next }))
}

async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Json<api::Release>, Problem> {
    actor.permit(Scope::Read, Some(&app))?;
    let mut connection = state.database.read().await?;
    let release = find(&mut connection, &app, &version).await?;
    Ok(Json(
        render::release(&state, &mut connection, &release).await?,
    ))
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Yank {
    reason: String,
}

/// Takes a published release back. Its version stays taken for ever.
async fn yank(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Yank>,
) -> Result<Json<api::Release>, Problem> {
    actor.permit(Scope::Release, Some(&app))?;
    if body.reason.trim().is_empty() {
        return Err(Problem::unprocessable(
            "reason_missing",
            "say in the reason why users must not take it any more",
        ));
    }
    let reason = prose(&body.reason)?;
    let mut transaction = actor.change(&state, Scope::Release, Some(&app)).await?;
    let turn = turn(
        &mut transaction,
        &actor,
        &headers,
        &format!("yank {app} {version}"),
        &body,
    )
    .await?;
    let release = find_to_change(&mut transaction, &app, &version).await?;
    if turn == Turn::First {
        check_published(&release, "yanked")?;
        let (change, now) = ((Stage::Published, Stage::Yanked), clock::unix_millis());
        let reason = Some(reason.as_str());
        releases::advance(&mut transaction, &release.id, change, reason, now).await?;
        actor
            .audit(
                &mut transaction,
                "release.yank",
                Some(&app),
                &release.version,
            )
            .await?;
        state.commit(transaction).await?;
    } else {
        drop(transaction);
    }
    Ok(Json(applied(&state, &release.id).await?))
}

/// Deletes a draft and its packages; its version is free. A token without the scope release may delete what it has put
/// there alone.
async fn delete(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Response, Problem> {
    let releaser = actor.permit(Scope::Release, Some(&app)).is_ok();
    let scope = if releaser {
        Scope::Release
    } else {
        Scope::Upload
    };
    actor.permit(scope, Some(&app))?;
    let mut transaction = actor.change(&state, scope, Some(&app)).await?;
    let release = find_to_change(&mut transaction, &app, &version).await?;
    let seq = removal::draft(&mut transaction, &release, &actor.grant, actor.by()).await?;
    state.commit(transaction).await?;
    // Upload decides by its copy: it must not refuse the same names any more.
    let pending = feed::applied_by_all(&state, seq).await?;
    if pending.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Json(json!({"version": release.version, "pending": pending})).into_response())
}

/// Sends a failed release on its way again.
async fn retry(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    actor.permit(Scope::Release, Some(&app))?;
    let mut transaction = actor.change(&state, Scope::Release, Some(&app)).await?;
    let release = find_to_change(&mut transaction, &app, &version).await?;
    let stage = release.state().map_err(Problem::internal)?;
    if stage != Stage::Failed {
        return Err(Refused::NotFailed {
            version: release.version,
            state: stage,
        }
        .into());
    }
    draft::start(&mut transaction, &release, stage).await?;
    actor
        .audit(
            &mut transaction,
            "release.retry",
            Some(&app),
            &release.version,
        )
        .await?;
    state.commit(transaction).await?;
    answer_when_settled(&state, &release.id, &headers).await
}

/// Refuses what only a published release can be: `change` says what.
pub(super) fn check_published(
    release: &releases::Release,
    change: &'static str,
) -> Result<(), Problem> {
    let state = release.state().map_err(Problem::internal)?;
    if state == Stage::Published {
        return Ok(());
    }
    let version = release.version.clone();
    Err(Refused::NotPublished {
        version,
        state,
        change,
    }
    .into())
}

/// The release of a version in any spelling that is equal in order.
pub(super) async fn find(
    db: &mut AnyConnection,
    app: &str,
    version: &str,
) -> Result<releases::Release, Problem> {
    if apps::get(db, app).await?.is_none() {
        return Err(Refused::AppUnknown(app.to_owned()).into());
    }
    let unknown = || Refused::ReleaseUnknown(version.to_owned());
    let parsed = draft::parse_version(version).map_err(|_| unknown())?;
    let release = releases::by_version(db, app, parsed.order_key()).await?;
    Ok(release.ok_or_else(unknown)?)
}

/// The same, kept from everybody else until the transaction ends.
pub(super) async fn find_to_change(
    db: &mut AnyConnection,
    app: &str,
    version: &str,
) -> Result<releases::Release, Problem> {
    let release = find(db, app, version).await?;
    Ok(releases::lock(db, &release.id).await?)
}
