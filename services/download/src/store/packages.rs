//! The files of releases.

use futures_util::TryStreamExt as _;
use slipway_contract::package::File;
use slipway_contract::{Platform, Rank, Visibility, Wanted, Word, feed};
use slipway_database::columns::FileColumns;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::audience::Audience;
use crate::rules::fit;
use crate::rules::listing::Listing;

/// Where packages are looked for.
#[derive(Clone, Copy)]
pub(crate) struct ChannelView<'a> {
    pub(crate) audience: Audience,
    pub(crate) app: &'a str,
    pub(crate) channel: &'a str,
}

/// A package of a release, with what decides of that whether it is served.
#[derive(Clone, sqlx::FromRow)]
pub(crate) struct Package {
    #[sqlx(flatten, try_from = "FileColumns")]
    pub(crate) file: File,
    /// Of the list of its blocks, when the catalog has said it.
    pub(crate) blocks: Option<String>,
    pub(crate) signature: String,
    /// What inspection read, as JSON.
    pub(crate) facts: String,
    /// Of its release, from here on.
    pub(crate) version: String,
    #[sqlx(try_from = "String")]
    pub(crate) visibility: Word<Visibility>,
    /// Why it was yanked.
    pub(crate) reason: Option<String>,
    /// Unix milliseconds.
    pub(crate) published_at: Option<i64>,
}

/// The columns of a [`Package`].
const COLUMNS: &str =
    "packages.filename, packages.sha256, packages.size, packages.kind, packages.platform, packages.arch, packages.blocks,
     packages.signature, packages.facts, releases.version, releases.visibility, releases.reason, releases.published_at";

/// The file at an exact address, whatever the visibility of its release; of a deleted app there is none.
pub(crate) async fn file(
    connection: &mut AnyConnection,
    app: &str,
    version: &str,
    filename: &str,
) -> sqlx::Result<Option<Package>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM packages JOIN releases ON releases.app = packages.app AND releases.version = packages.version
         WHERE packages.app = $1 AND packages.version = $2 AND packages.filename = $3
           AND NOT EXISTS (SELECT 1 FROM apps WHERE apps.slug = packages.app AND apps.deleted = 1)"
    );
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(app)
        .bind(version)
        .bind(filename)
        .fetch_optional(connection)
        .await
}

/// What there is in the channel for who wants this: see [`Listing`].
pub(crate) async fn listed(
    connection: &mut AnyConnection,
    view: ChannelView<'_>,
    wanted: Wanted,
) -> sqlx::Result<Vec<(Rank, Package)>> {
    among(connection, view, wanted, Platform::Any).await
}

/// The same of what is for this platform alone, whatever the machine.
pub(crate) async fn own(
    connection: &mut AnyConnection,
    view: ChannelView<'_>,
    platform: Platform,
) -> sqlx::Result<Vec<Package>> {
    let wanted = Wanted {
        platform,
        arch: None,
        kind: None,
    };
    let listed = among(connection, view, wanted, platform).await?;
    Ok(listed.into_iter().map(|(_, package)| package).collect())
}

async fn among(
    connection: &mut AnyConnection,
    view: ChannelView<'_>,
    wanted: Wanted,
    also: Platform,
) -> sqlx::Result<Vec<(Rank, Package)>> {
    let [one, other] = view.audience.served();
    let sql = format!(
        "SELECT {COLUMNS}
         FROM releases
         JOIN channels ON channels.app = releases.app AND channels.version = releases.version
         JOIN packages ON packages.app = releases.app AND packages.version = releases.version
         WHERE releases.app = $1 AND channels.channel = $2 AND releases.visibility IN ($3, $4)
           AND packages.platform IN ($5, $6)
         ORDER BY releases.version_key DESC, packages.filename"
    );
    let mut rows = sqlx::query_as::<_, Package>(AssertSqlSafe(sql))
        .bind(view.app)
        .bind(view.channel)
        .bind(one)
        .bind(other)
        .bind(wanted.platform.as_str())
        .bind(also.as_str())
        .fetch(connection);
    let mut listing = Listing::new();
    while let Some(package) = rows.try_next().await? {
        let Some(place) = fit::place(&package.file, &package.facts, wanted) else {
            continue;
        };
        let version = package.version.clone();
        if listing.add(&version, place, package).is_break() {
            break;
        }
    }
    Ok(listing.finish())
}

/// The files of the `limit` highest releases in the channel that are below the release `version`, the highest first.
pub(crate) async fn older(
    connection: &mut AnyConnection,
    view: ChannelView<'_>,
    version: &str,
    limit: i64,
) -> sqlx::Result<Vec<Package>> {
    let [one, other] = view.audience.served();
    let sql = format!(
        "SELECT {COLUMNS}
         FROM (SELECT releases.*
               FROM releases
               JOIN channels ON channels.app = releases.app AND channels.version = releases.version
               WHERE releases.app = $1 AND channels.channel = $2 AND releases.visibility IN ($3, $4)
                 AND releases.version_key < (SELECT version_key FROM releases WHERE app = $1 AND version = $5)
               ORDER BY releases.version_key DESC LIMIT $6) AS releases
         JOIN packages ON packages.app = releases.app AND packages.version = releases.version
         ORDER BY releases.version_key DESC, packages.filename"
    );
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(view.app)
        .bind(view.channel)
        .bind(one)
        .bind(other)
        .bind(version)
        .bind(limit)
        .fetch_all(connection)
        .await
}

/// The platforms that releases in the channel have packages for.
pub(crate) async fn platforms(
    connection: &mut AnyConnection,
    view: ChannelView<'_>,
) -> sqlx::Result<Vec<String>> {
    let [one, other] = view.audience.served();
    sqlx::query_scalar(
        "SELECT DISTINCT packages.platform
         FROM releases
         JOIN channels ON channels.app = releases.app AND channels.version = releases.version
         JOIN packages ON packages.app = releases.app AND packages.version = releases.version
         WHERE releases.app = $1 AND channels.channel = $2 AND releases.visibility IN ($3, $4)",
    )
    .bind(view.app)
    .bind(view.channel)
    .bind(one)
    .bind(other)
    .fetch_all(connection)
    .await
}

pub(crate) async fn insert(
    connection: &mut AnyConnection,
    release: &feed::Release,
    package: &feed::Package,
    facts: &str,
) -> sqlx::Result<()> {
    let file = &package.file;
    sqlx::query(
        "INSERT INTO packages (app, version, filename, sha256, size, kind, platform, arch, signature, facts, blocks)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(release.app.as_str())
    .bind(release.version.as_str())
    .bind(file.filename.as_str())
    .bind(file.sha256.as_hex())
    .bind(file.size)
    .bind(file.kind.as_str())
    .bind(file.platform.as_str())
    .bind(file.arch.as_str())
    .bind(&package.signature)
    .bind(facts)
    .bind(package.blocks.map(|blocks| blocks.as_hex()))
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn delete(
    connection: &mut AnyConnection,
    app: &str,
    version: &str,
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM packages WHERE app = $1 AND version = $2")
        .bind(app)
        .bind(version)
        .execute(connection)
        .await?;
    Ok(())
}

/// App, version, file name and digest of every package.
pub(crate) async fn digests(
    connection: &mut AnyConnection,
) -> sqlx::Result<Vec<(String, String, String, String)>> {
    sqlx::query_as("SELECT app, version, filename, sha256 FROM packages")
        .fetch_all(connection)
        .await
}

pub(crate) async fn clear(connection: &mut AnyConnection) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM packages")
        .execute(connection)
        .await?;
    Ok(())
}
