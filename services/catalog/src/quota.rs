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
    app.quota().or(state.settings.now().quotas.quota())
}

/// Tells the followers of all apps when the settings have changed since they were told: they keep the limits.
pub(crate) async fn begin(state: &CatalogState) -> anyhow::Result<()> {
    let settings = state.settings.now().quotas.quota();
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

/// The same whenever the configuration changes them. What could not be told is told at the next change or start.
pub(crate) fn follow(state: &CatalogState) {
    let (telling, settings) = (state.clone(), state.settings.clone());
    state.process.spawn("quotas", move || {
        let (state, mut settings) = (telling.clone(), settings.clone());
        async move {
            loop {
                settings.changed().await;
                if let Err(error) = begin(&state).await {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "the followers could not be told of other quotas");
                }
            }
        }
    });
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
