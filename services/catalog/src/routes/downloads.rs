//! `/api/v1/apps/{app}/releases/{version}/downloads`: what the download service has counted.

use axum::Json;
use axum::extract::State;
use http::Method;
use serde_json::Value;
use slipway_contract::grant::Scope;
use slipway_contract::public;
use slipway_openapi::parameters::ReleasePath;
use slipway_openapi::{PROBLEM, ProblemDocument, Reading};
use slipway_runtime::http::json::{ApiPath, NoQuery};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::permission::Actor;
use crate::state::CatalogState;
use crate::{refusal, release};

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new().routes(routes!(show))
}

/// What the download service answers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what is passed on")]
struct Downloads {
    items: Vec<Downloaded>,
    /// Names of files that were found damaged in the store. They are not served until the operator has put them back.
    #[schema(required = false)]
    damaged: Vec<String>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what is passed on")]
struct Downloaded {
    filename: String,
    #[schema(minimum = 0)]
    downloads: i64,
}

#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}/releases/{version}/downloads",
    operation_id = "show_downloads",
    tag = "releases",
    summary = "Show how often a release was downloaded",
    description = "Scope: `read`.",
    params(ReleasePath),
    responses(
        Reading,
        (status = 200, description = "Downloads by file.", body = Downloads),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 503, description = "`download_unavailable`: the download service, which counts, does not answer. `database_unavailable`.", body = ProblemDocument, content_type = PROBLEM, headers(("Retry-After" = i64, description = "Seconds."))),
        (status = 422, description = "`version_invalid`: a `+` of the version came as a space; write it `%2B`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Json<Value>, Error> {
    actor.permit(Scope::Read, Some(&app))?;
    let mut connection = state.read_by_version().await?;
    let release = release::find(&mut connection, &app, &version).await?;
    drop(connection);
    let path = public::downloads_path(&app, release.version.as_str());
    let counts: Value = state
        .peers
        .client
        .call("download", Method::GET, &path, None::<&()>)
        .await
        .map_err(|error| Error::with_cause(refusal::Request::DownloadAway, error))?;
    Ok(Json(counts))
}
