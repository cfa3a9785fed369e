//! What was found wrong in the store: told once to the log and the metrics, and shown until it is mended.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use slipway_contract::Digest;

use super::known::Identity;

/// How long a file that was found wrong and has not changed is refused unread. Reading it for each who asks would let
/// anybody keep a processor busy; never reading it again would make a fault of the memory one of the disk.
const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// Findings that are remembered: more than anybody mends by hand.
const MOST: usize = 10_000;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error("it is not in the store")]
    Missing,
    #[error("something that is no file is in its place")]
    NotAFile,
    #[error("it has {0} bytes")]
    Size(u64),
    #[error("its bytes have another digest")]
    Whole,
    /// Counted from 0.
    #[error("its block {0} has other bytes")]
    Block(u64),
}

struct Finding {
    damage: Damage,
    /// Of the file; `None` when there was none.
    identity: Option<Identity>,
    at: Instant,
}

/// What this instance has found and nobody has mended.
pub(super) struct Findings {
    findings: Mutex<HashMap<Digest, Finding>>,
    counter: Counter,
}

impl Findings {
    pub(super) fn new(counter: Counter) -> Self {
        Self {
            findings: Mutex::default(),
            counter,
        }
    }

    pub(super) fn add(&self, digest: Digest, identity: Option<Identity>, damage: Damage) {
        let mut findings = self.lock();
        let known = findings
            .get(&digest)
            .is_some_and(|there| there.identity == identity && there.damage == damage);
        if !known {
            self.tell(digest, &damage.to_string());
        }
        if findings.len() >= MOST {
            findings.clear();
        }
        let at = Instant::now();
        findings.insert(
            digest,
            Finding {
                damage,
                identity,
                at,
            },
        );
    }

    /// Counts and logs what hinders nobody, such as a list of blocks that is wrong.
    pub(super) fn tell(&self, digest: Digest, what: &str) {
        self.counter.inc();
        tracing::error!(%digest, what, "a file in the store is damaged: put the right one in its place");
    }

    /// Why a file is refused unread.
    pub(super) fn refuses(&self, digest: &Digest, identity: &Identity) -> Option<Damage> {
        let findings = self.lock();
        let there = findings.get(digest)?;
        let same = there.identity == Some(*identity) && there.at.elapsed() < LOOK_AGAIN;
        same.then_some(there.damage)
    }

    /// Whether the file was found wrong as it is now. A finding about another file is forgotten.
    pub(super) fn stands(&self, digest: &Digest, identity: Option<&Identity>) -> bool {
        let mut findings = self.lock();
        let Some(there) = findings.get(digest) else {
            return false;
        };
        let stands = there.identity.as_ref() == identity;
        if !stands {
            findings.remove(digest);
        }
        stands
    }

    /// What was wrong was read again and is right.
    pub(super) fn withdraw(&self, digest: &Digest, damage: Damage) {
        let mut findings = self.lock();
        if findings
            .get(digest)
            .is_some_and(|there| there.damage == damage)
        {
            findings.remove(digest);
        }
    }

    /// The whole file was read anew and is right.
    pub(super) fn forget(&self, digest: &Digest) {
        self.lock().remove(digest);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, Finding>> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
