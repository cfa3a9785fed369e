//! The versions before the one that an app's page is about. Which these are is for [`crate::rules::older`].

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::offer::{File, Telling};
use crate::labels;
use crate::rules::older::Older;
use crate::store::packages::Package;

/// Some of them, the newest first.
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
    pub(super) fn new(telling: Telling<'_>, older: Older<Package>) -> Self {
        let last = older.releases.last().filter(|_| older.is_cut);
        let before =
            last.map(|last| utf8_percent_encode(&last.version, NON_ALPHANUMERIC).to_string());
        let date = |time| labels::date(time, telling.texts.language);
        let releases = older.releases.into_iter().map(|release| {
            let published = release.packages.first();
            let published = published.and_then(|package| package.published_at);
            let files = release.packages.iter();
            OlderRelease {
                version: release.version,
                published: published.and_then(date),
                files: files.map(|package| File::new(telling, package)).collect(),
            }
        });
        Self {
            releases: releases.collect(),
            before,
        }
    }
}
