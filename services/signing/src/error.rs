//! Every refusal with its status, code and words.

use slipway_packages::Digest;
use slipway_service::Problem;

use crate::blobs::BlobError;
use crate::store::statements::Row;

/// The name is taken in that version.
pub(crate) struct StatementDiffers(pub(crate) Row);

impl From<StatementDiffers> for Problem {
    fn from(StatementDiffers(taken): StatementDiffers) -> Self {
        let Row {
            app,
            version,
            filename,
            sha256,
            size,
            ..
        } = taken;
        Self::conflict(
            "statement_differs",
            format!(
                "version {version} of {app} has a `{filename}` of {size} bytes with the SHA-256 {sha256} already, and what was stated once is never signed differently: release these bytes under a new version"
            ),
        )
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        let mismatch = |wanted: Digest, found: String| {
            Self::unprocessable(
                "digest_mismatch",
                format!(
                    "the store has other bytes than those with the SHA-256 {wanted} that were uploaded ({found}): restore the store, then retry the release, or upload the package under a new version"
                ),
            )
        };
        match error {
            BlobError::Missing(wanted) => Self::unprocessable(
                "blob_missing",
                format!(
                    "the store does not have the bytes with the SHA-256 {wanted}: upload the package again, then retry the release"
                ),
            ),
            BlobError::Differs { wanted, found, .. } => {
                mismatch(wanted, format!("theirs is {found}"))
            }
            BlobError::OtherSize {
                wanted,
                size,
                found,
            } => mismatch(wanted, format!("{found} bytes instead of {size}")),
            BlobError::Ending => {
                Self::unavailable("draining", "this instance is leaving: ask another")
            }
            error @ BlobError::Unavailable(_) => Self::unavailable(
                "store_unavailable",
                "the store does not answer: try again in a moment",
            )
            .with_cause(error),
        }
    }
}
