//! The HTTP edge that all services share: the accept loop, the layers around a router, errors and extractors.

pub mod caller;
pub mod client;
mod connection;
pub mod edge;
pub mod framing;
mod graceful;
mod handshakes;
pub mod idle;
pub mod json;
pub mod list;
pub mod operators;
pub mod origin;
pub mod page;
pub mod pattern;
pub mod prefer;
pub mod problem;
pub mod request_line;
pub mod serve;
pub mod shedding;
mod unread;
