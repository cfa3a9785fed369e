//! The HTTP surface. There is no call that signs bytes: every message is built here, from typed fields.

mod keys;
mod signatures;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::SigningState;

pub(crate) fn router() -> OpenApiRouter<SigningState> {
    OpenApiRouter::new()
        .routes(routes!(keys::ensure))
        .routes(routes!(signatures::create))
}
