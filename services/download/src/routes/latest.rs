//! `/d/{app}/latest/{platform}`: the way to the newest file for somebody's machine.

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use serde::Deserialize;
use slipway_contract::public::file_path;
use slipway_openapi::{PROBLEM, ProblemDocument, Public};
use slipway_runtime::http::json::{ApiPath, ApiQuery};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::lookup;
use crate::rules::{asked, listing};
use crate::state::DownloadState;
use crate::store::packages::{self, ChannelView};

pub(super) fn router() -> OpenApiRouter<DownloadState> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Other parameters are passed over: links get decorated on their way.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Query {
    /// Exactly this one before `universal`; without it `universal`, `x86_64`, `aarch64`, then by name. Synonyms are taken.
    #[serde(default)]
    #[param(required = false)]
    arch: String,
    /// Without it `stable`.
    #[serde(default)]
    #[param(required = false)]
    channel: String,
    /// Only packages of this kind.
    #[serde(default)]
    #[param(required = false)]
    kind: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read as a pair")]
struct Place {
    /// The app's slug.
    #[param(value_type = slipway_contract::Slug)]
    app: String,
    /// `android`, `ios`, `macos`, `windows`, `linux` or `harmony`, or what others call them.
    #[param(example = "linux")]
    platform: String,
}

/// 302 to the file: of the published releases in the channel that hold a fitting package, the highest version.
#[utoipa::path(
    get,
    path = "/d/{app}/latest/{platform}",
    operation_id = "find_latest",
    tag = "downloads",
    summary = "Find the newest file for a machine",
    description = "Of the published releases in the channel that hold a fitting package, the highest version. Parameters that are not known are passed over.",
    security(()),
    params(Place, Query),
    responses(
        Public,
        (status = 302, description = "The way to the file.", headers(("Location" = String, description = "A path on this host."), ("Cache-Control" = String, description = "`no-cache`"))),
        (status = 400, description = "`arch_unknown`, `kind_unknown`, `query_invalid`, `path_refused`, `path_invalid`, and what the gateway says of requests that could be read in more than one way.", body = ProblemDocument, content_type = PROBLEM),
        (status = 404, description = "`app_unknown`, `platform_unknown`, `channel_unknown`. `no_package`: nothing that is published fits.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`deleted`: it was deleted by its publisher, for ever.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<DownloadState>,
    ApiPath((app, platform)): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<Query>,
) -> Result<impl IntoResponse, Error> {
    let mut connection = state.database.read().await?;
    let app = lookup::app(&mut connection, &app).await?;
    let wanted = asked::wanted(&platform, &query.arch, &query.kind)?;
    let channel =
        lookup::channel(&mut connection, state.audience, &app.slug, &query.channel).await?;
    let view = ChannelView {
        audience: state.audience,
        app: &app.slug,
        channel: &channel,
    };
    let listed = packages::listed(&mut connection, view, wanted).await?;
    let best = listing::latest(listed);
    let best = best.ok_or_else(|| asked::nothing_fits(&channel, wanted))?;
    let location = file_path(&app.slug, &best.version, best.file.filename.as_str());
    Ok((
        StatusCode::FOUND,
        [(LOCATION, location), (CACHE_CONTROL, "no-cache".to_owned())],
    ))
}
