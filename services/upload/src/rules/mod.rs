//! Decisions: from facts and the time to what is done, or to a refusal. Nothing here asks anybody or keeps anything, and
//! nothing speaks HTTP or SQL; [`crate::error`] has the words of the refusals.

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
