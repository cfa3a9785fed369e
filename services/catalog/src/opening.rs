//! The first moments of a process: whether this database is the newest is known by the followers, so nobody is answered
//! and nothing is changed before each of their services has asked once, or has had time to.

use std::collections::BTreeSet;
use std::time::Duration;

use slipway_peers::discovery::view::View;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::rules::feed::followers;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Opening {
    /// The services that have asked.
    asked: watch::Sender<BTreeSet<String>>,
    view: View,
    deadline: Instant,
}

impl Opening {
    /// Begins now, and ends after `longest` at the latest.
    pub(crate) fn begin(view: View, longest: Duration) -> Self {
        Self {
            asked: watch::Sender::default(),
            view,
            deadline: Instant::now() + longest,
        }
    }

    /// A follower of `service` has asked, and it was looked whether it knows more.
    pub(crate) fn heard(&self, service: &str) {
        self.asked
            .send_if_modified(|asked| asked.insert(service.to_owned()));
    }

    /// Whether every service of followers that is known has asked, or the time is over.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline || self.all(&self.asked.borrow())
    }

    /// Waits until it is over.
    pub(crate) async fn over(&self) {
        if !self.is_over() {
            let mut asked = self.asked.subscribe();
            let _ = timeout_at(self.deadline, asked.wait_for(|asked| self.all(asked))).await;
        }
    }

    fn all(&self, asked: &BTreeSet<String>) -> bool {
        let expected = |service: &&str| self.view.knows(service);
        followers()
            .filter(expected)
            .all(|service| asked.contains(service))
    }
}

#[cfg(test)]
mod tests {
    use slipway_testkit::record;

    use super::*;

    #[tokio::test]
    async fn it_ends_when_every_service_that_is_known_has_asked() {
        let view = View::fixed(vec![
            record("upload", "u", "1:1"),
            record("download", "d", "1:2"),
            record("signing", "s", "1:3"),
        ]);
        let opening = Opening::begin(view.clone(), Duration::from_hours(1));
        assert!(!opening.is_over());
        opening.heard("upload");
        assert!(!opening.is_over(), "download may know more");
        let heard = async { opening.heard("download") };
        tokio::join!(opening.over(), heard);
        assert!(opening.is_over());

        let nobody = Opening::begin(View::fixed(Vec::new()), Duration::from_hours(1));
        assert!(nobody.is_over());
        let late = Opening::begin(view, Duration::ZERO);
        late.over().await;
    }
}
