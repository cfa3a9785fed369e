//! The change feed: numbers that follow the order of commits, and who has applied them.

use std::collections::HashSet;
use std::time::Duration;

use slipway_contract::Word;
use slipway_contract::feed::{App, Change, Page, Release, Row, Visibility};
use slipway_contract::record::State as Lease;
use sqlx::AnyConnection;
use tokio::time::Instant;
use uuid::Uuid;

use crate::rules::feed::{Ask, followers, told_after};
use crate::rules::state::State as Stage;
use crate::state::CatalogState;
use crate::{quota, store};

/// Changes in one page, and bytes of what was read from its packages after which it ends: icons are in it.
const PAGE: i64 = 500;
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Makes the epoch of a new database, notes that this process has begun, and completes what an earlier version has written.
pub(crate) async fn begin(state: &CatalogState) -> sqlx::Result<()> {
    let (epoch, start) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
    let mut transaction = state.database.write().await?;
    store::feed::begin(&mut transaction, &epoch, &start).await?;
    store::releases::complete_keys(&mut transaction).await?;
    transaction.commit().await
}

/// The changes after those that `ask` has, as `snapshot` has them: from 0 when it has another epoch, none when it holds
/// what is held. Packages are told to upload alone, whose bytes they are.
pub(crate) async fn page(
    snapshot: &mut AnyConnection,
    state: &CatalogState,
    caller: &str,
    ask: &Ask,
) -> anyhow::Result<Page> {
    let feed = store::feed::read(snapshot).await?;
    let start = store::feed::last_start(snapshot).await?;
    let after = told_after(&feed, ask);
    let mut changes = Vec::new();
    let mut size = 0;
    let packages = caller == "upload";
    for (seq, kind, id) in store::feed::after(snapshot, packages, after, PAGE).await? {
        let row = match kind.as_str() {
            "app" => app(snapshot, state, &id).await?,
            "token" => Row::Token(store::tokens::change(snapshot, &id).await?),
            "release" => release(snapshot, &id).await?,
            "package" => Row::Package(store::package_rows::change(snapshot, &id).await?),
            kind => anyhow::bail!("a change of the kind {kind}, which is not known"),
        };
        size += facts_size(&row);
        changes.push(Change { seq, row });
        if size > PAGE_BYTES {
            break;
        }
    }
    Ok(Page {
        epoch: feed.epoch().to_owned(),
        head: feed.head,
        changes,
        mark: state.marks.make(feed.epoch(), &start, feed.head),
        held: feed.is_held(),
        replaces: store::feed::replaced(snapshot, feed.epoch()).await?,
        ..Page::default()
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
        Row::App(_) | Row::Token(_) | Row::Package(_) | Row::Unknown => 0,
    }
}

async fn app(
    connection: &mut AnyConnection,
    state: &CatalogState,
    slug: &str,
) -> sqlx::Result<Row> {
    let app = store::apps::get(connection, slug)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    Ok(Row::App(App {
        quota: quota::of(state, &app),
        slug: app.slug,
        name: app.name,
        public_key: app.public_key,
        deleted: app.deleted_at.is_some(),
    }))
}

async fn release(connection: &mut AnyConnection, id: &str) -> anyhow::Result<Row> {
    let release = store::releases::by_id(connection, id)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    let packages = store::packages::of_release(connection, id).await?;
    if let Stage::Unknown(state) = &release.state {
        // A later version wrote it. Without this row no follower would get any after it.
        let (app, version) = (release.app.as_str(), release.version.as_str());
        tracing::warn!(
            app,
            version,
            state,
            "a release in a state that is not known here is shown to nobody"
        );
    }
    let visibility = release.state.visibility();
    let packages = packages
        .into_iter()
        .map(store::packages::Package::into_change);
    Ok(Row::Release(Release {
        visibility: Word::Known(visibility),
        channels: match visibility {
            Visibility::Deleted => Vec::new(),
            _ => store::releases::channels(connection, id).await?,
        },
        app: release.app,
        version: release.version,
        notes: release.notes,
        published_at: release.published_at,
        reason: release.reason,
        packages: packages.collect::<sqlx::Result<_>>()?,
    }))
}

/// Waits until every follower that is ready has applied `seq`; names those that have not when the time is over.
pub(crate) async fn applied_by_all(state: &CatalogState, seq: i64) -> sqlx::Result<Vec<String>> {
    let wait = Duration::from_millis(state.settings.now().publishing.follower_wait_millis);
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
async fn pending(state: &CatalogState, seq: i64) -> sqlx::Result<Vec<String>> {
    let mut connection = state.database.read().await?;
    let applied = followers_at(&mut connection, seq).await?;
    let records = state.peers.view.records();
    let pending = records.iter().filter(|record| {
        followers().any(|service| service == record.service)
            && record.state == Lease::Ready
            && !applied.contains(&(record.service.clone(), record.instance.clone()))
    });
    Ok(pending
        .map(|record| format!("{}/{}", record.service, record.instance))
        .collect())
}

/// Whether some download instance has applied `seq`.
pub(crate) async fn applied_by_a_download(state: &CatalogState, seq: i64) -> sqlx::Result<bool> {
    let mut connection = state.database.read().await?;
    let applied = followers_at(&mut connection, seq).await?;
    let ready = state.peers.view.candidates("download");
    Ok(ready
        .into_iter()
        .any(|record| applied.contains(&(record.service, record.instance))))
}

/// Who has applied `seq`, by service and instance.
async fn followers_at(
    connection: &mut AnyConnection,
    seq: i64,
) -> sqlx::Result<HashSet<(String, String)>> {
    let rows = store::feed::followers_at(connection, seq).await?;
    Ok(rows.into_iter().collect())
}
