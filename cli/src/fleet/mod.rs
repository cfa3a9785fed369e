//! What `up` runs: which instances it is to run and of which program, what it runs now, and the programs themselves.
//!
//! `DIR/versions/wanted.json` says what is to run; whoever writes it gives it a higher revision. `up` follows it within
//! [`FOLLOWED_EVERY`] and tells in `DIR/run/fleet` what it has done. Neither waits for the other, so either may be killed.

pub(crate) mod release;
pub(crate) mod running;
pub(crate) mod versions;
pub(crate) mod wanted;

use std::time::Duration;

/// How often `up` looks whether something else is to run.
pub(crate) const FOLLOWED_EVERY: Duration = Duration::from_millis(100);
