//! The change feed: numbers that follow the order of commits, and who has applied them.

use std::collections::BTreeSet;
use std::time::Duration;

use slipway_service::changes::{App, Change, Page, Release, Row, Visibility};
use slipway_service::discovery::record::State as Lease;
use sqlx::AnyConnection;
use tokio::time::Instant;
use uuid::Uuid;

use crate::State;
use crate::store;

/// Changes in one page, and bytes of what was read from its packages after which it ends: icons are in it.
const PAGE: i64 = 500;
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Services that keep a copy.
const FOLLOWERS: [&str; 2] = ["upload", "download"];

/// Makes the epoch of a new database.
pub(crate) async fn begin(state: &State) -> sqlx::Result<()> {
    let mut transaction = state.database.write().await?;
    store::feed::begin(&mut transaction, &Uuid::now_v7().to_string()).await?;
    transaction.commit().await
}

/// Begins a new epoch when a follower is ahead of us: it has followed a database that is gone, and this one was restored
/// from an older copy. Its next numbers were given once before, to other changes, so everybody has to read it whole.
pub(crate) async fn notice_a_restore(state: &State, epoch: &str, after: i64) -> sqlx::Result<()> {
    let mut connection = state.database.read().await?;
    let (current, head) = store::feed::position(&mut connection).await?;
    drop(connection);
    if epoch != current || after <= head {
        return Ok(());
    }
    let new = Uuid::now_v7().to_string();
    let mut transaction = state.database.write().await?;
    if store::feed::begin_again(&mut transaction, (&current, &new), after).await? {
        tracing::warn!(
            head,
            after,
            "a follower is ahead: this database is an older copy, so a new epoch begins"
        );
    }
    state.commit(transaction).await?;
    Ok(())
}

/// The changes after `after`, as `snapshot` has them, from 0 when the follower has another epoch.
pub(crate) async fn page(
    snapshot: &mut AnyConnection,
    epoch: &str,
    after: i64,
) -> anyhow::Result<Page> {
    let (current, head) = store::feed::position(snapshot).await?;
    let after = if epoch == current { after } else { 0 };
    let mut changes = Vec::new();
    let mut size = 0;
    for (seq, kind, id) in store::feed::after(snapshot, after, PAGE).await? {
        let row = match kind.as_str() {
            "app" => app(snapshot, &id).await?,
            "token" => Row::Token(store::tokens::change(snapshot, &id).await?),
            "release" => release(snapshot, &id).await?,
            kind => anyhow::bail!("a change of the kind {kind}, which is not known"),
        };
        size += facts_size(&row);
        changes.push(Change { seq, row });
        if size > PAGE_BYTES {
            break;
        }
    }
    Ok(Page {
        epoch: current,
        head,
        changes,
    })
}

fn facts_size(row: &Row) -> usize {
    match row {
        Row::Release(release) => {
            let sizes = release
                .packages
                .iter()
                .map(|package| package.facts.to_string().len());
            sizes.sum()
        }
        Row::App(_) | Row::Token(_) | Row::Unknown => 0,
    }
}

async fn app(connection: &mut AnyConnection, slug: &str) -> sqlx::Result<Row> {
    let app = store::apps::get(connection, slug)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    Ok(Row::App(App {
        slug: app.slug,
        name: app.name,
        public_key: app.public_key,
    }))
}

async fn release(connection: &mut AnyConnection, id: &str) -> anyhow::Result<Row> {
    let release = store::releases::by_id(connection, id)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    let packages = store::packages::of_release(connection, id).await?;
    let visibility = match release.state() {
        Ok(stage) => stage.visibility(),
        // A later version wrote it. Without this row no follower would get any after it.
        Err(error) => {
            tracing::warn!(app = release.app, version = release.version, %error, "nobody is shown this release");
            Visibility::Hidden
        }
    };
    Ok(Row::Release(Release {
        visibility,
        channels: store::releases::channels(connection, id).await?,
        app: release.app,
        version: release.version,
        notes: release.notes,
        published_at: release.published_at,
        reason: release.reason,
        packages: packages
            .into_iter()
            .map(store::packages::Package::into_change)
            .collect(),
    }))
}

/// Waits until every follower that is ready has applied `seq`; names those that have not when the time is over.
pub(crate) async fn applied_by_all(state: &State, seq: i64) -> sqlx::Result<Vec<String>> {
    let wait = Duration::from_millis(state.settings.publishing.follower_wait_millis);
    let deadline = Instant::now() + wait;
    let done = state
        .signals
        .wait_for(deadline, || async {
            let pending = pending(state, seq).await?;
            Ok(pending.is_empty().then_some(()))
        })
        .await?;
    if done.is_some() {
        return Ok(Vec::new());
    }
    pending(state, seq).await
}

/// The followers that are ready and have not applied `seq`, as `service/instance`.
async fn pending(state: &State, seq: i64) -> sqlx::Result<Vec<String>> {
    let mut connection = state.database.read().await?;
    let applied: BTreeSet<String> = store::feed::followers_at(&mut connection, seq)
        .await?
        .into_iter()
        .collect();
    let records = state.process.view.records();
    let pending = records.iter().filter(|record| {
        FOLLOWERS.contains(&record.service.as_str())
            && record.state == Lease::Ready
            && !applied.contains(&record.instance)
    });
    Ok(pending
        .map(|record| format!("{}/{}", record.service, record.instance))
        .collect())
}

/// Whether some download instance has applied `seq`.
pub(crate) async fn applied_by_a_download(state: &State, seq: i64) -> sqlx::Result<bool> {
    let mut connection = state.database.read().await?;
    let applied = store::feed::followers_at(&mut connection, seq).await?;
    let ready = state.process.view.candidates("download");
    Ok(ready
        .iter()
        .any(|record| applied.contains(&record.instance)))
}
