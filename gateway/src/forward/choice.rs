//! Which instance a request goes to: a pure rule.
//!
//! The plain minimum of the requests in flight does it: a choice of two at random is for many gateways before many
//! instances, whose counts are old when they are used. Here each gateway counts its own.

use slipway_contract::record::State;

/// How an instance stands when a request has to go somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// This request was there already.
    pub(super) was_tried: bool,
    pub(super) tier: Tier,
    /// It is not out.
    pub(super) is_admitted: bool,
    /// Requests that are on their way there, up to the end of the answer's body.
    pub(super) in_flight: usize,
}

/// Which instances come first. One that takes no traffic has no tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    Ready,
    Draining,
    /// Its lease is overdue.
    Suspect,
}

impl Tier {
    /// Of one that the view lets have traffic.
    pub(super) fn of(state: State) -> Self {
        match state {
            State::Ready => Self::Ready,
            State::Draining => Self::Draining,
            _ => Self::Suspect,
        }
    }
}

/// The place in `standings` of the instance to ask, of those that were not tried: of the lowest tier that is not empty, one that is not out, unless all
/// of them are; of these one with the fewest requests in flight; of these each in turn.
pub(super) fn choose(standings: &[Standing], turn: usize) -> Option<usize> {
    let count = standings.len();
    let rank = |&place: &usize| {
        let standing = standings[place];
        // The one whose turn it is has 0.
        let turn = (place + count - turn % count) % count;
        (
            standing.tier,
            !standing.is_admitted,
            standing.in_flight,
            turn,
        )
    };
    let left = (0..count).filter(|&place| !standings[place].was_tried);
    left.min_by_key(rank)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn standing(tier: Tier, is_admitted: bool, in_flight: usize) -> Standing {
        Standing {
            was_tried: false,
            tier,
            is_admitted,
            in_flight,
        }
    }

    #[test]
    fn the_lowest_tier_is_asked_as_long_as_anybody_is_in_it() {
        let ready = standing(Tier::Ready, true, 100);
        let draining = standing(Tier::Draining, true, 0);
        let suspect = standing(Tier::Suspect, true, 0);
        assert_eq!(choose(&[suspect, draining, ready], 0), Some(2));
        assert_eq!(choose(&[suspect, draining], 0), Some(1));
        assert_eq!(choose(&[suspect], 5), Some(0));
        assert_eq!(choose(&[], 5), None);
        // One that is out is there all the same: its tier is not empty.
        assert_eq!(
            choose(&[draining, standing(Tier::Ready, false, 3)], 0),
            Some(1)
        );
    }

    #[test]
    fn nobody_is_asked_twice() {
        let mut standings = [standing(Tier::Ready, true, 0); 2];
        standings[0].was_tried = true;
        assert_eq!(choose(&standings, 0), Some(1));
        standings[1].was_tried = true;
        assert_eq!(choose(&standings, 0), None);
    }

    #[test]
    fn equals_are_asked_in_turn() {
        let equal = [standing(Tier::Ready, true, 2); 3];
        let asked: Vec<_> = (0..6).map(|turn| choose(&equal, turn)).collect();
        assert_eq!(asked, [0, 1, 2, 0, 1, 2].map(Some));
    }

    fn standings() -> impl Strategy<Value = Vec<Standing>> {
        let tier = prop_oneof![Just(Tier::Ready), Just(Tier::Draining), Just(Tier::Suspect)];
        let one = (tier, any::<bool>(), 0..5_usize);
        let one =
            one.prop_map(|(tier, is_admitted, in_flight)| standing(tier, is_admitted, in_flight));
        prop::collection::vec(one, 1..8)
    }

    proptest! {
        /// Never more than all but one are out: somebody is always asked, and nobody who is worse in any respect that
        /// counts more.
        #[test]
        fn somebody_is_asked_and_nobody_is_better(standings in standings(), turn: usize) {
            let chosen = standings[choose(&standings, turn).expect("somebody")];
            let lowest = standings.iter().map(|each| each.tier).min();
            prop_assert_eq!(Some(chosen.tier), lowest);
            let of_tier = standings.iter().filter(|each| each.tier == chosen.tier);
            let admitted = of_tier.clone().any(|each| each.is_admitted);
            prop_assert_eq!(chosen.is_admitted, admitted);
            let least = of_tier.filter(|each| each.is_admitted == admitted).map(|each| each.in_flight).min();
            prop_assert_eq!(Some(chosen.in_flight), least);
        }
    }
}
