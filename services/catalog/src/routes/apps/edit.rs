//! PATCH: its name and its limits.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use slipway_contract::grant::Scope;
use slipway_contract::quota::Quota;
use slipway_openapi::parameters::AppPath;
use slipway_openapi::{Documents, PROBLEM, ProblemDocument};
use slipway_runtime::http::json::{ApiJson, ApiPath, NoQuery};
use sqlx::AnyConnection;
use utoipa::ToSchema;

use super::document::{App, find, render};
use crate::error::Error;
use crate::permission::Actor;
use crate::routes::write::{Done, Entry, Write};
use crate::rules::given::Given;
use crate::rules::{self, text};
use crate::state::CatalogState;
use crate::store::apps;
use crate::{app, feed, refusal};

#[derive(Deserialize, ToSchema)]
#[schema(as = EditApp)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// `null`: the platform's limits.
    #[serde(default)]
    #[schema(value_type = Option<Limits>)]
    quota: Given<Limits>,
}

/// Limits of the app's own; one that is `null` is the platform's, and one that is not named stays as it is.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = QuotaLimits)]
#[serde(deny_unknown_fields)]
struct Limits {
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0)]
    bytes: Given<i64>,
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0)]
    releases: Given<i64>,
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0)]
    drafts: Given<i64>,
}

impl Limits {
    fn over(self, before: Quota) -> Result<Quota, refusal::Request> {
        let limits = (self.bytes, self.releases, self.drafts);
        rules::quota::over(before, limits)
    }
}

/// Gives an app another name, or other limits. What an app may hold is not for its own administrator to say.
#[utoipa::path(
    patch,
    path = "/api/v1/apps/{app}",
    operation_id = "edit_app",
    tag = "apps",
    summary = "Change an app",
    description = "Its name and its limits; what is not named stays as it is. A limit that is `null` is the platform's again. Scope: `admin`; limits need a token that is not of one app.",
    params(AppPath),
    request_body = Edit,
    responses(
        Documents,
        (status = 200, description = "The app as it is now; the install page shows it too.", body = App),
        (status = 404, description = "`app_unknown`: there is no such app.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`change_missing`: nothing is named. `name_refused`: it is empty, too long, or holds control, direction or unseen characters. `quota_invalid`: a limit is below 0.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn edit(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(slug): ApiPath<String>,
    ApiJson(body): ApiJson<Edit>,
) -> Result<Json<App>, Error> {
    let whose = match body.quota {
        Given::No => Some(slug.as_str()),
        Given::Yes(_) => None,
    };
    actor.permit(Scope::Admin, whose)?;
    if body.name.is_none() && whose.is_some() {
        return Err(refusal::Request::NothingToChange("\"name\" or \"quota\"").into());
    }
    let name = body.name.as_deref();
    let name = name.map(|name| text::name("app", name)).transpose()?;
    let write = Write {
        state: &state,
        actor: &actor,
        scope: Scope::Admin,
        app: whose,
    };
    let seq = write
        .run(async |db| change(db, &slug, name, body.quota).await)
        .await?;
    feed::applied_by_all(&state, seq).await?;
    Ok(Json(render(&state, find(&state, &slug).await?)))
}

/// Writes another name and other limits; the number of the change, 0 when there is none.
async fn change(
    db: &mut AnyConnection,
    slug: &str,
    name: Option<String>,
    limits: Given<Limits>,
) -> Result<Done<i64>, Error> {
    let app = app::find(db, slug).await?;
    let quota = match limits {
        Given::No => app.quota(),
        Given::Yes(None) => Quota::default(),
        Given::Yes(Some(limits)) => limits.over(app.quota())?,
    };
    let mut seq = 0;
    if let Some(name) = name.filter(|name| *name != app.name) {
        seq = apps::rename(db, slug, &name).await?;
    }
    if quota != app.quota() {
        seq = apps::limit(db, slug, quota).await?;
    }
    let audit = (seq != 0).then(|| Entry::new(Some(slug), "app.edit", slug));
    Ok(Done { made: seq, audit })
}
