//! What an app may hold, kept to before its bytes come, as far as their number is told, and once more in the transaction
//! that takes them in.

use slipway_packages::{Digest, Version};
use slipway_service::quota::{Quota, Used};
use slipway_service::{Problem, clock};
use sqlx::AnyConnection;

use crate::parameters::Parameters;
use crate::store::{copy, used};

/// A package that is announced.
#[derive(Default)]
pub(crate) struct Announced<'a> {
    /// At least so many, and at most: a form has more than the file in it. `None` when nobody says.
    pub(crate) bytes: Option<(u64, u64)>,
    pub(crate) sha256: Option<&'a Digest>,
    pub(crate) version: Option<&'a Version>,
    /// Whether it is to be released.
    pub(crate) releases: bool,
}

impl<'a> Announced<'a> {
    pub(crate) fn of(parameters: &'a Parameters) -> Self {
        Self {
            bytes: None,
            sha256: parameters.sha256.as_ref(),
            version: parameters.version.as_ref(),
            releases: parameters.channel.is_some(),
        }
    }
}

/// Refuses what is certain to be too much. What may be there already is let through: the same bytes again are a retry.
pub(crate) async fn check_announced(
    db: &mut AnyConnection,
    app: &str,
    announced: &Announced<'_>,
) -> Result<(), Problem> {
    let quota = copy::quota(db, app).await?;
    if quota.is_none() {
        return Ok(());
    }
    let mut before = used::by_app(db, app).await?;
    before.bytes += used::by_sessions(db, app, clock::unix_millis()).await?;
    let mut after = before;
    if let Some((least, most)) = announced.bytes {
        let number = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        let sizes = (number(least), number(most));
        if !used::may_have(db, app, announced.sha256, sizes).await? {
            after.bytes = before.bytes.saturating_add(sizes.0);
        }
    }
    if let Some(version) = announced.version
        && !used::has_version(db, app, version.order_key()).await?
    {
        after.releases += i64::from(announced.releases);
        after.drafts += i64::from(!announced.releases);
    }
    Ok(quota.check(app, before, after)?)
}

/// What an app had before something is written; `None` when there is no limit to it.
pub(crate) struct Before {
    quota: Quota,
    used: Used,
}

/// Keeps every other upload of the app from being taken in until the transaction ends.
pub(crate) async fn begin(db: &mut AnyConnection, app: &str) -> Result<Option<Before>, Problem> {
    let quota = copy::quota(db, app).await?;
    if quota.is_none() {
        return Ok(None);
    }
    used::lock(db, app).await?;
    let used = used::by_app(db, app).await?;
    Ok(Some(Before { quota, used }))
}

/// Refuses what was written since, when it is too much.
pub(crate) async fn end(
    db: &mut AnyConnection,
    app: &str,
    before: Option<Before>,
) -> Result<(), Problem> {
    let Some(before) = before else { return Ok(()) };
    let after = used::by_app(db, app).await?;
    Ok(before.quota.check(app, before.used, after)?)
}
