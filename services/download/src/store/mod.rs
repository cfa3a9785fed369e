//! Every query, one file per table.

pub(crate) mod apps;
pub(crate) mod downloads;
pub(crate) mod icons;
pub(crate) mod packages;
pub(crate) mod releases;
