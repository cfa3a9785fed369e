//! One file per resource: request, handler, response.

mod form;
mod packages;
mod storage;
mod tus;
mod uploads;

use axum::Router;

use crate::UploadState;

pub(crate) fn router() -> Router<UploadState> {
    Router::new()
        .merge(form::router())
        .merge(packages::router())
        .merge(storage::router())
        .merge(uploads::router())
}
