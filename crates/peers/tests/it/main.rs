//! The edge of a process from outside, its accept loop and its calls between services.

mod calls;
mod edge;
mod serve;
