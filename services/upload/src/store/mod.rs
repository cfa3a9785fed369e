//! Every query, one file per table.
//!
//! Columns are named, never `*`: a later version beside us may add some, and SQLite hands them to a statement that was
//! prepared before, for which sqlx's connection dies. PostgreSQL refuses such a statement.

pub(crate) mod copy;
pub(crate) mod intents;
pub(crate) mod json;
pub(crate) mod missing_blocks;
pub(crate) mod outbox;
pub(crate) mod packages;
pub(crate) mod replacements;
pub(crate) mod sessions;
pub(crate) mod state;
pub(crate) mod used;

/// Texts from `start` to before `end`.
pub(crate) type Range = std::ops::Range<String>;
