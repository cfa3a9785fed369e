//! What shows that this database is an older copy, or an empty one, and what may be done while that is not decided.
//!
//! The followers know: one that was given a mark beyond this database, or that would lose something to it, says so. Then
//! the feed is held: it is told under an epoch that nobody takes, reads go on, and nothing is changed, until somebody
//! accepts that epoch or the newer database is back.

use std::collections::HashSet;

use slipway_contract::grant::TokenRefusal;
use slipway_contract::held::Report;

use crate::refusal::{Refusal, Restore};
use crate::rules::feed::{Ask, Feed};

/// What a good mark of a follower's says: the start that it was given in, as this database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marked {
    /// There is no good mark.
    No,
    /// Of a start that this database does not know.
    Elsewhere,
    /// The highest number that was given in that start.
    Reached(i64),
}

/// Whether `ask` shows that this database is an older copy: it has a mark of a start or a number that is not here. Without
/// a good mark a number beyond ours proves nothing and is refused.
pub(crate) fn is_older(feed: &Feed, ask: &Ask, marked: Marked) -> Result<bool, Restore> {
    if feed.is_held() || ask.epoch != feed.written {
        return Ok(false);
    }
    let older = match marked {
        Marked::No => false,
        Marked::Elsewhere => true,
        Marked::Reached(reach) => ask.head > reach,
    };
    if !older && ask.after > feed.head {
        return Err(Restore::MarkInvalid);
    }
    Ok(older)
}

/// Whether it is noted that the copy of `ask` would lose something. `replaced` are the epochs that were given up for the
/// feed's: whoever has not heard yet that its copy was given up claims nothing.
pub(crate) fn is_claim(feed: &Feed, ask: &Ask, is_known: bool, replaced: &[String]) -> bool {
    let noted = feed.is_held() && is_known;
    ask.claims(feed) && !noted && !replaced.contains(&ask.epoch)
}

/// Whether a report of a follower's is about `epoch`: it has compared, or follows it.
pub(crate) fn is_about(report: &Report, epoch: &str) -> bool {
    let compared = report.epoch.as_deref() == Some(epoch) && !report.from.is_empty();
    compared || report.from == epoch
}

/// Refuses to take a database for another than the one that somebody has looked at.
pub(crate) fn accept(feed: &Feed, epoch: &str) -> Result<(), Restore> {
    if !feed.is_held() {
        return Err(Restore::NotHeld);
    }
    if feed.epoch() != epoch {
        return Err(Restore::Changed);
    }
    Ok(())
}

/// The ids of the tokens that would be permitted more by an older copy, as upload reports them; `None` when it does not say
/// all of it.
pub(crate) fn doubted(report: Option<Report>) -> Option<HashSet<String>> {
    let whole = report.filter(|report| report.count == report.losses.len())?;
    let losses = whole.losses.into_iter();
    Some(losses.map(|loss| loss.subject).collect())
}

/// Refuses, while the feed is held, a token that has been revoked or narrowed since this copy was made. Where nobody can
/// tell, the administrator's own token passes alone: it lies in the data folder.
pub(crate) fn check_token(id: &str, doubted: Option<&HashSet<String>>) -> Result<(), Refusal> {
    match doubted {
        Some(tokens) if tokens.contains(id) => Err(TokenRefusal::Unknown.into()),
        Some(_) => Ok(()),
        None => Err(Restore::TokenDoubted.into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use slipway_contract::held::Loss;

    use super::*;

    fn feed(head: i64, held: Option<&str>) -> Feed {
        Feed {
            written: "written".to_owned(),
            head,
            held: held.map(str::to_owned),
        }
    }

    fn ask(epoch: &str, after: i64, head: i64, held: Option<&str>) -> Ask {
        Ask {
            epoch: epoch.to_owned(),
            after,
            head,
            mark: String::new(),
            held: held.map(str::to_owned),
        }
    }

    proptest! {
        /// A follower's word alone never makes the catalog doubt its database.
        #[test]
        fn without_a_good_mark_nothing_is_older(head: i64, after: i64, said: i64, held: bool) {
            let feed = feed(head, held.then_some("held"));
            let judged = is_older(&feed, &ask("written", after, said, None), Marked::No);
            prop_assert!(judged != Ok(true));
            prop_assert_eq!(judged.is_err(), !held && after > head);
        }

        #[test]
        fn a_mark_beyond_this_database_shows_that_it_is_older(head in 0..100_i64, said in 0..100_i64, reach in 0..100_i64) {
            let ask = ask("written", 0, said, None);
            prop_assert_eq!(is_older(&feed(head, None), &ask, Marked::Reached(reach)), Ok(said > reach));
            prop_assert_eq!(is_older(&feed(head, None), &ask, Marked::Elsewhere), Ok(true));
        }

        /// Nobody takes a database that they have not looked at.
        #[test]
        fn what_is_held_is_accepted_by_its_epoch_alone(held in prop::option::of("[ab]"), epoch in "[ab]") {
            let accepted = accept(&feed(1, held.as_deref()), &epoch);
            prop_assert_eq!(accepted.is_ok(), held == Some(epoch));
        }

        /// Silence is no permission.
        #[test]
        fn a_token_passes_when_upload_says_all_of_it(count in 0..4_usize, id in "[ab]") {
            let losses = ["a"].map(loss);
            let report = Report { count, losses: losses.into(), ..Report::default() };
            let known = doubted(Some(report));
            prop_assert_eq!(known.is_some(), count == 1);
            let passes = check_token(&id, known.as_ref()).is_ok();
            prop_assert_eq!(passes, count == 1 && id == "b");
        }
    }

    fn loss(subject: &str) -> Loss {
        Loss {
            app: None,
            subject: subject.to_owned(),
            what: "revocation_lifted".to_owned(),
        }
    }

    #[test]
    fn a_copy_that_was_given_up_claims_nothing() {
        let (feed, ask) = (feed(1, None), ask("copy", 0, 0, Some("written")));
        assert!(is_claim(&feed, &ask, false, &[]));
        assert!(!is_claim(&feed, &ask, false, &["copy".to_owned()]));
        let feed = Feed {
            held: Some("written".to_owned()),
            ..feed
        };
        assert!(!is_claim(&feed, &ask, true, &[]));
    }
}
