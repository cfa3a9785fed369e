//! `/api/v1/config`: the central configuration, for operators.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use http::header::{ETAG, IF_MATCH};
use serde::Deserialize;
use slipway_configuration::history;
use slipway_configuration::{DocumentName, Documents};
use slipway_contract::configuration::{
    Changed, Compared, Configuration, Explained, InstanceConfiguration, Promotion, ProposedChange,
    Revision, Rollback,
};
use slipway_runtime::clock;
use slipway_runtime::http::json::{ApiJson, ApiQuery};
use slipway_runtime::http::list::{Items, List};
use sqlx::AnyConnection;

use crate::central::{number, state_at};
use crate::change::{Asked, Operator, Wanted};
use crate::error::Error;
use crate::explain;
use crate::state::CentralState;
use crate::store::revisions;

pub(super) fn router() -> Router<CentralState> {
    Router::new()
        .route("/api/v1/config", get(show))
        .route("/api/v1/config/changes", get(list).post(change))
        .route("/api/v1/config/promote", post(promote))
        .route("/api/v1/config/rollback", post(roll_back))
        .route("/api/v1/config/diff", get(compare))
        .route("/api/v1/config/explain", get(explained))
        .route("/api/v1/config/instances", get(instances))
}

#[cfg(feature = "schema")]
#[derive(utoipa::OpenApi)]
#[openapi(
    paths(show, list, change, promote, roll_back, compare, explained, instances),
    tags((name = "configuration"))
)]
pub(super) struct Description;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
struct Shown {
    /// As it was then; the newest by default.
    revision: Option<u64>,
}

#[cfg_attr(feature = "schema", utoipa::path(
    get,
    path = "/api/v1/config",
    operation_id = "get_configuration",
    tag = "configuration",
    summary = "Show all documents",
    description = "Scope: `operate`.",
    params(Shown),
    responses(slipway_openapi::Reading,
        (status = 200, description = "The documents; `ETag` is their revision, for `If-Match`.", body = Configuration, headers(("ETag" = String, description = "The revision."))),
        (status = 404, description = "`revision_unknown`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json")),
))]
async fn show(
    State(state): State<CentralState>,
    _: Operator,
    ApiQuery(query): ApiQuery<Shown>,
) -> Result<Response, Error> {
    let mut snapshot = state.central.opened()?.database.snapshot().await?;
    let revision = match query.revision {
        None => revisions::head(&mut snapshot).await?.unsigned_abs(),
        Some(revision) => revision,
    };
    let documents = documents_at(&mut snapshot, revision).await?;
    let told = Configuration {
        revision,
        environment: state.environment().to_owned(),
        documents: documents
            .into_iter()
            .map(|(name, content)| (name.to_string(), content))
            .collect(),
    };
    let tag = [(ETAG, format!("\"{revision}\""))];
    Ok((tag, Json(told)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
struct Doing {
    /// Only say what would be.
    #[serde(default)]
    #[cfg_attr(feature = "schema", param(required = false))]
    dry_run: bool,
}

#[cfg_attr(feature = "schema", utoipa::path(
    post,
    path = "/api/v1/config/changes",
    operation_id = "change_configuration",
    tag = "configuration",
    summary = "Change documents, all of them or none",
    description = "Scope: `operate`. Based on the revision in `If-Match`; of two that are based on the same one, the second is 409. Sent once more by the same token, it is answered as it was.",
    params(Doing, ("If-Match" = Option<String>, Header, description = "The revision that the change is based on, as `ETag` told it; without it 428.")),
    request_body = ProposedChange,
    responses(slipway_openapi::Documents,
        (status = 200, description = "What was changed, or would be.", body = Changed),
        (status = 409, description = "`revision_differs`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`configuration_refused`, naming `document`, `key` and `nearest`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "`revision_required`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json")),
))]
async fn change(
    State(state): State<CentralState>,
    operator: Operator,
    headers: HeaderMap,
    ApiQuery(doing): ApiQuery<Doing>,
    ApiJson(body): ApiJson<ProposedChange>,
) -> Result<Json<Changed>, Error> {
    let expected = based_on(&headers)?.ok_or(Error::RevisionRequired)?;
    let named = body.documents.into_iter();
    let proposal = named
        .map(|(name, content)| Ok((name.parse::<DocumentName>()?, content)))
        .collect::<Result<_, Error>>()?;
    let asked = Asked {
        wanted: Wanted::Documents(proposal),
        expected: Some(expected),
        reason: body.reason,
        dry_run: doing.dry_run,
    };
    Ok(Json(state.central.change(&operator, &asked).await?))
}

#[cfg_attr(feature = "schema", utoipa::path(
    post,
    path = "/api/v1/config/promote",
    operation_id = "promote_configuration",
    tag = "configuration",
    summary = "Give one environment what another has",
    description = "Scope: `operate`. All of it, or the named keys.",
    params(Doing, ("If-Match" = Option<String>, Header, description = "The revision that was looked at; without it, whatever there is.")),
    request_body = Promotion,
    responses(slipway_openapi::Documents,
        (status = 200, description = "What was changed, or would be.", body = Changed),
        (status = 409, description = "`revision_differs`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`configuration_refused`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "`revision_required`: `If-Match` names no revision.", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json")),
))]
async fn promote(
    State(state): State<CentralState>,
    operator: Operator,
    headers: HeaderMap,
    ApiQuery(doing): ApiQuery<Doing>,
    ApiJson(body): ApiJson<Promotion>,
) -> Result<Json<Changed>, Error> {
    for name in [&body.from, &body.to] {
        environment(name)?;
    }
    let asked = Asked {
        wanted: Wanted::Promotion {
            from: body.from,
            to: body.to,
            keys: body.keys,
        },
        expected: based_on(&headers)?,
        reason: body.reason,
        dry_run: doing.dry_run,
    };
    Ok(Json(state.central.change(&operator, &asked).await?))
}

