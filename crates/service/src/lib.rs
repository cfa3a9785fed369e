//! What every Slipway process needs, once for all six services.
//!
//! A service crate holds what it exists for; everything around that is here: the process itself ([`process`]),
//! its settings ([`settings`]) and folder ([`data`]), the HTTP edge ([`http`]), proven calls between services
//! ([`internal`]), finding each other ([`discovery`]), the copy of the catalog's state that others keep ([`changes`]),
//! work that waits for a peer ([`retry`]), tokens ([`token`]) and databases ([`database`]).
//!
//! Dependencies point one way: services depend on this crate, and this crate on none of ours.

pub mod api;
pub mod changes;
pub mod clock;
pub mod data;
pub mod database;
pub mod discovery;
pub mod http;
pub mod internal;
pub mod metrics;
pub mod process;
pub mod quota;
pub mod retry;
pub mod settings;
mod telemetry;
pub mod token;

pub use http::problem::Problem;
pub use process::{Assembled, Health, Options, Process, Service};
