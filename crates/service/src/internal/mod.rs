//! Calls between services.
//!
//! Both ends of every connection prove who they are by TLS 1.3 with certificates ([`identity`]) that the platform's
//! authority has made ([`authority`]), before a byte of a request leaves. What a caller says of itself is never asked
//! for: [`verify`] reads its certificate, and [`access`] is the one table of who may ask whom for what. A request names
//! the instance, and under `up` the run, that it is meant for; another answers 421 without reading the body.
//!
//! **Every internal endpoint is safe to repeat.** That is what lets [`client`] go on to the next instance after any
//! failure, and lets a job that died anywhere begin again.

pub mod access;
pub mod authority;
mod certificate;
pub mod client;
pub mod identity;
pub mod key;
pub mod probe;
pub mod verify;
