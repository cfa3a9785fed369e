//! The rules of the central configuration: no I/O, and the time is a parameter.
//!
//! A document is a tree of settings without the compiled defaults. Those of `base`, of an environment and of a service in an
//! environment lie over what a process has locally, and under what its variables and its command line say ([`layer`]). What
//! there is to set, and what of it may be set from afar, the schema of each service says ([`schema`]). Changes are
//! compare-and-swap on one number ([`history`]).

pub mod content;
pub mod difference;
pub mod document;
pub mod history;
pub mod layer;
pub mod refusal;
pub mod schema;
pub mod secret;
#[cfg(feature = "validation")]
pub mod validation;

pub use content::Content;
pub use document::{DocumentName, Documents};
pub use layer::{Layer, Layers};
pub use refusal::Refusal;
pub use schema::{Applies, Schema};
