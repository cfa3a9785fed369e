//! A roll-out of the fleet: every instance replaced by one of another program, one at a time.
//!
//! What happens next is a rule of what was seen ([`rules::progress`]), and what is to run is a rule of how far it has come
//! ([`rules::progress::Progress::wanted`]). So whoever goes on after a kill does what the one before would have done.

pub(crate) mod rules;
