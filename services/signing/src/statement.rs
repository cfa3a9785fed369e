//! Statements: these bytes are this file of this version of this app.
//!
//! A name in a version is stated once and for ever. Who could have two sets of bytes signed under one name could show
//! one person another app than everybody else.

use serde::Deserialize;
use slipway_packages::{Digest, FileName, Slug, Version};
use slipway_service::Problem;
use slipway_signatures::minisign::TrustedComment;

use crate::store::statements::Row;

/// What the catalog wants signed; each field can only hold what its type allows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    pub(crate) app: Slug,
    pub(crate) version: Version,
    pub(crate) filename: FileName,
    pub(crate) sha256: Digest,
    /// Bytes.
    pub(crate) size: u64,
}

impl Statement {
    /// The row that states it, unless one is there.
    pub(crate) fn row(&self, key_id: &str, stated_at: i64) -> Result<Row, Problem> {
        let size = i64::try_from(self.size).map_err(|_| {
            Problem::bad_request(
                "size_invalid",
                "no package has so many bytes: give its size",
            )
        })?;
        Ok(Row {
            app: self.app.to_string(),
            version: self.version.to_string(),
            version_key: self.version.order_key().to_owned(),
            filename: self.filename.to_string(),
            sha256: self.sha256.to_string(),
            size,
            key_id: key_id.to_owned(),
            stated_at,
            signature: None,
        })
    }

    /// The message of a row that says the same as this statement.
    pub(crate) fn comment(&self, row: &Row) -> TrustedComment {
        TrustedComment {
            timestamp: row.stated_at.div_euclid(1000),
            file: self.filename.clone(),
            version: self.version.clone(),
            app: self.app.clone(),
            sha256: self.sha256,
        }
    }
}

impl Row {
    /// Whether two rows state the same, in the same words: `1.0` and `1.0.0` are one version, but two texts.
    pub(crate) fn says_the_same_as(&self, other: &Self) -> bool {
        self.app == other.app
            && self.version == other.version
            && self.filename == other.filename
            && self.sha256 == other.sha256
            && self.size == other.size
    }
}
