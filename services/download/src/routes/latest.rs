//! `/d/{app}/latest/{platform}`: the way to the newest file for somebody's machine.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use serde::Deserialize;
use slipway_packages::{Platform, Said, Wanted};
use slipway_service::Problem;
use slipway_service::api::file_path;
use slipway_service::http::json::{ApiPath, ApiQuery};
use sqlx::AnyConnection;

use super::{find_app, problem};
use crate::DownloadState;
use crate::audience::Audience;
use crate::store::packages::{self, ChannelView};
use crate::store::releases;

/// The channel of whoever names none; every app has it, also before its first release.
pub(super) const DEFAULT_CHANNEL: &str = "stable";

pub(super) fn router() -> Router<DownloadState> {
    Router::new().route("/d/{app}/latest/{platform}", get(show))
}

/// Other parameters are passed over: links get decorated on their way.
#[derive(Deserialize)]
struct Query {
    #[serde(default)]
    arch: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    kind: String,
}

/// 302 to the file: of the published releases in the channel that hold a fitting package, the highest version.
async fn show(
    State(state): State<DownloadState>,
    ApiPath((app, platform)): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<Query>,
) -> Result<impl IntoResponse, Problem> {
    let mut connection = state.database.read().await?;
    let app = find_app(&mut connection, &app).await?;
    let said = Said::named(&platform)
        .map_err(|error| problem::not_found("platform_unknown", format!("{error}")))?;
    let arch = given(&query.arch)
        .map(str::parse)
        .transpose()
        .map_err(|error| Problem::bad_request("arch_unknown", format!("{error}")))?;
    let platform = said.platform.unwrap_or(Platform::Any);
    let wanted = Wanted {
        platform,
        arch: arch.or(said.arch),
        kind: given(&query.kind)
            .map(str::parse)
            .transpose()
            .map_err(|error| Problem::bad_request("kind_unknown", format!("{error}")))?,
    };
    let channel = find_channel(&mut connection, state.audience, &app.slug, &query.channel).await?;
    let view = ChannelView {
        audience: state.audience,
        app: &app.slug,
        channel: &channel,
    };
    let fitting = packages::newest(&mut connection, view, wanted).await?;
    let best = fitting.first().ok_or_else(|| {
        let arch = wanted.arch.map(|arch| format!(", {arch}")).unwrap_or_default();
        let kind = wanted.kind.map(|kind| format!(", {kind}")).unwrap_or_default();
        problem::not_found(
            "no_package",
            format!("no published release in the channel {channel} has a package that fits {platform}{arch}{kind}: see the app's page for what there is"),
        )
    })?;
    let location = file_path(&app.slug, &best.version, &best.filename);
    Ok((
        StatusCode::FOUND,
        [(LOCATION, location), (CACHE_CONTROL, "no-cache".to_owned())],
    ))
}

/// A parameter without a value is one that was not given.
fn given(value: &str) -> Option<&str> {
    (!value.is_empty()).then_some(value)
}

/// The channel that is asked for, or 404 `channel_unknown`.
pub(super) async fn find_channel(
    connection: &mut AnyConnection,
    audience: Audience,
    app: &str,
    asked: &str,
) -> Result<String, Problem> {
    let channel = given(asked).unwrap_or(DEFAULT_CHANNEL);
    let known = channel == DEFAULT_CHANNEL
        || releases::channels(connection, audience, app)
            .await?
            .iter()
            .any(|known| known == channel);
    if !known {
        return Err(problem::not_found(
            "channel_unknown",
            "nothing was released to a channel of this name: leave it out to get the stable one",
        ));
    }
    Ok(channel.to_owned())
}
