//! Rows as documents of the API.

use std::collections::HashSet;

use slipway_contract::{PackageState, Word, public};
use slipway_runtime::clock;
use sqlx::AnyConnection;

use crate::error::Error;
use crate::history;
use crate::rules::channel::left;
use crate::rules::state::State as Stage;
use crate::state::CatalogState;
use crate::store::{channels, packages, releases};

/// A release with its packages. A state that a later version wrote is shown as it is.
pub(super) async fn release(
    state: &CatalogState,
    db: &mut AnyConnection,
    row: &releases::Release,
) -> Result<public::Release, Error> {
    let rows = packages::of_release(db, &row.id).await?;
    let mut packages = Vec::with_capacity(rows.len());
    for package in &rows {
        packages.push(self::package(state, db, package, Some(row)).await?);
    }
    let departures = if row.state == Stage::Deleted {
        Vec::new()
    } else {
        channels::departures(db, &row.id).await?
    };
    let mut warnings: Vec<_> = packages
        .iter()
        .flat_map(|package| package.warnings.clone())
        .collect();
    warnings.extend(
        departures
            .iter()
            .map(|departure| left(row.app.as_str(), row.version.as_str(), departure)),
    );
    // Several packages often have one reason.
    let mut known = HashSet::new();
    warnings.retain(|warning| known.insert(warning.clone()));
    let origin = origin(state);
    let path = |package: &public::Package| {
        format!(
            "{origin}{}",
            public::file_path(
                row.app.as_str(),
                row.version.as_str(),
                package.file.filename.as_str()
            )
        )
    };
    Ok(public::Release {
        app: row.app.clone(),
        version: row.version.clone(),
        channels: if row.state == Stage::Deleted {
            Vec::new()
        } else {
            releases::channels(db, &row.id).await?
        },
        state: Word::read(row.state.to_string()),
        reason: row.reason.clone(),
        notes: row.notes.clone(),
        links: public::Links {
            page: format!("{origin}{}", public::page_path(row.app.as_str())),
            files: packages.iter().map(path).collect(),
        },
        packages,
        created_at: clock::rfc3339(row.created_at),
        published_at: row.published_at.map(clock::rfc3339),
        yanked_at: row.yanked_at.map(clock::rfc3339),
        warnings,
        pending: Vec::new(),
    })
}

/// A package and, when it belongs to one, its release.
pub(super) async fn uploaded(
    state: &CatalogState,
    db: &mut AnyConnection,
    row: &packages::Package,
) -> Result<public::Uploaded, Error> {
    let release = match &row.release_id {
        Some(id) => releases::by_id(db, id).await?,
        None => None,
    };
    let Some(release) = release else {
        return Ok(public::Uploaded {
            package: package(state, db, row, None).await?,
            release: None,
            refused: None,
        });
    };
    Ok(public::Uploaded {
        package: package(state, db, row, Some(&release)).await?,
        release: Some(self::release(state, db, &release).await?),
        refused: None,
    })
}

async fn package(
    state: &CatalogState,
    db: &mut AnyConnection,
    row: &packages::Package,
    release: Option<&releases::Release>,
) -> sqlx::Result<public::Package> {
    let (origin, facts) = (origin(state), row.facts()?);
    Ok(public::Package {
        warnings: history::known(db, &row.id, &facts).await?,
        state: release.map_or(Word::Known(PackageState::Stored), |release| {
            Word::read(release.state.to_string())
        }),
        reason: release.and_then(|release| release.reason.clone()),
        url: release.map(|release| {
            format!(
                "{origin}{}",
                public::file_path(
                    row.app.as_str(),
                    release.version.as_str(),
                    row.file.filename.as_str()
                )
            )
        }),
        ..public::Package::stored(row.id.clone(), row.file.clone(), &facts)
    })
}

/// What addresses begin with.
fn origin(state: &CatalogState) -> &str {
    let settings = &state.process.settings.http;
    settings.public_url.as_deref().unwrap_or_default()
}
