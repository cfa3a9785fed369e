//! What an app may hold, kept to before its bytes come, as far as their number is told, and once more in the transaction
//! that takes them in.

use slipway_contract::quota::{Quota, Used};
use slipway_runtime::clock;
use sqlx::AnyConnection;

use crate::error::Error;
use crate::rules::quota::{Announced, There, after};
use crate::store::{copy, used};

/// Refuses what is certain to be too much.
pub(crate) async fn check_announced(
    db: &mut AnyConnection,
    app: &str,
    announced: &Announced<'_>,
) -> Result<(), Error> {
    let quota = copy::quota(db, app).await?;
    if quota.is_none() {
        return Ok(());
    }
    let mut before = used::by_app(db, app, &quota).await?;
    if quota.bytes.is_some() {
        before.bytes += used::by_sessions(db, app, clock::unix_millis()).await?;
    }
    let mut there = There::default();
    if let Some(sizes) = announced.sizes() {
        there.bytes = used::may_have(db, app, announced.sha256, sizes).await?;
    }
    if let Some(version) = announced.version {
        there.version = used::has_version(db, app, version.order_key()).await?;
    }
    Ok(quota.check(app, before, after(before, announced, there))?)
}

/// What an app had before something is written; `None` when there is no limit to it.
pub(crate) struct Before {
    quota: Quota,
    used: Used,
}

/// Keeps every other upload of the app from being taken in until the transaction ends.
pub(crate) async fn begin(db: &mut AnyConnection, app: &str) -> sqlx::Result<Option<Before>> {
    let quota = copy::quota(db, app).await?;
    if quota.is_none() {
        return Ok(None);
    }
    used::lock(db, app).await?;
    let used = used::by_app(db, app, &quota).await?;
    Ok(Some(Before { quota, used }))
}

/// Refuses what was written since, when it is too much.
pub(crate) async fn end(
    db: &mut AnyConnection,
    app: &str,
    before: Option<Before>,
) -> Result<(), Error> {
    let Some(before) = before else { return Ok(()) };
    let after = used::by_app(db, app, &before.quota).await?;
    Ok(before.quota.check(app, before.used, after)?)
}
