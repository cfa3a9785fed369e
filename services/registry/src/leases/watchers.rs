//! How far each watcher is: what a drain waits for.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use slipway_contract::holder::Holder;

/// Time after its last poll in which a watcher counts as watching: longer than its pauses when we are away.
const LIFE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Watchers(HashMap<Holder, Watcher>);

#[derive(Debug)]
struct Watcher {
    /// The revision that it has applied.
    applied: u64,
    /// Polls that are open now.
    open: u32,
    last: Instant,
}

impl Watchers {
    /// A poll begins that says that `applied` is. Watchers of a service beyond `most` are answered, and not waited for: then
    /// it is `false`, and no [`Watchers::end`] follows.
    pub(crate) fn begin(
        &mut self,
        watcher: &Holder,
        applied: u64,
        most: usize,
        now: Instant,
    ) -> bool {
        let others = self
            .0
            .keys()
            .filter(|other| other.service == watcher.service);
        if !self.0.contains_key(watcher) && others.count() >= most {
            return false;
        }
        let entry = self.0.entry(watcher.clone()).or_insert(Watcher {
            applied,
            open: 0,
            last: now,
        });
        entry.applied = applied;
        entry.open += 1;
        entry.last = now;
        true
    }

    /// A poll has ended, answered or not.
    pub(crate) fn end(&mut self, watcher: &Holder, now: Instant) {
        if let Some(entry) = self.0.get_mut(watcher) {
            entry.open = entry.open.saturating_sub(1);
            entry.last = now;
        }
    }

    /// One that has left watches nothing any more.
    pub(crate) fn forget(&mut self, watcher: &Holder) {
        self.0.remove(watcher);
    }

    /// Forgets those that do not come any more.
    pub(crate) fn sweep(&mut self, now: Instant) {
        self.0
            .retain(|_, watcher| watcher.open > 0 || now.duration_since(watcher.last) < LIFE);
    }

    /// What it has applied, if it watches.
    pub(crate) fn applied(&self, watcher: &Holder) -> Option<u64> {
        self.0.get(watcher).map(|watcher| watcher.applied)
    }

    /// Whether every live watcher has applied `revision`.
    pub(crate) fn have_applied(&self, revision: u64, now: Instant) -> bool {
        self.0.values().all(|watcher| {
            let lives = watcher.open > 0 || now.duration_since(watcher.last) < LIFE;
            !lives || watcher.applied >= revision
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watcher(instance: &str) -> Holder {
        Holder {
            service: "gateway".to_owned(),
            instance: instance.to_owned(),
        }
    }

    #[test]
    fn everybody_who_watches_is_waited_for_and_nobody_else() {
        let begin = Instant::now();
        let mut watchers = Watchers::default();
        assert!(watchers.have_applied(9, begin), "nobody watches");
        for name in ["a", "b"] {
            assert!(watchers.begin(&watcher(name), 4, 2, begin));
        }
        assert!(!watchers.begin(&watcher("c"), 0, 2, begin), "one too many");
        assert!(watchers.have_applied(4, begin) && !watchers.have_applied(5, begin));
        watchers.end(&watcher("a"), begin);
        assert!(watchers.begin(&watcher("a"), 5, 2, begin));
        assert!(!watchers.have_applied(5, begin), "b has not");
        watchers.end(&watcher("b"), begin);
        let later = begin + LIFE;
        assert!(!watchers.have_applied(5, begin + Duration::from_millis(9_999)));
        assert!(watchers.have_applied(5, later), "b is gone");
        watchers.sweep(later);
        assert!(
            watchers.begin(&watcher("c"), 0, 2, later),
            "and its place is free"
        );
        assert!(!watchers.have_applied(5, later));
        watchers.forget(&watcher("c"));
        assert!(watchers.have_applied(5, later));
        assert!(
            !watchers.have_applied(6, later + Duration::from_hours(1)),
            "a's poll is open"
        );
    }
}
