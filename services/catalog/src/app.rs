//! Finding the app that a request names.

use slipway_packages::Slug;
use slipway_service::Problem;
use sqlx::AnyConnection;

use crate::release::Refused;
use crate::store::apps::{self, App};

/// The app of this slug; 404 when there never was one, 410 when it was deleted.
pub(crate) async fn find(db: &mut AnyConnection, slug: &str) -> Result<App, Problem> {
    let unknown = || Refused::AppUnknown(slug.to_owned());
    // A name out of a document may hold what PostgreSQL takes in no text.
    let named: Slug = slug.parse().map_err(|_| unknown())?;
    let app = apps::get(db, named.as_str()).await?.ok_or_else(unknown)?;
    if app.is_deleted() {
        return Err(Refused::AppDeleted(app.slug).into());
    }
    Ok(app)
}
