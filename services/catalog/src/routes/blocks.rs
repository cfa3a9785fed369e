//! `/internal/blocks`: the digest of the list of a file's blocks, for packages that were taken before there were lists.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use slipway_contract::Digest;
use slipway_contract::internal::FileBlocks;
use slipway_openapi::{InternalWriting, PROBLEM, ProblemDocument};
use slipway_runtime::http::json::ApiJson;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::refusal;
use crate::rules::delivery::check_blocks;
use crate::state::CatalogState;
use crate::store::{packages, releases};

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new().routes(routes!(take))
}

/// Gives the list to every package of these bytes that has none, and puts their releases into the feed. A list that is
/// there is never changed: whoever could change it could have other bytes served.
#[utoipa::path(
    post,
    path = "/internal/blocks",
    operation_id = "give_blocks",
    request_body = FileBlocks,
    responses(
        InternalWriting,
        (status = 200, description = "Every package of these bytes has the list.", body = Object),
        (status = 404, description = "`package_unknown`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`blocks_differ`: there is another list.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`digest_invalid`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn take(
    State(state): State<CatalogState>,
    ApiJson(given): ApiJson<FileBlocks>,
) -> Result<Json<Value>, Error> {
    let digest = |text: &str| {
        text.parse::<Digest>()
            .map_err(|error| refusal::Delivery::DigestInvalid(error.to_string()))
    };
    let (sha256, blocks) = (digest(&given.sha256)?, digest(&given.blocks)?);
    let mut transaction = state.change().await?;
    let there = packages::of_bytes(&mut transaction, &sha256).await?;
    if there.is_empty() {
        return Err(refusal::Package::Unknown(given.sha256).into());
    }
    for package in &there {
        check_blocks(&package.id, package.blocks(), &blocks)?;
    }
    let mut concerned = Vec::new();
    for package in there.iter().filter(|package| package.blocks().is_none()) {
        packages::set_blocks(&mut transaction, &package.id, &blocks).await?;
        concerned.extend(package.release_id.as_deref());
    }
    concerned.sort_unstable();
    concerned.dedup();
    for release in concerned {
        // One that is in the feed: a draft goes there with what it has by then. Locked, so that it is not on its way there
        // just now without the list.
        if releases::lock(&mut transaction, release).await?.seq > 0 {
            releases::touch(&mut transaction, release).await?;
        }
    }
    state.commit(transaction).await?;
    Ok(Json(json!({})))
}
