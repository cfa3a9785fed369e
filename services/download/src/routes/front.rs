//! `/`: what this is, for somebody who came without an address. A program gets 404 there.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse};
use http::HeaderMap;
use slipway_openapi::{PROBLEM, ProblemDocument, Public};
use slipway_runtime::http::page as pages;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page::initial;
use crate::error::Error;
use crate::headers;
use crate::refusal::Refused;
use crate::state::DownloadState;
use crate::store::{apps, icons};
use crate::texts::{self, Texts};

/// What stands for the platform in commands where the settings do not say it.
const SOMEWHERE: &str = "https://this.server";

pub(super) fn router() -> OpenApiRouter<DownloadState> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(Template)]
#[template(path = "front.html")]
struct Front {
    t: &'static Texts,
    origin: Option<String>,
    /// The platform in commands.
    server: String,
    apps: Vec<Named>,
    /// Whether apps were left out.
    more: bool,
}

struct Named {
    slug: String,
    name: String,
    icon: bool,
    initial: String,
}

#[utoipa::path(
    get,
    path = "/",
    operation_id = "show_front",
    tag = "downloads",
    summary = "What this server is",
    description = "A page for people; a program gets 404.",
    security(()),
    responses(
        Public,
        (status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 404, description = "`not_found`: it is for who asks for HTML.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<DownloadState>,
    request: HeaderMap,
) -> Result<impl IntoResponse, Error> {
    let language = pages::wanted(&request).ok_or(Refused::Nothing)?;
    let most = state.settings.now().page.apps;
    let limit = usize::from(most);
    let mut named = Vec::new();
    let mut more = false;
    if limit > 0 {
        let mut connection = state.database.read().await?;
        let wanted = i64::from(most) + 1;
        let mut found = apps::published(&mut connection, wanted).await?;
        more = found.len() > limit;
        found.truncate(limit);
        for (slug, name) in found {
            named.push(Named {
                icon: icons::exists(&mut connection, &slug).await?,
                initial: initial(&name),
                slug,
                name,
            });
        }
    }
    let page = Front {
        t: texts::of(language),
        server: state
            .public_url
            .clone()
            .unwrap_or_else(|| SOMEWHERE.to_owned()),
        origin: state.public_url,
        apps: named,
        more,
    };
    Ok((
        headers::of_page(),
        Html(page.render().map_err(Error::internal)?),
    ))
}
