//! What apps may hold: by the settings, unless an administrator has said otherwise of one.

use slipway_contract::quota::Quota;
use sqlx::AnyConnection;

use crate::error::Error;
use crate::rules::quota::check_release as check;
use crate::state::CatalogState;
use crate::store::apps::{self, App};
use crate::store::releases::Release;
use crate::store::{feed, quotas};

/// What an app may hold.
pub(crate) fn of(state: &CatalogState, app: &App) -> Quota {
    app.quota().or(state.settings.quotas.quota())
}

/// Tells the followers of all apps when the settings have changed since they were told: they keep the limits.
pub(crate) async fn begin(state: &CatalogState) -> anyhow::Result<()> {
    let settings = state.settings.quotas.quota();
    let mut connection = state.database.read().await?;
    let told = quotas::told(&mut connection).await?;
    drop(connection);
    if told.unwrap_or_default() == settings {
        return Ok(());
    }
    let mut transaction = state.database.write().await?;
    // An older copy of the database changes nothing; the next start tells it.
    if feed::lock(&mut transaction).await?.is_held() {
        return Ok(());
    }
    quotas::tell(&mut transaction, settings).await?;
    for slug in apps::slugs(&mut transaction).await? {
        apps::touch(&mut transaction, &slug).await?;
    }
    state.commit(transaction).await?;
    Ok(())
}

/// Refuses to make one release more of a draft than the app may have.
pub(crate) async fn check_release(
    state: &CatalogState,
    db: &mut AnyConnection,
    release: &Release,
) -> Result<(), Error> {
    let app = crate::app::find(db, release.app.as_str()).await?;
    let quota = of(state, &app);
    if quota.releases.is_none() {
        return Ok(());
    }
    let used = quotas::used(db, &app.slug).await?;
    Ok(check(&release.state, &app.slug, quota, used)?)
}
