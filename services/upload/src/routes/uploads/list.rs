//! GET of the collection: one's own uploads.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use slipway_contract::grant::Scope;
use slipway_openapi::parameters::{AppPath, PageQuery};
use slipway_openapi::{PROBLEM, ProblemDocument, Reading};
use slipway_runtime::http::json::ApiQuery;
use slipway_runtime::http::list::{Items, List};
use slipway_runtime::{Problem, clock};
use utoipa::ToSchema;

use super::address::path;
use crate::error::Error;
use crate::metadata;
use crate::permission::Asker;
use crate::state::UploadState;
use crate::store::sessions::{self as rows, Session};

/// An upload of the asker's in the list of them.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedUpload)]
pub(super) struct Listed {
    #[schema(format = "uuid")]
    id: String,
    #[schema(max_length = 180)]
    filename: String,
    #[schema(minimum = 0)]
    offset: i64,
    #[schema(minimum = 1)]
    size: i64,
    /// `uploading`, or `complete` when it has become a package.
    #[schema(pattern = "^(uploading|complete)$")]
    state: &'static str,
    /// The package's id.
    #[schema(required = true)]
    package: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    /// Where it is gone on with, asked for, and ended.
    url: String,
}

/// The asker's own uploads.
#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}/uploads",
    operation_id = "list_uploads",
    tag = "uploads",
    summary = "List one's own uploads",
    description = "Those that this token has begun and that have not expired, the oldest first. Scope: `upload`.",
    params(AppPath, PageQuery),
    responses(
        Reading,
        (status = 200, description = "A page of uploads.", body = slipway_openapi::Listing<Listed>),
        (status = 404, description = "`app_unknown`: there is no such app.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn list(
    State(state): State<UploadState>,
    asker: Asker,
    query: Result<ApiQuery<List>, Problem>,
) -> Result<Json<Items<Listed>>, Error> {
    asker.permit(Scope::Upload)?;
    let ApiQuery(query) = query?;
    let mut connection = state.database.read().await?;
    let whose = (asker.app.as_str(), asker.grant.id.as_str());
    let page = (query.cursor.as_str(), query.limit());
    let rows = rows::list(&mut connection, whose, page, clock::unix_millis()).await?;
    let items = rows.into_iter().map(listed).collect::<Result<_, _>>()?;
    Ok(Json(Items::new(items, query.limit(), |upload: &Listed| {
        &upload.id
    })))
}

fn listed(row: Session) -> Result<Listed, Error> {
    Ok(Listed {
        filename: metadata::filename(&row.metadata)?,
        url: path(&row),
        id: row.id,
        offset: row.received,
        size: row.size,
        state: row.package_id.as_ref().map_or("uploading", |_| "complete"),
        package: row.package_id,
        created_at: clock::rfc3339(row.created_at),
        expires_at: clock::rfc3339(row.expires_at),
    })
}
