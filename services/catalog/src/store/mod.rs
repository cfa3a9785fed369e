//! Every query, one file per table, as functions over a connection: the caller opens and commits the transaction.
//!
//! Columns are named, never `*`: a later version beside us may add some, and SQLite hands them to a statement that was
//! prepared before, for which sqlx's connection dies. PostgreSQL refuses such a statement.

pub(crate) mod apps;
pub(crate) mod audit;
pub(crate) mod channels;
pub(crate) mod draft_notes;
pub(crate) mod feed;
pub(crate) mod idempotency;
pub(crate) mod identities;
pub(crate) mod intents;
pub(crate) mod jobs;
pub(crate) mod like;
pub(crate) mod owners;
pub(crate) mod package_rows;
pub(crate) mod packages;
pub(crate) mod quotas;
pub(crate) mod releases;
pub(crate) mod tokens;
