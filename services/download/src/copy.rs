//! The copy of what the catalog says of apps and releases: all that is needed to serve what is published with everybody
//! else gone.
//!
//! A page of changes and the position after it are one transaction, so after a crash at any moment the copy is that of
//! the page before or after. Instances that share the database apply the same pages side by side: a change that is
//! older than the row changes nothing, and the position never goes back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use slipway_packages::Version;
use slipway_service::changes::follow::{Position, Replica};
use slipway_service::changes::{self, Change, Row};
use slipway_service::database::Database;
use sqlx::AnyConnection;

use crate::store::{apps, icons, packages, position, releases};

/// The copy as the feed's follower knows it.
pub struct Copy(pub Database);

impl Replica for Copy {
    async fn position(&self) -> anyhow::Result<Position> {
        let position = position::read(&mut *self.0.read().await?).await?;
        Ok(position.unwrap_or_default())
    }

    async fn apply(
        &self,
        changes: &[Change],
        position: &Position,
        fresh: bool,
    ) -> anyhow::Result<()> {
        let mut transaction = self.0.write().await?;
        let there = position::lock(&mut transaction).await?;
        let same_epoch = there.epoch == position.epoch;
        if !same_epoch && !fresh {
            // Another instance has begun a new epoch while this page of the old one was on its way.
            return Ok(());
        }
        if !same_epoch {
            clear(&mut transaction).await?;
        }
        for change in changes {
            match &change.row {
                Row::App(app) => apps::put(&mut transaction, app, change.seq).await?,
                Row::Release(release) => put_release(&mut transaction, release, change.seq).await?,
                Row::Token(_) => {}
            }
        }
        if !same_epoch || there.applied < position.applied {
            position::write(&mut transaction, position).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

async fn clear(connection: &mut AnyConnection) -> sqlx::Result<()> {
    icons::clear(connection).await?;
    packages::clear(connection).await?;
    releases::clear(connection).await?;
    apps::clear(connection).await
}

async fn put_release(
    connection: &mut AnyConnection,
    release: &changes::Release,
    seq: i64,
) -> sqlx::Result<()> {
    let version: Version = match release.version.parse() {
        Ok(version) => version,
        Err(error) => {
            // Waiting for it to become readable would keep every later release away.
            tracing::error!(app = release.app, version = release.version, %error, "a release was passed over");
            return Ok(());
        }
    };
    if !releases::put(connection, release, &version, seq).await? {
        return Ok(());
    }
    packages::delete(connection, &release.app, &release.version).await?;
    icons::delete(connection, &release.app, &release.version).await?;
    let mut icon = None;
    for package in &release.packages {
        let mut facts = package.facts.clone();
        let found = facts.as_object_mut().and_then(|facts| facts.remove("icon"));
        icon = icon.or_else(|| {
            found
                .as_ref()
                .and_then(|found| read_icon(found, &package.sha256))
        });
        packages::insert(connection, release, package, &facts.to_string()).await?;
    }
    if let Some(icon) = icon {
        icons::insert(connection, &release.app, &release.version, &icon).await?;
    }
    Ok(())
}

/// Nothing but pictures that cannot carry a script: an SVG opened by itself runs one on our origin.
fn read_icon(value: &Value, sha256: &str) -> Option<icons::Icon> {
    let media_type = value.get("media_type")?.as_str()?;
    if !matches!(media_type, "image/png" | "image/webp") {
        return None;
    }
    Some(icons::Icon {
        media_type: media_type.to_owned(),
        bytes: STANDARD.decode(value.get("data")?.as_str()?).ok()?,
        sha256: sha256.to_owned(),
    })
}
