//! One file per resource.

pub(crate) mod config;
pub(crate) mod configuration;
pub(crate) mod instances;
