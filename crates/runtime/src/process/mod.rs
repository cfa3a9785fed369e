//! The context of a process, its background tasks, and its place in the data folder.

pub mod address;
pub mod context;
pub mod descriptors;
mod gone;
pub mod handover;
pub mod load;
pub(crate) mod program;
pub mod readings;
pub mod slot;
pub mod tasks;

pub use context::Process;
