//! A follower's side of the change feed (`slipway_contract::feed`), for every service that keeps a copy.

pub mod age;
pub mod copy;
pub mod current;
pub mod follow;
pub mod held;
mod introduction;
