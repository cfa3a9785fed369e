//! The change feed as one who follows it sees it: its numbers, its epoch, and whether that is held.

use slipway_contract::services::TABLE;

/// Services that keep a copy.
pub(crate) fn followers() -> impl Iterator<Item = &'static str> {
    let keep_a_copy = TABLE.iter().filter(|service| service.follows_catalog);
    keep_a_copy.map(|service| service.name)
}

/// The one row of the feed.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    /// Of this database, as it was written down.
    pub(crate) written: String,
    /// The newest number.
    pub(crate) head: i64,
    /// The epoch that waits to be accepted.
    pub(crate) held: Option<String>,
}

impl Feed {
    /// The epoch that followers are told.
    pub(crate) fn epoch(&self) -> &str {
        self.held.as_deref().unwrap_or(&self.written)
    }

    /// Whether it waits to be accepted, and nothing may be changed.
    pub(crate) fn is_held(&self) -> bool {
        self.held.is_some()
    }
}

/// What a follower asks with.
pub(crate) struct Ask {
    /// Of its copy; empty when it has none.
    pub(crate) epoch: String,
    /// What it has applied.
    pub(crate) after: i64,
    /// The head and the mark of the newest answer that it was given in its epoch.
    pub(crate) head: i64,
    pub(crate) mark: String,
    /// The epoch that it knows as held.
    pub(crate) held: Option<String>,
}

impl Ask {
    /// Whether it has been told of a hold that goes on.
    fn knows_held(&self, feed: &Feed) -> bool {
        feed.is_held() && self.held.as_deref() == Some(feed.epoch())
    }

    /// Whether it would lose something to the epoch that it was told, and keeps its copy.
    pub(crate) fn claims(&self, feed: &Feed) -> bool {
        self.held.as_deref() == Some(feed.epoch())
            && !self.epoch.is_empty()
            && self.epoch != feed.epoch()
    }

    /// Whether there is something to tell it.
    pub(crate) fn has_news(&self, feed: &Feed) -> bool {
        if self.knows_held(feed) {
            return self.epoch == feed.epoch() && feed.head > self.after;
        }
        self.held.is_some()
            || feed.is_held()
            || self.epoch != feed.epoch()
            || feed.head > self.after
    }
}

/// After which number a follower is told the changes: from 0 when it has another epoch, nothing when it holds what is held.
pub(crate) fn told_after(feed: &Feed, ask: &Ask) -> i64 {
    if ask.epoch == feed.epoch() {
        ask.after
    } else if ask.knows_held(feed) {
        feed.head
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn epoch() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["", "a", "b"]).prop_map(str::to_owned)
    }

    proptest! {
        /// Who is told that there is something to tell gets it, and who has everything is left in peace.
        #[test]
        fn a_follower_in_step_has_no_news_and_one_of_another_epoch_begins_anew(
            written in "[ab]", held in prop::option::of("[ab]"), head in 0..9_i64,
            epoch in epoch(), after in 0..9_i64, knows in prop::option::of("[ab]"),
        ) {
            let feed = Feed { written, head, held };
            let ask = Ask { epoch, after, head: after, mark: String::new(), held: knows };
            let from = told_after(&feed, &ask);
            prop_assert!(from == ask.after || from == 0 || from == feed.head);
            if ask.epoch == feed.epoch() && ask.held.is_none() && !feed.is_held() {
                prop_assert_eq!(ask.has_news(&feed), head > after);
            }
            if ask.epoch != feed.epoch() && !ask.knows_held(&feed) {
                prop_assert!(ask.has_news(&feed) && from == 0);
            }
        }
    }
}
