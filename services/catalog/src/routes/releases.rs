//! `/api/v1/apps/{app}/releases`. One file a method; what changes a published one is in [`super::published`].

mod delete;
mod list;
mod publish;
mod retry;
mod show;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::published;
use crate::state::CatalogState;

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, publish::publish))
        .routes(routes!(show::show, published::edit, delete::delete))
        .routes(routes!(retry::retry))
}
