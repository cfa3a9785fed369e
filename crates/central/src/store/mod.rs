//! SQL, one file per table or two that belong together.

pub(crate) mod revisions;
pub(crate) mod schemas;
pub(crate) mod tokens;

/// What a row holds cannot be read.
fn unreadable(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
