//! The app and the channel that an address names.

use slipway_contract::Slug;
use sqlx::AnyConnection;

use crate::audience::Audience;
use crate::error::Error;
use crate::refusal::Refused;
use crate::rules::asked;
use crate::store::apps::{self, App};
use crate::store::releases;

/// The app of an address; 404 `app_unknown`, or 410 `deleted` for ever.
pub(crate) async fn app(connection: &mut AnyConnection, slug: &str) -> Result<App, Error> {
    let found = match slug.parse::<Slug>() {
        Ok(slug) => apps::find(connection, slug.as_str()).await?,
        Err(_) => None,
    };
    let app = found.ok_or(Refused::App)?;
    if app.is_deleted() {
        return Err(Refused::AppDeleted.into());
    }
    Ok(app)
}

/// The channel that is asked for, or 404 `channel_unknown`.
pub(crate) async fn channel(
    connection: &mut AnyConnection,
    audience: Audience,
    app: &str,
    asked: &str,
) -> Result<String, Error> {
    let known = releases::channels(connection, audience, app).await?;
    Ok(asked::channel(asked, &known)?)
}
