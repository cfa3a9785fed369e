//! The versions before the one that an app's page is about.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use slipway_contract::Version;
use sqlx::AnyConnection;

use super::offer::{File, Telling};
use crate::labels;
use crate::store::packages;

/// Some of them, the newest first.
#[derive(Default)]
pub(super) struct OlderVersions {
    pub(super) releases: Vec<OlderRelease>,
    /// The version that more are older than, as it stands in a query.
    pub(super) before: Option<String>,
}

pub(super) struct OlderRelease {
    pub(super) version: String,
    pub(super) published: Option<String>,
    pub(super) files: Vec<File>,
}

impl OlderVersions {
    /// Up to `limit` of those below `version`.
    pub(super) async fn read(
        connection: &mut AnyConnection,
        telling: Telling<'_>,
        version: &str,
        limit: u16,
    ) -> sqlx::Result<Self> {
        let more = i64::from(limit) + 1;
        if limit == 0 || version.parse::<Version>().is_err() {
            return Ok(Self::default());
        }
        let mut releases: Vec<OlderRelease> = Vec::new();
        for older in packages::older(connection, telling.view, version, more).await? {
            let file = File::new(telling, &older);
            match releases.last_mut() {
                Some(last) if last.version == older.version => last.files.push(file),
                _ => releases.push(OlderRelease {
                    version: older.version,
                    published: older
                        .published_at
                        .and_then(|time| labels::date(time, telling.texts.language)),
                    files: vec![file],
                }),
            }
        }
        let is_cut = releases.len() > usize::from(limit);
        releases.truncate(usize::from(limit));
        let before = releases.last().filter(|_| is_cut);
        Ok(Self {
            before: before
                .map(|last| utf8_percent_encode(&last.version, NON_ALPHANUMERIC).to_string()),
            releases,
        })
    }
}
