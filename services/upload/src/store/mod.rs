//! Every query, one file per table.

pub(crate) mod copy;
pub(crate) mod intents;
pub(crate) mod missing_blocks;
pub(crate) mod outbox;
pub(crate) mod packages;
pub(crate) mod replacements;
pub(crate) mod sessions;
pub(crate) mod used;

/// Texts from `start` to before `end`.
pub(crate) type Range = std::ops::Range<String>;
