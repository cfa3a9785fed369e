//! Finding the app that a request names.

use slipway_service::Problem;
use sqlx::AnyConnection;

use crate::release::Refused;
use crate::store::apps::{self, App};

/// The app of this slug; 404 when there never was one, 410 when it was deleted.
pub(crate) async fn find(db: &mut AnyConnection, slug: &str) -> Result<App, Problem> {
    let app = apps::get(db, slug).await?;
    let app = app.ok_or_else(|| Refused::AppUnknown(slug.to_owned()))?;
    if app.is_deleted() {
        return Err(Refused::AppDeleted(app.slug).into());
    }
    Ok(app)
}
