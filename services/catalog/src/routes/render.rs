//! Rows as documents of the API.

use slipway_service::{Problem, api, clock};
use sqlx::AnyConnection;

use crate::channels::left;
use crate::store::{channels, packages, releases};
use crate::{CatalogState, draft};

/// A release with its packages. A state that a later version wrote is shown as it is.
pub(super) async fn release(
    state: &CatalogState,
    db: &mut AnyConnection,
    row: &releases::Release,
) -> Result<api::Release, Problem> {
    let rows = packages::of_release(db, &row.id).await?;
    let packages: Vec<_> = rows
        .iter()
        .map(|package| self::package(state, package, Some(row)))
        .collect();
    let departures = channels::departures(db, &row.id).await?;
    let warnings = departures.iter().map(|departure| left(row, departure));
    let warnings = warnings.collect();
    let origin = origin(state);
    let path = |package: &api::Package| {
        format!(
            "{origin}{}",
            api::file_path(&row.app, &row.version, &package.filename)
        )
    };
    Ok(api::Release {
        app: row.app.clone(),
        version: row.version.clone(),
        channels: if draft::is_deleted(row) {
            Vec::new()
        } else {
            releases::channels(db, &row.id).await?
        },
        state: row.state.clone(),
        reason: row.reason.clone(),
        notes: row.notes.clone(),
        links: api::Links {
            page: format!("{origin}{}", api::page_path(&row.app)),
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
) -> Result<api::Uploaded, Problem> {
    let release = match &row.release_id {
        Some(id) => releases::by_id(db, id).await?,
        None => None,
    };
    let Some(release) = release else {
        return Ok(api::Uploaded {
            package: package(state, row, None),
            release: None,
            refused: None,
        });
    };
    Ok(api::Uploaded {
        package: package(state, row, Some(&release)),
        release: Some(self::release(state, db, &release).await?),
        refused: None,
    })
}

fn package(
    state: &CatalogState,
    row: &packages::Package,
    release: Option<&releases::Release>,
) -> api::Package {
    let origin = origin(state);
    api::Package {
        id: row.id.clone(),
        filename: row.filename.clone(),
        sha256: row.sha256.clone(),
        size: row.size,
        kind: row.kind.clone(),
        platform: row.platform.clone(),
        arch: row.arch.clone(),
        state: release
            .map_or("stored", |release| release.state.as_str())
            .to_owned(),
        reason: release.and_then(|release| release.reason.clone()),
        url: release.map(|release| {
            format!(
                "{origin}{}",
                api::file_path(&row.app, &release.version, &row.filename)
            )
        }),
        ..api::Package::of_facts(&row.facts())
    }
}

/// What addresses begin with.
fn origin(state: &CatalogState) -> &str {
    let settings = &state.process.settings.http;
    settings.public_url.as_deref().unwrap_or_default()
}
