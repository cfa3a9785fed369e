//! Decisions: from facts and the time to what is done, or to a refusal. Nothing here asks anybody or keeps anything: what is
//! decided on was read before, and [`crate::error`] has the status, the code and the words of the refusals.

pub(crate) mod body;
pub(crate) mod channel;
pub(crate) mod form;
pub(crate) mod inspection;
pub(crate) mod package;
pub(crate) mod permission;
pub(crate) mod place;
pub(crate) mod progress;
pub(crate) mod quota;
pub(crate) mod removal;
pub(crate) mod session;
pub(crate) mod sweep;
