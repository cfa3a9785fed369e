//! How many calls may be made once more, at another instance, after one has been asked and has not answered.

use std::time::Duration;

use tower::retry::budget::{Budget as _, TpsBudget};

use super::answer::Cause;

/// One in ten. Without a limit a service whose instances give up under load would get each call as often as it has
/// instances.
const SHARE: f32 = 0.1;
/// For so long a call counts: a service that is up again is not asked for what was earned before.
const WINDOW: Duration = Duration::from_secs(10);
/// So many more are not earned by any, in each second of the window: more than the calls that a process has running when
/// an instance is killed, which all go on at another.
const LEAST_PER_SECOND: u32 = 5;

pub(super) fn budget() -> TpsBudget {
    TpsBudget::new(WINDOW, LEAST_PER_SECOND, SHARE)
}

/// Whether a call goes on to another instance. Where nobody can have been asked that costs nothing.
pub(super) fn goes_on(budget: &TpsBudget, cause: &Cause) -> bool {
    !cause.may_have_asked() || budget.withdraw()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_was_asked_goes_on_within_the_budget() {
        let budget = budget();
        let free = (0..100).filter(|_| goes_on(&budget, &Cause::Hangs)).count();
        assert_eq!(free, 50);
        (0..20).for_each(|_| budget.deposit());
        let earned = (0..100).filter(|_| goes_on(&budget, &Cause::Hangs)).count();
        assert_eq!(earned, 2);
        let nobody = Cause::from(io::Error::other("the name has no address"));
        assert!(goes_on(&budget, &nobody));
        tokio::time::advance(WINDOW + Duration::from_secs(1)).await;
        assert!(goes_on(&budget, &Cause::Hangs));
    }
}
