//! Taking a revision: read, keep on disk, swap in. Whatever fails leaves everything as it was, and is told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slipway_configuration::{Content, Refusal};
use slipway_contract::configuration::{Document, Offer, Standing};
use slipway_runtime::life::Begun;
use slipway_runtime::settings::kept::Kept;
use slipway_runtime::settings::sources::{Loaded, Settled, Sources};
use slipway_runtime::settings::{Common, Settings};
use slipway_runtime::telemetry::LogFilter;
use slipway_runtime::{Live, Process, clock};
use tokio::sync::watch;

use crate::discovery::view::View;

const LOST: &str = "the registry has a new database in which nobody has configured anything: what was configured holds until \
    somebody does (slipway config apply)";

pub(super) struct Taking<S> {
    process: Process,
    view: View,
    log: LogFilter,
    sources: Sources,
    /// What the process began with: keys that need a restart stay so.
    startup: Content,
    settings: watch::Sender<Arc<S>>,
    standing: Mutex<Standing>,
    /// What is on disk. It is written beside what holds: a slow disk keeps nobody from following.
    kept: Mutex<Option<(String, u64)>>,
}

impl<S: Settings> Taking<S> {
    pub(super) fn begin(begun: &Begun, view: &View, loaded: Loaded<S>) -> (Self, Live<S>) {
        let Loaded {
            sources,
            settled,
            kept,
        } = loaded;
        let (settings, live) = Live::new(settled.own.clone());
        let (epoch, revision) =
            kept.map_or_else(Default::default, |kept| (kept.epoch, kept.revision));
        let standing = Standing {
            environment: sources.environment.clone(),
            version: begun.process.version.to_owned(),
            schema: sources.schema.value().clone(),
            epoch,
            applied: revision,
            seen: revision,
            refused: None,
            pending: Vec::new(),
            ignored: settled.ignored.clone(),
            local: sources.local(),
        };
        view.set_out(settled.common.instances.out.clone());
        let taking = Self {
            process: begun.process.clone(),
            view: view.clone(),
            log: begun.log.clone(),
            startup: settled.merged,
            sources,
            settings,
            standing: Mutex::new(standing),
            kept: Mutex::default(),
        };
        (taking, live)
    }

    pub(super) fn standing(&self) -> Standing {
        self.locked().clone()
    }

    /// Takes an offer that is newer than what was seen. A registry whose database is older than what it has said before is
    /// not followed back: its next change has a higher number than any that was seen.
    pub(super) fn take(&self, offer: &Offer) {
        if self.apply(offer) {
            self.keep(offer);
        }
    }

    /// Whether it is new, and holds now.
    fn apply(&self, offer: &Offer) -> bool {
        let mut standing = self.locked();
        if offer.epoch == standing.epoch && offer.revision <= standing.seen {
            return false;
        }
        // A panic would be begun anew with the same document, for ever.
        let read = catch_unwind(AssertUnwindSafe(|| self.read(offer)));
        let read = read.unwrap_or_else(|_| Err(Refusal::whole("reading it panicked")));
        let read = if is_lost(&standing, offer) {
            Err(Refusal::whole(LOST))
        } else {
            read
        };
        standing.seen = offer.revision;
        standing.epoch.clone_from(&offer.epoch);
        match read {
            Ok((settled, pending)) => {
                standing.pending = pending;
                standing.ignored.clone_from(&settled.ignored);
                standing.refused = self.swap(settled).err().map(|error| format!("{error:#}"));
                standing.applied = offer.revision;
                let (revision, pending) = (offer.revision, &standing.pending);
                tracing::info!(revision, ?pending, "the configuration was taken");
            }
            Err(refusal) => {
                let revision = offer.revision;
                tracing::error!(
                    revision,
                    %refusal,
                    "the configuration is refused here, and what held before holds on"
                );
                standing.refused = Some(refusal.to_string());
            }
        }
        if !standing.ignored.is_empty() {
            let keys = &standing.ignored;
            tracing::warn!(
                ?keys,
                "the configuration holds keys that are not taken here"
            );
        }
        standing.applied == offer.revision
    }

    pub(super) fn check(&self, documents: &[Document]) -> Result<(), Refusal> {
        self.sources.settle::<S>(documents).map(drop)
    }

    fn read(&self, offer: &Offer) -> Result<(Settled<S>, Vec<String>), Refusal> {
        let next = self.sources.settle::<S>(&offer.documents)?;
        self.sources.follow(&self.startup, &next)
    }

    fn swap(&self, settled: Settled<S>) -> anyhow::Result<()> {
        let Common { log, instances, .. } = settled.common;
        self.view.set_out(instances.out);
        self.settings.send_replace(Arc::new(settled.own));
        self.log.set(&log.filter)
    }

    /// For a start without a registry. A full disk is no reason not to follow.
    fn keep(&self, offer: &Offer) {
        let mut there = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_older = |(epoch, revision): &(String, u64)| {
            *epoch == offer.epoch && *revision >= offer.revision
        };
        if there.as_ref().is_some_and(is_older) {
            return;
        }
        let kept = Kept {
            service: self.process.service.to_owned(),
            environment: self.sources.environment.clone(),
            epoch: offer.epoch.clone(),
            revision: offer.revision,
            told_at: clock::unix_millis(),
            documents: offer.documents.clone(),
        };
        if let Err(error) = kept.write(&self.process.data) {
            let error = format!("{error:#}");
            tracing::warn!(
                error,
                "the configuration could not be kept for the next start"
            );
            return;
        }
        *there = Some((offer.epoch.clone(), offer.revision));
    }

    fn locked(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the database that the configuration came from is gone and the one in its place says nothing yet: losing every
/// registry stops changes, and takes back none.
fn is_lost(standing: &Standing, offer: &Offer) -> bool {
    // What was applied may be what a new database begins with, too.
    offer.untouched && standing.applied > offer.revision && offer.epoch != standing.epoch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_database_takes_back_nothing_until_somebody_changes_it() {
        let standing = |epoch: &str, applied| Standing {
            environment: "dev".to_owned(),
            version: "0.0.0".to_owned(),
            schema: serde_json::Value::Null,
            epoch: epoch.to_owned(),
            applied,
            seen: applied,
            refused: None,
            pending: Vec::new(),
            ignored: Vec::new(),
            local: Vec::new(),
        };
        let offer = |revision, untouched| Offer {
            epoch: "new".to_owned(),
            revision,
            untouched,
            documents: Vec::new(),
        };
        for (epoch, applied, revision, untouched, lost) in [
            ("old", 7, 1, true, true),
            ("old", 7, 8, false, false),
            // An earlier version does not say it.
            ("old", 7, 1, false, false),
            ("old", 1, 1, true, false),
            ("", 0, 1, true, false),
            ("new", 7, 1, true, false),
        ] {
            let seen = is_lost(&standing(epoch, applied), &offer(revision, untouched));
            assert_eq!(seen, lost, "{epoch} {applied}, {revision} {untouched}");
        }
    }
}
