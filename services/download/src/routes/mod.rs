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
mod problem;
pub(crate) mod rereads;

use axum::middleware::map_response;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use slipway_packages::Slug;
use slipway_service::Problem;
use sqlx::AnyConnection;
use utoipa_axum::router::OpenApiRouter;

use crate::DownloadState;
use crate::store::apps::{self, App};

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

/// What an address that never changes its content may be kept for: short, so that a yank is soon everywhere.
const CACHEABLE: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// A package may be an HTML page in disguise: opened in place, it gets no origin, no script and nothing to load.
const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// Nothing is guessed from content, and a refusal is not kept by caches: a cached 404 would hide a new release.
async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The app of an address; 404 `app_unknown`, or 410 `deleted` for ever.
async fn find_app(connection: &mut AnyConnection, slug: &str) -> Result<App, Problem> {
    let found = match slug.parse::<Slug>() {
        Ok(slug) => apps::find(connection, slug.as_str()).await?,
        Err(_) => None,
    };
    let app = found.ok_or_else(|| {
        problem::not_found(
            "app_unknown",
            "there is no app of this name here: check its spelling",
        )
    })?;
    if app.is_deleted() {
        return Err(problem::deleted(
            "this app was deleted by its publisher, with all of its versions",
        ));
    }
    Ok(app)
}
