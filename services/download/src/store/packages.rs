//! The files of releases.

use futures_util::TryStreamExt as _;
use slipway_packages::{Arch, Platform, Rank, Wanted};
use slipway_service::changes;
use sqlx::AnyConnection;

use crate::audience::Audience;

/// A file to serve.
#[derive(sqlx::FromRow)]
pub(crate) struct File {
    pub(crate) filename: String,
    pub(crate) sha256: String,
    /// Of the list of its blocks, when the catalog has said it.
    pub(crate) blocks: Option<String>,
    pub(crate) size: i64,
    pub(crate) kind: String,
    pub(crate) signature: String,
    /// Of its release.
    pub(crate) visibility: String,
    /// Why its release was yanked.
    pub(crate) reason: Option<String>,
}

/// Where packages are looked for.
#[derive(Clone, Copy)]
pub(crate) struct ChannelView<'a> {
    pub(crate) audience: Audience,
    pub(crate) app: &'a str,
    pub(crate) channel: &'a str,
}

/// A file to offer.
#[derive(Clone, sqlx::FromRow)]
pub(crate) struct Package {
    pub(crate) version: String,
    pub(crate) filename: String,
    pub(crate) sha256: String,
    pub(crate) size: i64,
    pub(crate) kind: String,
    pub(crate) platform: String,
    pub(crate) arch: String,
    /// What inspection read, as JSON.
    pub(crate) facts: String,
}

impl Package {
    /// The smallest is the one to give; `None` does not fit. Between architectures for somebody who named none, it is
    /// the one that most machines of the platform have.
    fn rank(&self, wanted: Wanted) -> Option<(Rank, bool)> {
        let arch = self.arch.parse().ok()?;
        let rank = wanted.rank(self.platform.parse().ok()?, arch, self.kind.parse().ok()?)?;
        let usual = match wanted.platform {
            Platform::Android | Platform::Ios | Platform::Macos | Platform::Harmony => {
                Arch::Aarch64
            }
            Platform::Windows | Platform::Linux | Platform::Any | Platform::None => Arch::X86_64,
        };
        Some((rank, arch != usual))
    }
}

/// The file at an exact address, whatever the visibility of its release.
pub(crate) async fn file(
    connection: &mut AnyConnection,
    app: &str,
    version: &str,
    filename: &str,
) -> sqlx::Result<Option<File>> {
    sqlx::query_as(
        "SELECT packages.filename, packages.sha256, packages.blocks, packages.size, packages.kind, packages.signature,
                releases.visibility, releases.reason
         FROM packages JOIN releases ON releases.app = packages.app AND releases.version = packages.version
         WHERE packages.app = $1 AND packages.version = $2 AND packages.filename = $3",
    )
    .bind(app)
    .bind(version)
    .bind(filename)
    .fetch_optional(connection)
    .await
}

/// What fits of the highest release in the channel that holds something fitting; the best first, empty when there is
/// none.
pub(crate) async fn newest(
    connection: &mut AnyConnection,
    view: ChannelView<'_>,
    wanted: Wanted,
) -> sqlx::Result<Vec<Package>> {
    let [one, other] = view.audience.served();
    let mut rows = sqlx::query_as::<_, Package>(
        "SELECT packages.version, packages.filename, packages.sha256, packages.size, packages.kind,
                packages.platform, packages.arch, packages.facts
         FROM releases
         JOIN channels ON channels.app = releases.app AND channels.version = releases.version
         JOIN packages ON packages.app = releases.app AND packages.version = releases.version
         WHERE releases.app = $1 AND channels.channel = $2 AND releases.visibility IN ($3, $4)
           AND packages.platform IN ($5, 'any')
         ORDER BY releases.version_key DESC, packages.filename",
    )
    .bind(view.app)
    .bind(view.channel)
    .bind(one)
    .bind(other)
    .bind(wanted.platform.as_str())
    .fetch(connection);
    let mut fitting = Vec::new();
    while let Some(package) = rows.try_next().await? {
        if fitting
            .first()
            .is_some_and(|(_, first): &(_, Package)| first.version != package.version)
        {
            break;
        }
        if let Some(rank) = package.rank(wanted) {
            fitting.push((rank, package));
        }
    }
    fitting.sort_by_key(|(rank, _)| *rank);
    Ok(fitting.into_iter().map(|(_, package)| package).collect())
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
    release: &changes::Release,
    package: &changes::Package,
    facts: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO packages (app, version, filename, sha256, size, kind, platform, arch, signature, facts, blocks)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&release.app)
    .bind(&release.version)
    .bind(&package.filename)
    .bind(&package.sha256)
    .bind(package.size)
    .bind(&package.kind)
    .bind(&package.platform)
    .bind(&package.arch)
    .bind(&package.signature)
    .bind(facts)
    .bind(&package.blocks)
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
