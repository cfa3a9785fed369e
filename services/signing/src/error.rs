//! Every refusal with its status, code and words.

use slipway_packages::Digest;
use slipway_service::Problem;
use slipway_service::database::fault::Fault;

use crate::blobs::BlobError;
use crate::files::FileError;
use crate::statement::Stated;
use crate::time::ClockWrong;

/// The name is taken in that version.
pub(crate) struct StatementDiffers(pub(crate) Stated);

/// The database does not have the key that was given out or signed with: it is an older copy, or another one.
pub(crate) struct KeyMissing {
    pub(crate) app: String,
    /// None where nobody says which one.
    pub(crate) key_id: Option<String>,
    /// The key that the database has for the app.
    pub(crate) instead: Option<String>,
}

impl From<StatementDiffers> for Problem {
    fn from(StatementDiffers(taken): StatementDiffers) -> Self {
        let Stated {
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

/// The release waits: the key can come back.
impl From<KeyMissing> for Problem {
    fn from(missing: KeyMissing) -> Self {
        let KeyMissing {
            app,
            key_id,
            instead,
        } = missing;
        let detail = match key_id {
            Some(id) => format!("the key {id} is not in signing's database: put it back"),
            None => format!("no key of {app} is in signing's database: put it back"),
        };
        let detail = match instead {
            Some(instead) => format!("{detail} (there it is {instead} that signs for {app})"),
            None => detail,
        };
        Self::unavailable("key_missing", detail)
    }
}

/// The release waits: the file can be put back.
impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Unavailable(cause) => match Fault::of(&cause) {
                Some(fault) => Self::from(fault),
                None => Self::unavailable(
                    "statements_unavailable",
                    "the folder of the statements does not answer: try again in a moment",
                ),
            }
            .with_cause(cause),
            error @ (FileError::Damaged { .. } | FileError::Differs { .. }) => {
                Self::unavailable("statement_damaged", error.to_string())
            }
        }
    }
}

/// The release waits: a clock can be set right.
impl From<ClockWrong> for Problem {
    fn from(wrong: ClockWrong) -> Self {
        Self::unavailable("clock_wrong", wrong.to_string())
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
