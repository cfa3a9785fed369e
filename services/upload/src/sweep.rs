//! Removing what nobody will go on with: files that a killed process left in staging, and expired sessions.
//!
//! A file is looked at under its lock, which whoever writes it holds: with the lock in hand, a file either has the row
//! of a session or belongs to nobody.

use std::time::Duration;

use slipway_service::clock;

use crate::State;
use crate::store::sessions;

pub(crate) async fn run(state: State) {
    let mut tick = tokio::time::interval(Duration::from_secs(
        state.settings.store.sweep_seconds.max(1),
    ));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = expired_sessions(&state).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "expired sessions could not be removed"
            );
        }
        if let Err(error) = orphans(&state).await {
            tracing::warn!(error = format!("{error:#}"), "staging could not be swept");
        }
    }
}

async fn expired_sessions(state: &State) -> anyhow::Result<()> {
    let now = clock::unix_millis();
    let mut connection = state.database.read().await?;
    let expired = sessions::expired(&mut connection, now).await?;
    drop(connection);
    for id in expired {
        // Somebody writes to it, or it has no file any more: then it became a package.
        let Ok(lock) = state.staging.lock(&id) else {
            continue;
        };
        let mut transaction = state.database.write().await?;
        let removed = sessions::remove_expired(&mut transaction, &id, now).await?;
        transaction.commit().await?;
        if removed && lock.is_some() {
            state.staging.remove(&id)?;
        }
    }
    Ok(())
}

async fn orphans(state: &State) -> anyhow::Result<()> {
    for id in state.staging.list()? {
        let Ok(Some(lock)) = state.staging.lock(&id) else {
            continue;
        };
        let mut connection = state.database.read().await?;
        if !sessions::exists(&mut connection, &id).await? {
            state.staging.remove(&id)?;
        }
        drop(lock);
    }
    Ok(())
}
