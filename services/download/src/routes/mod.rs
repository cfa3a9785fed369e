//! One file per resource.

pub(crate) mod counts;
mod files;
mod front;
mod icon;
mod keys;
mod latest;
mod offer;
mod older;
mod page;
pub(crate) mod rereads;

use axum::middleware::map_response;
use utoipa_axum::router::OpenApiRouter;

use crate::headers::guard;
use crate::state::DownloadState;

/// What end users fetch.
pub(crate) fn public() -> OpenApiRouter<DownloadState> {
    OpenApiRouter::new()
        .merge(files::router())
        .merge(latest::router())
        .merge(front::router())
        .merge(page::router())
        .merge(icon::router())
        .merge(keys::router())
        .layer(map_response(guard))
}
