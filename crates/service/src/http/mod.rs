//! The HTTP edge that all services share: the accept loop, the layers around a router, errors and extractors.

pub mod edge;
pub mod framing;
pub mod json;
pub mod problem;
pub mod serve;
