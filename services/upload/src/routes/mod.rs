//! One file per resource: request, handler, response.

mod form;
mod packages;
mod storage;
mod tus;
mod uploading;
mod uploads;

use utoipa_axum::router::OpenApiRouter;

use crate::state::UploadState;

pub(crate) fn router() -> OpenApiRouter<UploadState> {
    OpenApiRouter::new()
        .merge(form::router())
        .merge(packages::router())
        .merge(storage::router())
        .merge(uploads::router())
}
