//! Work that is kept in rows and leased there, so that any number of instances may run, and none of it is lost with one.
//!
//! Each queue has a table of its own ([`Table`]), which its service writes rows into, in the transaction that makes the
//! work. [`Workers`] take one row after another: a lease has an id of its own and an end, and is renewed while the work
//! runs. Whoever lost its lease changes nothing of the row any more ([`Lease`]). Work that waits for a peer is put back,
//! with pauses that grow; work that may be what ends processes runs alone in one, and is given up when it ended that too
//! ([`crashes`]). A killed process leaves a lease that ends; one that is told to end hands its leases back at once.
//!
//! All work is begun again now and then, so it is made of steps that are safe to repeat.

pub mod crashes;
mod lease;
mod table;
mod workers;

pub use lease::Lease;
pub use table::{Row, Table};
pub use workers::{Limits, Queue, Work, Workers};
