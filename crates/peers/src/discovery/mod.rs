//! Finding each other: every instance sends its full record to every registry node under a lease, and watches them.
//!
//! What was last known is kept on disk, so that traffic goes on, and a process starts, while every registry is gone.

mod advertise;
pub mod heartbeat;
pub mod known;
pub(crate) mod nodes;
pub mod registries;
pub mod time;
pub mod view;
pub mod watch;
