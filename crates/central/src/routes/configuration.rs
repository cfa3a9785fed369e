//! `/internal/configuration`: what instances say of their configuration, and what they are told.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::routing::put;
use axum::{Json, Router};
use serde::Deserialize;
use slipway_contract::configuration::{Offer, Standing};
use slipway_contract::holder::Holder;
use slipway_runtime::http::caller::Caller;
use slipway_runtime::http::json::{ApiJson, ApiPath, ApiQuery};
use uuid::Uuid;

use crate::error::Error;
use crate::state::CentralState;

/// Longest time that a poll is held.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Bytes of what an instance says: its schema is most of it, and has a tenth.
const MAX_STANDING: usize = 512 * 1024;

pub(super) fn router() -> Router<CentralState> {
    Router::new()
        .route("/internal/configuration/{instance}", put(follow))
        .layer(DefaultBodyLimit::max(MAX_STANDING))
}

#[cfg(feature = "schema")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(follow))]
pub(super) struct Description;

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
struct Poll {
    /// Seconds to wait for a revision that the instance has not seen.
    #[serde(default)]
    #[cfg_attr(feature = "schema", param(required = false))]
    wait: u64,
}

/// What an instance says of its configuration; answered with its documents, at once when there is a revision that it has not
/// seen, else when there is one or the wait is over.
#[cfg_attr(
    feature = "schema",
    utoipa::path(
        put,
        path = "/internal/configuration/{instance}",
        operation_id = "follow_configuration",
        params(("instance" = String, Path, format = "uuid"), Poll),
        request_body = Standing,
        responses(slipway_openapi::InternalWriting, (status = 200, description = "The documents of the asking service in its environment.", body = Offer)),
    )
)]
async fn follow(
    State(state): State<CentralState>,
    Caller(caller): Caller,
    ApiPath(instance): ApiPath<String>,
    ApiQuery(poll): ApiQuery<Poll>,
    ApiJson(standing): ApiJson<Standing>,
) -> Result<Json<Offer>, Error> {
    Uuid::try_parse(&instance).map_err(|_| Error::Instance)?;
    let central = &state.central;
    let mut head = central.head();
    let holder = Holder {
        service: caller.to_string(),
        instance,
    };
    central.hear(&holder, &standing).await?;
    let news = async { while !central.has_news(&standing) && head.changed().await.is_ok() {} };
    tokio::select! {
        () = news => {}
        () = tokio::time::sleep(Duration::from_secs(poll.wait).min(LONGEST_WAIT)) => {}
        () = state.process.draining.cancelled() => {}
    }
    let offer = central.offer(&caller, &standing.environment).await?;
    Ok(Json(offer))
}
