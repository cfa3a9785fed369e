//! Where an upload is.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::store::sessions::Session;

#[derive(Deserialize)]
pub(super) struct Address {
    pub(super) id: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by `Asker` and [`Address`]")]
pub(super) struct UploadPath {
    /// The app's slug.
    #[param(value_type = slipway_contract::Slug)]
    app: String,
    /// The upload's id: the end of the `Location` that its creation was answered with.
    #[param(min_length = 1)]
    id: String,
}

pub(super) fn path(row: &Session) -> String {
    format!("/api/v1/apps/{}/uploads/{}", row.app, row.id)
}
