//! Rules of (state, what is seen, now), without a clock, a file or a process.

pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod verdict;

#[cfg(test)]
mod tests;
