//! How many requests may be asked twice.

use std::sync::atomic::{AtomicI64, Ordering};

/// What one second request takes out of the budget, to which each request adds 1: one in ten may be asked twice. Without
/// a limit services that are slow under load would get twice the load.
const PRICE: i64 = 10;
/// Second requests that can be saved up.
const MOST: i64 = 50;

pub(super) struct Budget(AtomicI64);

impl Default for Budget {
    /// Enough for the first that meets an instance that hangs.
    fn default() -> Self {
        Self(AtomicI64::new(PRICE))
    }
}

impl Budget {
    /// Notes a request.
    pub(super) fn earn(&self) {
        let earned = |budget: i64| Some((budget + 1).min(MOST * PRICE));
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, earned);
    }

    /// Whether a request may be asked twice.
    pub(super) fn spend(&self) -> bool {
        let spent = |budget: i64| (budget >= PRICE).then_some(budget - PRICE);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_in_ten_may_be_asked_twice() {
        let budget = Budget::default();
        let twice = |budget: &Budget| {
            budget.earn();
            usize::from(budget.spend())
        };
        let asked_twice: usize = (0..1000).map(|_| twice(&budget)).sum();
        assert_eq!(asked_twice, 101, "and the first");
        (0..10_000).for_each(|_| budget.earn());
        let at_once: usize = (0..100).map(|_| usize::from(budget.spend())).sum();
        assert_eq!(at_once, 50);
    }
}
