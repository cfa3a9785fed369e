//! One file per resource.

pub(crate) mod instances;
