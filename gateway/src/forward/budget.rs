//! How many requests may be asked twice.

use std::time::Duration;

use tower::retry::budget::TpsBudget;

/// One in five. Without a limit services that are slow under load would get twice the load.
const SHARE: f32 = 0.2;
/// For so long a request counts: what a busy minute has earned is not spent at once in the next.
const WINDOW: Duration = Duration::from_secs(10);
/// So many more are not earned by any, in each second of the window: those that are on their way to an instance when it
/// is killed are asked again, also where hardly any were before.
const LEAST_PER_SECOND: u32 = 10;

pub(super) fn budget() -> TpsBudget {
    TpsBudget::new(WINDOW, LEAST_PER_SECOND, SHARE)
}

#[cfg(test)]
mod tests {
    use tower::retry::budget::Budget as _;

    use super::*;

    fn asked_twice(requests: usize, budget: &TpsBudget) -> usize {
        (0..requests)
            .map(|_| {
                budget.deposit();
                usize::from(budget.withdraw())
            })
            .sum()
    }

    #[test]
    fn one_request_in_five_may_be_asked_twice() {
        let of_a_window = budget();
        let asked_twice = asked_twice(1000, &of_a_window);
        assert_eq!(asked_twice, 300, "and the hundred that nothing earns");
        assert!(!of_a_window.withdraw());

        let saved_up = budget();
        (0..500).for_each(|_| saved_up.deposit());
        let at_once: usize = (0..300).map(|_| usize::from(saved_up.withdraw())).sum();
        assert_eq!(at_once, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_busy_minute_has_earned_is_gone_in_the_next() {
        let budget = budget();
        (0..10_000).for_each(|_| budget.deposit());
        tokio::time::advance(WINDOW + Duration::from_secs(1)).await;
        let at_once: usize = (0..300).map(|_| usize::from(budget.withdraw())).sum();
        assert_eq!(at_once, 100);
    }
}
