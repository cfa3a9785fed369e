//! One file per resource: request, handler, response.

mod apps;
mod audit;
mod blocks;
mod changes;
mod channels;
mod downloads;
mod openapi;
mod packages;
mod published;
mod releases;
mod removals;
mod render;
mod restore;
mod settling;
mod storage;
mod tokens;
mod write;

use utoipa_axum::router::OpenApiRouter;

use crate::state::CatalogState;

pub(crate) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new()
        .merge(apps::router())
        .merge(audit::router())
        .merge(blocks::router())
        .merge(changes::router())
        .merge(channels::router())
        .merge(downloads::router())
        .merge(openapi::router())
        .merge(packages::router())
        .merge(published::router())
        .merge(releases::router())
        .merge(removals::router())
        .merge(restore::router())
        .merge(storage::router())
        .merge(tokens::router())
}
