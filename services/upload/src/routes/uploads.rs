//! `/api/v1/apps/{app}/uploads`: a package in pieces, by tus 1.0 (<https://tus.io/protocols/resumable-upload>). One file a
//! method.

mod address;
mod append;
mod create;
mod end;
mod list;
mod offset;
mod options;
mod post;
mod show;

use axum::middleware::map_response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::routes::tus;
use crate::state::UploadState;

pub(super) fn router() -> OpenApiRouter<UploadState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create, options::options))
        .routes(routes!(
            show::show,
            offset::offset,
            append::append,
            end::end,
            post::by_another_method,
            options::options_of_one
        ))
        .layer(map_response(tus::resumable))
}
