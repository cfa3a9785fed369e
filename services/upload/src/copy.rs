//! The copy of the catalog's state by which uploads are permitted, also while the catalog is away.

use slipway_contract::feed::{Change, PackageRow, Release, Row};
use slipway_contract::grant::Grant;
use slipway_contract::losses::{self, Known, Shown};
use slipway_contract::{Visibility, Word};
use slipway_database::Database;
use slipway_database::replica::copy::Replica;
use sqlx::AnyConnection;

use crate::store::{copy, packages, sessions};

pub(crate) struct Copy(pub(crate) Database);

impl Replica for Copy {
    const POSITION: &'static str = "copy_position";

    fn database(&self) -> &Database {
        &self.0
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    async fn clear(db: &mut AnyConnection) -> sqlx::Result<()> {
        copy::clear(db).await
    }

    async fn complete(&self) -> sqlx::Result<()> {
        if copy::keys_are_complete(&mut *self.0.read().await?).await? {
            return Ok(());
        }
        let mut transaction = self.0.write().await?;
        copy::complete_keys(&mut transaction).await?;
        transaction.commit().await
    }

    async fn known(&self) -> sqlx::Result<Known> {
        let mut snapshot = self.0.snapshot().await?;
        let releases = copy::releases(&mut snapshot).await?;
        let tokens = copy::tokens(&mut snapshot).await?;
        let grants = tokens.into_iter().filter_map(readable);
        Ok(Known {
            deleted_apps: copy::deleted_apps(&mut snapshot)
                .await?
                .into_iter()
                .collect(),
            releases: releases.into_iter().map(known_release).collect(),
            tokens: grants.collect(),
            ..Known::default()
        })
    }

    async fn put(db: &mut AnyConnection, change: &Change) -> sqlx::Result<()> {
        match &change.row {
            Row::App(app) => {
                if app.deleted {
                    sessions::end_all_for(db, &app.slug).await?;
                }
                copy::put_app(db, app, change.seq).await
            }
            Row::Token(token) => {
                if token.grant.revoked_at.is_some() {
                    sessions::end_all_of(db, &token.grant.id).await?;
                }
                copy::put_token(db, &token.hash, &token.grant, change.seq).await
            }
            Row::Release(release) => put_release(db, release, change.seq).await,
            Row::Package(package) => put_package(db, package, change.seq).await,
            Row::Unknown => Ok(()),
        }
    }
}

/// A grant that this program cannot read permits nothing by it, so nothing is lost with it.
fn readable((hash, permits): (String, String)) -> Option<(String, Grant)> {
    match serde_json::from_str(&permits) {
        Ok(grant) => Some((hash, grant)),
        Err(error) => {
            tracing::warn!(%error, "a token of the copy cannot be read and permits nothing");
            None
        }
    }
}

fn known_release((app, release): (String, copy::Release)) -> ((String, String), losses::Release) {
    let files = release.files.into_iter();
    let known = losses::Release {
        channels: None,
        shown: match (release.deleted, release.closed) {
            (true, _) => Shown::Deleted,
            (false, true) => Shown::Closed,
            (false, false) => Shown::Open,
        },
        files: files
            .map(|(name, digest)| (name.to_string(), digest.as_hex()))
            .collect(),
    };
    ((app, release.version.to_string()), known)
}

/// What is gone at the catalog is removed here. That the catalog does not tell of a package removes nothing: it may be an
/// older one, or one that has not heard of it yet.
async fn put_package(db: &mut AnyConnection, package: &PackageRow, seq: i64) -> sqlx::Result<()> {
    if copy::put_package(db, package, seq).await? && package.gone {
        packages::remove(db, &package.id).await?;
    }
    Ok(())
}

async fn put_release(db: &mut AnyConnection, release: &Release, seq: i64) -> sqlx::Result<()> {
    let Word::Known(version) = &release.version else {
        // The catalog parses by the same rule; a later one may know more, and then it is the one that refuses.
        tracing::warn!(app = %release.app, version = %release.version, "a release whose version is none here was passed over");
        return Ok(());
    };
    if let Word::Unknown(visibility) = &release.visibility {
        tracing::warn!(
            app = %release.app,
            %version,
            visibility,
            "how far a release is shown is not known here: the catalog alone refuses what may not be added to it"
        );
    }
    let files = release.packages.iter().map(|package| &package.file);
    let row = copy::Release {
        version: release.version.clone(),
        files: files
            .map(|file| (file.filename.clone(), file.sha256))
            .collect(),
        closed: matches!(
            release.visibility,
            Word::Known(Visibility::Published | Visibility::Yanked | Visibility::Deleted)
        ),
        deleted: release.visibility == Visibility::Deleted,
    };
    copy::put_release(db, (release.app.as_str(), version.order_key()), &row, seq).await
}
