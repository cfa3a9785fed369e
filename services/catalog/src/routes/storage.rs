//! `/api/v1/storage`: who holds how much, what can be freed, and how full the disk is.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::Method;
use serde::Serialize;
use slipway_contract::grant::Scope;
use slipway_contract::internal::{Disk, Stored};
use slipway_contract::quota::{Quota, Used};
use slipway_openapi::Reading;
use slipway_openapi::parameters::PageQuery;
use slipway_runtime::http::json::ApiQuery;
use slipway_runtime::http::list::{Items, List};
use sqlx::AnyConnection;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::permission::Actor;
use crate::quota;
use crate::state::CatalogState;
use crate::store::like::Like;
use crate::store::{apps, quotas};

/// How long upload, which has the disk, is waited for.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(Serialize, ToSchema)]
struct Storage {
    /// Of all packages that the token may see, equal bytes once.
    #[schema(minimum = 0)]
    bytes: i64,
    freeable: Freeable,
    /// `null` for a token of one app, and while upload does not answer.
    #[schema(required = true)]
    disk: Option<Disk>,
    /// What somebody should do, in words.
    notices: Vec<String>,
    items: Vec<Holder>,
    #[schema(required = true)]
    next: Option<String>,
}

/// Bytes.
#[derive(Serialize, ToSchema)]
struct Freeable {
    /// Of drafts and packages on their own: free when they are deleted.
    #[schema(minimum = 0)]
    drafts: i64,
    /// Of what was deleted, still in its place: the sweep takes it. `null` as the disk is.
    #[schema(minimum = 0, required = true)]
    deleted: Option<i64>,
    /// Swept, and kept for a time. `null` alike.
    #[schema(minimum = 0, required = true)]
    trash: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct Holder {
    #[schema(value_type = slipway_contract::Slug)]
    app: String,
    #[serde(flatten)]
    used: Used,
    /// Bytes of its drafts and packages on their own.
    draft_bytes: i64,
    quota: Quota,
}

#[utoipa::path(
    get,
    path = "/api/v1/storage",
    operation_id = "show_storage",
    tag = "storage",
    summary = "Who holds how much, and what can be freed",
    description = "Bytes by app, equal ones once. A token of one app sees that app; the store and its disk are told to all others. Scope: `read`.",
    params(PageQuery),
    responses(
        Reading,
        (status = 200, description = "What is stored.", body = Storage),
    ),
)]
async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiQuery(query): ApiQuery<List>,
) -> Result<Json<Storage>, Error> {
    let only = actor.grant.app.clone();
    actor.permit(Scope::Read, only.as_deref())?;
    let whole = if only.is_none() {
        stored(&state).await
    } else {
        None
    };
    let mut connection = state.database.read().await?;
    let which = (only.as_deref(), &Like::holding(""));
    let rows = apps::list(&mut connection, &query.cursor, which, query.limit()).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(holder(&state, &mut connection, row).await?);
    }
    let all = only.as_deref().unwrap_or_default();
    let Items { items, next } = Items::new(items, query.limit(), |holder: &Holder| &holder.app);
    Ok(Json(Storage {
        bytes: quotas::bytes(&mut connection, all).await?,
        freeable: Freeable {
            drafts: quotas::unreleased(&mut connection, all).await?,
            deleted: whole.as_ref().map(|whole| whole.deleted_bytes),
            trash: whole.as_ref().map(|whole| whole.trash_bytes),
        },
        notices: notices(whole.as_ref()),
        disk: whole.map(|whole| whole.disk),
        items,
        next,
    }))
}

async fn holder(
    state: &CatalogState,
    db: &mut AnyConnection,
    row: apps::App,
) -> sqlx::Result<Holder> {
    Ok(Holder {
        used: quotas::used(db, &row.slug).await?,
        draft_bytes: quotas::unreleased(db, &row.slug).await?,
        quota: quota::of(state, &row),
        app: row.slug,
    })
}

/// What upload says of the store; `None` when it does not, or is of a version that cannot.
async fn stored(state: &CatalogState) -> Option<Stored> {
    let client = &state.peers.client;
    let asked = client.call("upload", Method::GET, "/internal/storage", None::<&()>);
    timeout(UPLOAD_TIMEOUT, asked).await.ok()?.ok()
}

fn notices(stored: Option<&Stored>) -> Vec<String> {
    let Some(stored) = stored.filter(|stored| stored.disk.near_reserve) else {
        return Vec::new();
    };
    let (free, reserve) = (stored.disk.free_bytes, stored.disk.reserve_bytes);
    vec![format!(
        "disk_near_reserve: {free} bytes of the disk are free, and uploads are refused below {reserve}: delete drafts and releases that nobody needs, or give it a larger disk; what is deleted is freed after its time in the trash"
    )]
}
