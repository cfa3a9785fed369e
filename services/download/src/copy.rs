//! The copy of what the catalog says of apps and releases: all that is needed to serve what is published with everybody
//! else gone.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use slipway_contract::Word;
use slipway_contract::feed::{self, Change, Row};
use slipway_contract::losses::{self, Known, Shown};
use slipway_database::Database;
use slipway_database::replica::copy::Replica;
use sqlx::AnyConnection;

use crate::rules::fit;
use crate::store::{apps, icons, packages, releases};

/// The copy, as the follower of the feed writes to it.
pub struct Copy(pub Database);

impl Replica for Copy {
    const POSITION: &'static str = "position";

    fn database(&self) -> &Database {
        &self.0
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    async fn clear(db: &mut AnyConnection) -> sqlx::Result<()> {
        icons::clear(db).await?;
        packages::clear(db).await?;
        releases::clear(db).await?;
        apps::clear(db).await
    }

    async fn complete(&self) -> sqlx::Result<()> {
        if releases::keys_are_complete(&mut *self.0.read().await?).await? {
            return Ok(());
        }
        let mut transaction = self.0.write().await?;
        releases::complete_keys(&mut transaction).await?;
        transaction.commit().await
    }

    async fn known(&self) -> sqlx::Result<Known> {
        let mut snapshot = self.0.snapshot().await?;
        let mut known = Known {
            keys: apps::keys(&mut snapshot).await?.into_iter().collect(),
            deleted_apps: apps::deleted(&mut snapshot).await?.into_iter().collect(),
            ..Known::default()
        };
        for (app, version, visibility) in releases::all(&mut snapshot).await? {
            let release = losses::Release {
                shown: Shown::of(&Word::read(visibility)),
                files: BTreeMap::new(),
                channels: Some(BTreeSet::new()),
            };
            known.releases.insert((app, version), release);
        }
        for (app, version, filename, sha256) in packages::digests(&mut snapshot).await? {
            if let Some(release) = known.releases.get_mut(&(app, version)) {
                release.files.insert(filename, sha256);
            }
        }
        for (app, version, channel) in releases::in_channels(&mut snapshot).await? {
            let release = known.releases.get_mut(&(app, version));
            if let Some(channels) = release.and_then(|release| release.channels.as_mut()) {
                channels.insert(channel);
            }
        }
        Ok(known)
    }

    async fn put(db: &mut AnyConnection, change: &Change) -> sqlx::Result<()> {
        match &change.row {
            Row::App(app) => apps::put(db, app, change.seq).await,
            Row::Release(release) => put_release(db, release, change.seq).await,
            Row::Token(_) | Row::Package(_) | Row::Unknown => Ok(()),
        }
    }
}

async fn put_release(
    connection: &mut AnyConnection,
    release: &feed::Release,
    seq: i64,
) -> sqlx::Result<()> {
    let Word::Known(version) = &release.version else {
        // Waiting for it to become readable would keep every later release away.
        tracing::error!(app = %release.app, version = %release.version, "a release whose version is none here was passed over");
        return Ok(());
    };
    let app = release.app.as_str();
    if !releases::put(connection, release, version, seq).await? {
        return Ok(());
    }
    packages::delete(connection, app, version.as_str()).await?;
    icons::delete(connection, app, version.as_str()).await?;
    let mut icon = None;
    for package in &release.packages {
        let mut facts = package.facts.clone();
        let found = facts.as_object_mut().and_then(|facts| facts.remove("icon"));
        icon = icon.or_else(|| {
            found
                .as_ref()
                .and_then(|found| read_icon(found, &package.file.sha256.as_hex()))
        });
        let facts = facts.to_string();
        packages::insert(connection, release, package, &facts).await?;
        say_unknown_words(release, package);
        if !fit::tell(&facts) {
            tracing::warn!(
                app,
                %version,
                filename = %package.file.filename,
                "the facts of this file have a shape that is not known here: it is listed and offered to nobody"
            );
        }
    }
    if let Some(icon) = icon {
        icons::insert(connection, app, version.as_str(), &icon).await?;
    }
    Ok(())
}

/// What follows from words of a later version, once, when they come.
fn say_unknown_words(release: &feed::Release, package: &feed::Package) {
    let words = package.file.unknown_words();
    if words.is_empty() {
        return;
    }
    tracing::warn!(
        app = %release.app,
        version = %release.version,
        filename = %package.file.filename,
        words = words.join(", "),
        "this file is of a kind or for a machine that is not known here: it is served at its own address and offered to nobody"
    );
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
