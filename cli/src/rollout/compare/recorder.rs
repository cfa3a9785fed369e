//! What one process did while it was watched.

use std::collections::VecDeque;

use super::question::Outcome;
use crate::rollout::rules::verdict::{Side, Size};

/// Answers that are looked at: the last ones, so that what begins late is not hidden by what was good for long.
const LOOKED_AT: usize = 400;

#[derive(Default)]
pub(super) struct Recorder {
    /// Milliseconds, and whether it failed.
    answers: VecDeque<(u64, bool)>,
    wrong: usize,
    /// The last answer that was not right, in words.
    example: Option<String>,
    sizes: Option<(Size, Size)>,
    counts: Option<(Counts, Counts)>,
}

/// What a process has answered since its start, as it tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) served: usize,
    pub(super) failed: usize,
}

impl Recorder {
    pub(super) fn answered(&mut self, millis: u64, outcome: Outcome) {
        let failed = matches!(outcome, Outcome::Failed(_));
        match outcome {
            Outcome::Right => {}
            Outcome::Failed(words) => self.example = Some(words),
            Outcome::Wrong(words) => {
                self.wrong += 1;
                self.example = Some(words);
            }
        }
        self.answers.push_back((millis, failed));
        if self.answers.len() > LOOKED_AT {
            self.answers.pop_front();
        }
    }

    pub(super) fn measured(&mut self, size: Size) {
        let first = self.sizes.map_or(size, |(first, _)| first);
        self.sizes = Some((first, size));
    }

    /// Counts that are lower than before are those of another process.
    pub(super) fn counted(&mut self, counts: Counts) {
        let first = self.counts.filter(|(_, last)| last.served <= counts.served);
        self.counts = Some((first.map_or(counts, |(first, _)| first), counts));
    }

    /// `ended`: how often it ended by itself.
    pub(super) fn side(&self, ended: usize) -> Side {
        let (first, last) = self.sizes.unwrap_or((Size::default(), Size::default()));
        let (before, now) = self
            .counts
            .unwrap_or((Counts::default(), Counts::default()));
        Side {
            times: self.answers.iter().map(|(millis, _)| *millis).collect(),
            failed: self.answers.iter().filter(|(_, failed)| *failed).count(),
            wrong: self.wrong,
            served: now.served - before.served,
            served_failed: now.failed.saturating_sub(before.failed),
            ended,
            first,
            last,
        }
    }

    pub(super) fn example(&self) -> Option<&str> {
        self.example.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_late_is_seen_and_counts_of_another_process_are_not_compared() {
        let mut recorder = Recorder::default();
        for _ in 0..LOOKED_AT {
            recorder.answered(1, Outcome::Right);
        }
        for _ in 0..=LOOKED_AT / 2 {
            recorder.answered(900, Outcome::Failed("no".to_owned()));
        }
        let side = recorder.side(0);
        assert_eq!(
            (side.times.len(), side.failed),
            (LOOKED_AT, LOOKED_AT / 2 + 1)
        );
        for served in [100, 110, 4, 6] {
            let failed = served / 2;
            recorder.counted(Counts { served, failed });
        }
        let side = recorder.side(0);
        assert_eq!((side.served, side.served_failed), (2, 1));
    }
}
