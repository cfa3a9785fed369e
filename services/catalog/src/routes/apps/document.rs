//! An app as the API shows it.

use serde::Serialize;
use slipway_contract::quota::Quota;
use slipway_runtime::clock;
use utoipa::ToSchema;

use crate::error::Error;
use crate::state::CatalogState;
use crate::store::apps;
use crate::{app, quota};

#[derive(Serialize, ToSchema)]
pub(super) struct App {
    #[schema(value_type = slipway_contract::Slug)]
    pub(super) slug: String,
    name: String,
    /// `null` while they are being made.
    #[schema(required = true)]
    keys: Option<Keys>,
    /// What it may hold: its own limits, or the platform's.
    quota: Quota,
    #[schema(format = DateTime)]
    created_at: String,
}

#[derive(Serialize, ToSchema)]
struct Keys {
    minisign: Minisign,
}

#[derive(Serialize, ToSchema)]
struct Minisign {
    key_id: String,
    /// The text of `minisign.pub`.
    public_key: String,
    url: String,
}

pub(super) async fn find(state: &CatalogState, slug: &str) -> Result<apps::App, Error> {
    app::find(&mut *state.database.read().await?, slug).await
}

pub(super) fn render(state: &CatalogState, row: apps::App) -> App {
    let quota = quota::of(state, &row);
    let keys = row
        .key_id
        .zip(row.public_key)
        .map(|(key_id, public_key)| Keys {
            minisign: Minisign {
                key_id,
                public_key,
                url: format!("/keys/{}/minisign.pub", row.slug),
            },
        });
    App {
        slug: row.slug,
        name: row.name,
        keys,
        quota,
        created_at: clock::rfc3339(row.created_at),
    }
}
