//! The other processes: who is there ([`discovery`]), proven calls to them ([`client`]), and what they may call here.
//!
//! Both ends of every connection prove who they are by TLS 1.3 with certificates ([`identity`]) that the platform's
//! authority has made, before a byte of a request leaves. What a caller says of itself is never asked for: the accept loop
//! reads its certificate ([`certificate`]), and [`access`] is the one table of who may ask whom for what. A request names
//! the instance, and under `up` the run, that it is meant for; another answers 421 without reading the body ([`guard`]).
//!
//! **Every internal endpoint is safe to repeat.** That is what lets [`client`] go on to the next instance after any
//! failure, and lets a job that died anywhere begin again.

pub mod access;
pub mod certificate;
pub mod client;
pub mod configuration;
mod context;
mod damaged;
pub mod discovery;
pub mod guard;
pub mod identity;
pub mod joined;
pub mod probe;
mod report;
pub mod run;
pub mod waking;

pub use context::Peers;
pub use run::{Assembled, RouterService, main, run};
