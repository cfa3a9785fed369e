//! Every query, one file per table.

pub(crate) mod copy;
pub(crate) mod outbox;
pub(crate) mod packages;
pub(crate) mod sessions;
