//! `/api/v1/storage`: who holds how much, what can be freed, and how full the disk is.

use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use http::Method;
use serde::Serialize;
use slipway_service::Problem;
use slipway_service::api::{Disk, Stored};
use slipway_service::http::json::ApiQuery;
use slipway_service::quota::{Quota, Used};
use slipway_service::token::Scope;
use sqlx::AnyConnection;
use tokio::time::timeout;

use super::{Items, List};
use crate::permission::Actor;
use crate::store::like::Like;
use crate::store::{apps, quotas};
use crate::{CatalogState, quota};

/// How long upload, which has the disk, is waited for.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn router() -> Router<CatalogState> {
    Router::new().route("/api/v1/storage", get(show))
}

#[derive(Serialize)]
struct Storage {
    /// Of all packages that the token may see, equal bytes once.
    bytes: i64,
    freeable: Freeable,
    /// `null` for a token of one app, and while upload does not answer.
    disk: Option<Disk>,
    /// What somebody should do, in words.
    notices: Vec<String>,
    items: Vec<Holder>,
    next: Option<String>,
}

/// Bytes.
#[derive(Serialize)]
struct Freeable {
    /// Of drafts and packages on their own: free when they are deleted.
    drafts: i64,
    /// Of what was deleted, still in its place: the sweep takes it. `null` as the disk is.
    deleted: Option<i64>,
    /// Swept, and kept for a time. `null` alike.
    trash: Option<i64>,
}

#[derive(Serialize)]
struct Holder {
    app: String,
    #[serde(flatten)]
    used: Used,
    /// Bytes of its drafts and packages on their own.
    draft_bytes: i64,
    quota: Quota,
}

async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiQuery(query): ApiQuery<List>,
) -> Result<Json<Storage>, Problem> {
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
