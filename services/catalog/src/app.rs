//! Finding the app that a request names.

use slipway_contract::Slug;
use sqlx::AnyConnection;

use crate::error::Error;
use crate::refusal;
use crate::store::apps::{self, App};

/// The app of this slug; 404 when there never was one, 410 when it was deleted.
pub(crate) async fn find(db: &mut AnyConnection, slug: &str) -> Result<App, Error> {
    let unknown = || refusal::App::Unknown(slug.to_owned());
    // A name out of a document may hold what PostgreSQL takes in no text.
    let named: Slug = slug.parse().map_err(|_| unknown())?;
    let app = apps::get(db, named.as_str()).await?.ok_or_else(unknown)?;
    if app.is_deleted() {
        return Err(refusal::App::Deleted(app.slug).into());
    }
    Ok(app)
}

/// Why no other app of this slug is made.
pub(crate) async fn taken(db: &mut AnyConnection, slug: &Slug) -> sqlx::Result<refusal::App> {
    let there = apps::get(db, slug.as_str()).await?;
    let slug = slug.to_string();
    Ok(if there.is_some_and(|app| app.is_deleted()) {
        refusal::App::SlugOfDeleted(slug)
    } else {
        refusal::App::Exists(slug)
    })
}
