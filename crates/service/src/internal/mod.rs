//! Calls between services.
//!
//! Each callee has a key of its own; each caller holds one derived from it for itself, and nobody holds another's. A
//! request is signed over caller, callee, the instance it is meant for, method, path and time, so a stolen request
//! opens nothing else, and a stolen caller's key opens only what [`access`] grants that caller.
//!
//! **Every internal endpoint is safe to repeat.** That is what lets [`client`] go on to the next instance after any
//! failure, and lets a job that died anywhere begin again.

pub mod access;
pub mod client;
pub mod key;
pub mod verify;
