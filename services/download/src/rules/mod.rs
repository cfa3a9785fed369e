//! The rules: what is served to whom, and what the page offers. No HTTP and no SQL: who asks reads the facts.

pub(crate) mod asked;
pub(crate) mod fit;
pub(crate) mod listing;
pub(crate) mod offers;
pub(crate) mod older;
pub(crate) mod standing;
