//! Formats of signatures: the exact bytes that are signed and the exact texts that are served.
//!
//! Every message is built here from typed fields, and no function signs bytes that a caller chose: an uploader chooses
//! the bytes of a package, so such a function would sign whatever an attacker uploads. Nothing here reads a key from
//! disk, listens or keeps state, so there is nothing to lose in a crash.

pub mod minisign;
