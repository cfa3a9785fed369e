//! The context of a process, its background tasks, and its place in the data folder.

pub mod address;
pub mod context;
pub mod descriptors;
pub mod door;
mod gone;
pub mod listener;
pub mod load;
pub(crate) mod program;
pub mod readings;
pub mod slot;
pub mod tasks;

pub use context::Process;
