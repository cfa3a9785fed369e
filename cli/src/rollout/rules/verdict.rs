//! Whether a new process is as good as the old one beside it, by what both were asked in the same time.

/// Requests of each that say something about time.
const ENOUGH: usize = 20;
/// Failed answers that are no accident.
const FAILURES: usize = 2;
/// Beyond twice as slow: a hiccup of the machine in a short window, milliseconds.
const HICCUP: u64 = 50;
/// Beyond half as much again: what a process takes for its first requests, bytes.
const FIRST_MEMORY: u64 = 64 * 1024 * 1024;
/// Beyond twice as many: connections of a moment.
const FIRST_DESCRIPTORS: u64 = 64;

/// What one side did in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Side {
    /// Milliseconds of each answer.
    pub(crate) times: Vec<u64>,
    /// Answers of 5xx, and none at all.
    pub(crate) failed: usize,
    /// Answers whose bytes are not those that are published, or not those of the other side.
    pub(crate) wrong: usize,
    /// What it answered to anybody, as it counts itself.
    pub(crate) served: usize,
    /// Those with a status of 5xx.
    pub(crate) served_failed: usize,
    /// Ends without being told to.
    pub(crate) ended: usize,
    pub(crate) first: Size,
    pub(crate) last: Size,
}

impl Side {
    /// Of an old one that could not be asked beside the new one: nothing is held against the new one but its own faults.
    pub(crate) fn without_fault(new: &Self) -> Self {
        Self {
            times: new.times.clone(),
            served: new.served,
            first: new.first,
            last: new.last,
            ..Self::default()
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// Resident, bytes.
    pub(crate) memory: u64,
    pub(crate) descriptors: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    TooLittle,
    /// Why, in words.
    Bad(String),
}

/// Of two that were asked side by side.
pub(crate) fn judge(old: &Side, new: &Side) -> Verdict {
    if let Some(why) = fault(old, new).or_else(|| is_slow(old, new)) {
        return Verdict::Bad(why);
    }
    if old.times.len() < ENOUGH || new.times.len() < ENOUGH {
        return Verdict::TooLittle;
    }
    Verdict::Good
}

/// What is wrong with a new one, also when what the old one did is some time ago. How long answers take is held against
/// nobody then: whatever else the machine does meanwhile makes all of them slow.
pub(crate) fn fault(old: &Side, new: &Side) -> Option<String> {
    let reasons = [
        dies(new),
        is_wrong(new),
        fails(old, new),
        fails_others(old, new),
        leaks(old, new),
    ];
    reasons.into_iter().flatten().next()
}

fn dies(new: &Side) -> Option<String> {
    (new.ended > 0).then(|| format!("it ended {} times by itself", new.ended))
}

/// One is too many, whatever the other side did: bytes are right or not.
fn is_wrong(new: &Side) -> Option<String> {
    let asked = new.times.len();
    (new.wrong > 0).then(|| format!("{} of {asked} answers had wrong bytes", new.wrong))
}

fn fails(old: &Side, new: &Side) -> Option<String> {
    let worse = is_worse((new.failed, new.times.len()), (old.failed, old.times.len()))?;
    Some(format!("{worse} requests failed"))
}

/// Those of visitors, which nobody compares.
fn fails_others(old: &Side, new: &Side) -> Option<String> {
    let worse = is_worse(
        (new.served_failed, new.served),
        (old.served_failed, old.served),
    )?;
    Some(format!("{worse} answers to visitors failed"))
}

/// More than an accident, and more than twice the share of the old one: in words.
fn is_worse(new: (usize, usize), old: (usize, usize)) -> Option<String> {
    let (of_new, of_old) = (new.1.max(1), old.1.max(1));
    let is_more = new.0 * of_old > 2 * old.0 * of_new;
    (new.0 >= FAILURES && is_more)
        .then(|| format!("{} of {of_new} ({} of {of_old} before)", new.0, old.0))
}

fn is_slow(old: &Side, new: &Side) -> Option<String> {
    if old.times.len() < ENOUGH || new.times.len() < ENOUGH {
        return None;
    }
    let (before, now) = (middle(&old.times), middle(&new.times));
    (now > 2 * before + HICCUP)
        .then(|| format!("half of the answers take {now} ms, {before} before"))
}

fn leaks(old: &Side, new: &Side) -> Option<String> {
    let grown = |side: &Side| side.last.memory.saturating_sub(side.first.memory);
    let more = grown(new).saturating_sub(grown(old));
    if more > new.first.memory / 2 + FIRST_MEMORY {
        return Some(format!("it has grown by {} MiB", grown(new) / 1024 / 1024));
    }
    let open = new.last.descriptors;
    let most = 2 * old.last.descriptors.max(new.first.descriptors) + FIRST_DESCRIPTORS;
    (open > most).then(|| format!("it holds {open} descriptors open"))
}

fn middle(times: &[u64]) -> u64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(times: Vec<u64>) -> Side {
        let size = Size {
            memory: 50 << 20,
            descriptors: 40,
        };
        Side {
            times,
            first: size,
            last: size,
            ..Side::default()
        }
    }

    #[test]
    fn one_that_is_as_good_is_good_and_one_that_was_hardly_asked_is_not_judged() {
        let old = side(vec![3; 100]);
        assert_eq!(judge(&old, &side(vec![4; 100])), Verdict::Good);
        assert_eq!(judge(&old, &side(vec![4; 19])), Verdict::TooLittle);
        assert_eq!(judge(&side(Vec::new()), &old), Verdict::TooLittle);
    }

    #[test]
    fn each_kind_of_worse_is_bad() {
        let old = side(vec![3; 100]);
        let good = side(vec![3; 100]);
        let grown = Size {
            memory: 200 << 20,
            descriptors: 40,
        };
        let holding = Size {
            memory: 50 << 20,
            descriptors: 400,
        };
        let worse = [
            (
                Side {
                    failed: 2,
                    ..good.clone()
                },
                "failed",
            ),
            (
                Side {
                    served: 50,
                    served_failed: 2,
                    ..good.clone()
                },
                "visitors",
            ),
            (
                Side {
                    wrong: 1,
                    ..good.clone()
                },
                "wrong bytes",
            ),
            (
                Side {
                    ended: 1,
                    ..good.clone()
                },
                "ended",
            ),
            (side(vec![300; 100]), "take"),
            (
                Side {
                    last: grown,
                    ..good.clone()
                },
                "grown",
            ),
            (
                Side {
                    last: holding,
                    ..good.clone()
                },
                "descriptors",
            ),
        ];
        for (new, word) in worse {
            let Verdict::Bad(why) = judge(&old, &new) else {
                panic!("{word} is not bad");
            };
            assert!(why.contains(word), "{why}");
        }
    }

    #[test]
    fn what_both_do_is_no_fault_of_the_new_one() {
        let failing = Side {
            failed: 10,
            ..side(vec![3; 100])
        };
        assert_eq!(judge(&failing, &failing), Verdict::Good);
        let slow = side(vec![3000; 100]);
        assert_eq!(judge(&slow, &slow), Verdict::Good);
        let one = Side {
            failed: 1,
            ..side(vec![3; 100])
        };
        assert_eq!(
            judge(&side(vec![3; 100]), &one),
            Verdict::Good,
            "an accident"
        );
    }

    #[test]
    fn times_are_compared_side_by_side_alone() {
        let (quick, slow) = (side(vec![3; 100]), side(vec![3000; 100]));
        assert!(matches!(judge(&quick, &slow), Verdict::Bad(_)));
        assert_eq!(fault(&quick, &slow), None);
        let ended = Side {
            ended: 1,
            ..slow.clone()
        };
        assert!(fault(&quick, &ended).is_some());
    }
}
