//! The copy of the catalog's state by which uploads are permitted, also while the catalog is away.
//!
//! All instances of upload share it. A row only ever moves forward by its number, and the position with it, in one
//! transaction: after a crash the copy is as it was or as the page made it, and the same page again changes nothing.

use slipway_packages::Version;
use slipway_service::changes::follow::{Position, Replica};
use slipway_service::changes::{Change, Release, Row, Visibility};
use slipway_service::database::Database;
use sqlx::AnyConnection;

use crate::store::copy;

pub(crate) struct Copy(pub(crate) Database);

impl Replica for Copy {
    async fn position(&self) -> anyhow::Result<Position> {
        let mut connection = self.0.read().await?;
        Ok(copy::position(&mut connection).await?)
    }

    async fn apply(
        &self,
        changes: &[Change],
        position: &Position,
        fresh: bool,
    ) -> anyhow::Result<()> {
        let mut transaction = self.0.write().await?;
        let before = copy::hold_position(&mut transaction).await?;
        let same_epoch = before.epoch == position.epoch;
        if !same_epoch && !fresh {
            // Another instance has moved the copy to a new epoch; the next poll begins there.
            return Ok(());
        }
        if !same_epoch {
            copy::clear(&mut transaction).await?;
        }
        for change in changes {
            apply(&mut transaction, change).await?;
        }
        if !same_epoch || position.applied > before.applied {
            copy::move_to(&mut transaction, position).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

async fn apply(db: &mut AnyConnection, change: &Change) -> sqlx::Result<()> {
    match &change.row {
        Row::App(app) => copy::put_app(db, &app.slug, change.seq).await,
        Row::Token(token) => copy::put_token(db, &token.hash, &token.grant, change.seq).await,
        Row::Release(release) => put_release(db, release, change.seq).await,
    }
}

async fn put_release(db: &mut AnyConnection, release: &Release, seq: i64) -> sqlx::Result<()> {
    let Ok(version) = release.version.parse::<Version>() else {
        // The catalog parses by the same rule; a later one may know more, and then it is the one that refuses.
        return Ok(());
    };
    let files = release.packages.iter();
    let row = copy::Release {
        version: release.version.clone(),
        files: files
            .map(|file| (file.filename.clone(), file.sha256.clone()))
            .collect(),
        closed: matches!(
            release.visibility,
            Visibility::Published | Visibility::Yanked
        ),
    };
    copy::put_release(db, (&release.app, version.order_key()), &row, seq).await
}