#[cfg_attr(feature = "schema", utoipa::path(
    post,
    path = "/api/v1/config/rollback",
    operation_id = "roll_back_configuration",
    tag = "configuration",
    summary = "Make all documents what they were",
    description = "Scope: `operate`. A new revision with the old documents.",
    params(Doing, ("If-Match" = Option<String>, Header, description = "The revision that was looked at; without it, whatever there is.")),
    request_body = Rollback,
    responses(slipway_openapi::Documents,
        (status = 200, description = "What was changed, or would be.", body = Changed),
        (status = 404, description = "`revision_unknown`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`revision_differs`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`configuration_refused`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "`revision_required`: `If-Match` names no revision.", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json")),
))]
async fn roll_back(
    State(state): State<CentralState>,
    operator: Operator,
    headers: HeaderMap,
    ApiQuery(doing): ApiQuery<Doing>,
    ApiJson(body): ApiJson<Rollback>,
) -> Result<Json<Changed>, Error> {
    let asked = Asked {
        wanted: Wanted::Rollback(body.revision),
        expected: based_on(&headers)?,
        reason: body.reason,
        dry_run: doing.dry_run,
    };
    Ok(Json(state.central.change(&operator, &asked).await?))
}

#[cfg_attr(feature = "schema", utoipa::path(
    get,
    path = "/api/v1/config/changes",
    operation_id = "list_configuration_changes",
    tag = "configuration",
    summary = "List who changed what, and why",
    description = "Scope: `operate`. The newest first; kept for 90 days, and 50 of them at least.",
    params(slipway_openapi::parameters::PageQuery),
    responses(slipway_openapi::Reading,
        (status = 200, description = "A page of revisions.", body = slipway_openapi::Listing<Revision>)),
))]
async fn list(
    State(state): State<CentralState>,
    _: Operator,
    ApiQuery(query): ApiQuery<List>,
) -> Result<Json<Items<Revision>>, Error> {
    let mut snapshot = state.central.opened()?.database.snapshot().await?;
    let cursor = match query.cursor.as_str() {
        "" => i64::MAX,
        text => text.parse().map_err(|_| Error::CursorInvalid)?,
    };
    let rows = revisions::list(&mut snapshot, cursor, query.limit()).await?;
    let next = rows.last().map(|row| row.revision.to_string());
    let is_full = i64::try_from(rows.len()).unwrap_or(0) >= query.limit();
    let mut items = Vec::new();
    for row in rows {
        let before = revisions::documents(&mut snapshot, row.before).await?;
        let after = revisions::documents(&mut snapshot, row.revision).await?;
        items.push(Revision {
            revision: row.revision.unsigned_abs(),
            made_at: clock::rfc3339(row.made_at),
            by: row.token_name,
            action: row.action,
            reason: row.reason,
            differences: history::tell(&history::differences(&before, &after)),
        });
    }
    let next = next.filter(|_| is_full);
    Ok(Json(Items { items, next }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
struct Comparing {
    /// A revision, or an environment.
    from: String,
    /// The same; by default the newest revision.
    to: Option<String>,
}

#[cfg_attr(feature = "schema", utoipa::path(
    get,
    path = "/api/v1/config/diff",
    operation_id = "compare_configuration",
    tag = "configuration",
    summary = "Compare two revisions, or two environments",
    description = "Scope: `operate`.",
    params(Comparing),
    responses(slipway_openapi::Reading,
        (status = 200, description = "What differs.", body = Compared),
        (status = 404, description = "`revision_unknown`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`document_unknown`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json")),
))]
async fn compare(
    State(state): State<CentralState>,
    _: Operator,
    ApiQuery(query): ApiQuery<Comparing>,
) -> Result<Json<Compared>, Error> {
    let mut snapshot = state.central.opened()?.database.snapshot().await?;
    let head = revisions::head(&mut snapshot).await?.unsigned_abs();
    let to = query.to.unwrap_or_else(|| head.to_string());
    let differences =
        if let (Ok(before), Ok(after)) = (query.from.parse::<u64>(), to.parse::<u64>()) {
            let before = documents_at(&mut snapshot, before).await?;
            history::differences(&before, &documents_at(&mut snapshot, after).await?)
        } else {
            let (from, to) = (environment(&query.from)?, environment(&to)?);
            let now = state_at(&mut snapshot, number(head)).await?;
            history::environment_differences(&now.documents, from, to)
        };
    Ok(Json(Compared {
        from: query.from,
        to,
        differences: history::tell(&differences),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
struct Explaining {
    /// Such as `limits.package_bytes`.
    key: String,
    /// That of the registry by default.
    environment: Option<String>,
}

#[cfg_attr(feature = "schema", utoipa::path(
    get,
    path = "/api/v1/config/explain",
    operation_id = "explain_configuration",
    tag = "configuration",
    summary = "Tell where a value comes from",
    description = "Scope: `operate`.",
    params(Explaining),
    responses(slipway_openapi::Reading,
        (status = 200, description = "The layers that set it, for each service that has it.", body = Explained),
        (status = 422, description = "`configuration_refused`: there is no such setting.", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json")),
))]
async fn explained(
    State(state): State<CentralState>,
    _: Operator,
    ApiQuery(query): ApiQuery<Explaining>,
) -> Result<Json<Explained>, Error> {
    let mut snapshot = state.central.opened()?.database.snapshot().await?;
    let head = revisions::head(&mut snapshot).await?;
    let now = state_at(&mut snapshot, head).await?;
    let schemas = state.central.schemas(&mut snapshot).await?;
    let asked = query.environment.as_deref().unwrap_or(state.environment());
    let living = state.central.living();
    let told = explain::explain(&now, &schemas, &living, environment(asked)?, &query.key);
    told.map(Json).map_err(|refusal| Error::Refused {
        document: asked.to_owned(),
        refusal,
    })
}

#[cfg_attr(feature = "schema", utoipa::path(
    get,
    path = "/api/v1/config/instances",
    operation_id = "list_configured_instances",
    tag = "configuration",
    summary = "List what each instance has made of the configuration",
    description = "Scope: `operate`.",
    responses(slipway_openapi::Reading,
        (status = 200, description = "Those that follow now.", body = slipway_openapi::Listing<InstanceConfiguration>)),
))]
async fn instances(
    State(state): State<CentralState>,
    _: Operator,
) -> Json<Items<InstanceConfiguration>> {
    let living = state.central.living().into_iter();
    let items = living.map(|(holder, follower)| {
        let standing = follower.standing;
        InstanceConfiguration {
            service: holder.service,
            instance: holder.instance,
            environment: standing.environment,
            version: standing.version,
            applied: standing.applied,
            seen: standing.seen,
            refused: standing.refused,
            pending: standing.pending,
            ignored: standing.ignored,
        }
    });
    Json(Items {
        items: items.collect(),
        next: None,
    })
}

/// The revision in `If-Match` (RFC 9110, 13.1.1), as an entity tag or as a number.
fn based_on(headers: &HeaderMap) -> Result<Option<u64>, Error> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| Error::RevisionRequired)?;
    let number = text.trim().trim_matches('"').parse();
    number.map(Some).map_err(|_| Error::RevisionRequired)
}

fn environment(name: &str) -> Result<&str, Error> {
    match name.parse()? {
        DocumentName::Environment(_) => Ok(name),
        DocumentName::Base | DocumentName::Service { .. } => {
            Err(Error::NoEnvironment(name.to_owned()))
        }
    }
}

async fn documents_at(db: &mut AnyConnection, revision: u64) -> Result<Documents, Error> {
    let known = revisions::get(db, number(revision)).await?;
    let known = known.ok_or(Error::RevisionUnknown(revision))?;
    Ok(revisions::documents(db, known.revision).await?)
}
