//! Who is there, as this process knows it.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard};

use tokio::sync::watch;

use slipway_contract::record::{Record, Snapshot, State};
use slipway_runtime::data::write_whole;

const UNPOISONED: &str = "nobody panics with the lock";

/// The merged answers of all registry nodes; cheap to clone.
#[derive(Clone)]
pub struct View {
    inner: Arc<Inner>,
}

struct Inner {
    file: PathBuf,
    records: RwLock<Arc<Vec<Record>>>,
    /// The last answer of each registry node that answers, by its URL. Written by the watches alone.
    answers: RwLock<BTreeMap<String, Snapshot>>,
    turn: AtomicUsize,
    /// Service and instance of those that did not answer in time.
    doubted: RwLock<HashSet<(String, String)>>,
    changed: watch::Sender<()>,
}

impl View {
    /// Begins with what was last known. A damaged file counts as none: the registry tells again.
    pub fn open(file: PathBuf) -> Self {
        let records = read(&file).unwrap_or_else(|error| {
            let file = file.display();
            tracing::warn!(%error, %file, "what was known of the others could not be read");
            Vec::new()
        });
        Self {
            inner: Arc::new(Inner {
                file,
                records: RwLock::new(Arc::new(records)),
                answers: RwLock::default(),
                turn: AtomicUsize::new(0),
                doubted: RwLock::default(),
                changed: watch::Sender::new(()),
            }),
        }
    }

    /// A view that knows `records` and asks no registry, for tests of services.
    pub fn fixed(records: Vec<Record>) -> Self {
        let view = Self::open(PathBuf::new());
        view.replace(records);
        view
    }

    /// Takes `records` for all that is there.
    pub fn replace(&self, records: Vec<Record>) {
        *self
            .inner
            .records
            .write()
            .expect("nobody panics with the lock") = Arc::new(records);
        self.inner.changed.send_replace(());
    }

    pub fn records(&self) -> Arc<Vec<Record>> {
        self.inner
            .records
            .read()
            .expect("nobody panics with the lock")
            .clone()
    }

    /// Whether an instance of `service` is known that takes traffic.
    pub fn knows(&self, service: &str) -> bool {
        self.records()
            .iter()
            .any(|record| record.service == service && record.state.takes_traffic())
    }

    /// The instances of `service` in the order to try them: those that are ready, each in turn first, but for those that
    /// are doubted; then those that drain.
    pub fn candidates(&self, service: &str) -> Vec<Record> {
        let records = self.records();
        let of = |state| {
            let matching = |record: &&Record| record.service == service && record.state == state;
            records.iter().filter(matching).cloned().collect::<Vec<_>>()
        };
        let mut ready = of(State::Ready);
        if !ready.is_empty() {
            let turn = self.inner.turn.fetch_add(1, Ordering::Relaxed) % ready.len();
            ready.rotate_left(turn);
        }
        let doubted = self.doubted();
        // Mostly nobody is: this is on the way of every request.
        if !doubted.is_empty() {
            ready.sort_by_key(|record| {
                doubted.contains(&(record.service.clone(), record.instance.clone()))
            });
        }
        drop(doubted);
        ready.extend(of(State::Draining));
        ready
    }

    /// Whether an instance is known at all.
    pub fn lists(&self, service: &str, instance: &str) -> bool {
        let is = |record: &Record| record.service == service && record.instance == instance;
        self.records().iter().any(is)
    }

    /// Puts an instance behind the others of its service; `false` when it is there already.
    pub fn doubt(&self, service: &str, instance: &str) -> bool {
        let doubted = (service.to_owned(), instance.to_owned());
        let newly = self
            .inner
            .doubted
            .write()
            .expect(UNPOISONED)
            .insert(doubted);
        if newly {
            tracing::warn!(
                service,
                instance,
                "this instance does not answer in time: others are asked before it until it does"
            );
        }
        newly
    }

    /// Ends a doubt.
    pub fn trust(&self, service: &str, instance: &str) {
        let doubted = (service.to_owned(), instance.to_owned());
        self.inner
            .doubted
            .write()
            .expect(UNPOISONED)
            .remove(&doubted);
    }

    fn doubted(&self) -> RwLockReadGuard<'_, HashSet<(String, String)>> {
        self.inner.doubted.read().expect(UNPOISONED)
    }

    /// Signals every change from now on.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.inner.changed.subscribe()
    }

    /// Whether no registry answers and this is what was last known.
    pub fn is_kept(&self) -> bool {
        self.inner.answers.read().expect(UNPOISONED).is_empty()
    }

    /// Adds who is known to live though no registry says so. Whoever had the address of one of them is gone.
    pub fn meet(&self, living: &[Record]) {
        let before = self.records();
        let known = |other: &Record| is_there(&before, other);
        let new: Vec<_> = living.iter().filter(|other| !known(other)).collect();
        if new.is_empty() {
            return;
        }
        let replaced = |record: &&Record| {
            let same =
                |other: &&Record| other.service == record.service && other.addr == record.addr;
            !new.iter().any(same)
        };
        let mut records: Vec<_> = before.iter().filter(replaced).cloned().collect();
        records.extend(new.into_iter().cloned());
        self.keep(records);
    }

    fn keep(&self, records: Vec<Record>) {
        let text = serde_json::to_vec_pretty(&records);
        self.replace(records);
        let kept = text
            .map_err(anyhow::Error::from)
            .and_then(|text| write_whole(&self.inner.file, text));
        if let Err(error) = kept {
            tracing::warn!(%error, "could not keep what is known of the others");
        }
    }

    /// Takes a registry node's answer, or `None` when it does not answer: then the others' count, and when none
    /// answers what was last known stays.
    pub fn apply(&self, registry: &str, answer: Option<Snapshot>) {
        let mut answers = self
            .inner
            .answers
            .write()
            .expect("nobody panics with the lock");
        match answer {
            Some(snapshot) => answers.insert(registry.to_owned(), snapshot),
            None => answers.remove(registry),
        };
        if answers.is_empty() {
            return;
        }
        let before = self.records();
        let merged = merge(&before, answers.values());
        if *before == merged {
            return;
        }
        for record in merged
            .iter()
            .filter(|record| record.state == State::Unknown)
        {
            let (service, instance) = (&record.service, &record.instance);
            tracing::warn!(
                service,
                instance,
                version = record.version,
                "this instance is in a state that is not known here and gets no traffic"
            );
        }
        self.keep(merged);
    }
}

/// The records of an earlier run; none where there was none.
fn read(file: &Path) -> io::Result<Vec<Record>> {
    match fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn is_there(records: &[Record], other: &Record) -> bool {
    let is = |record: &Record| record.service == other.service && record.instance == other.instance;
    records.iter().any(is)
}

/// The union of what the nodes list. The state that is further on wins, since states only go forward. While a node is
/// warming, what was known before stays, but for an address that another instance of the service has now. Each service
/// for itself: one that says the name or the address of another's instance takes nobody's place.
fn merge<'a>(before: &[Record], answers: impl Iterator<Item = &'a Snapshot>) -> Vec<Record> {
    let key = |record: &Record| (record.service.clone(), record.instance.clone());
    let mut merged: BTreeMap<(String, String), Record> = BTreeMap::new();
    let mut warming = false;
    for answer in answers {
        warming |= answer.warming;
        for record in &answer.instances {
            let newest = merged.entry(key(record)).or_insert_with(|| record.clone());
            if record.state > newest.state {
                *newest = record.clone();
            }
        }
    }
    if warming {
        for record in before {
            let replaced = merged
                .values()
                .any(|known| known.service == record.service && known.addr == record.addr);
            if !replaced {
                merged.insert(key(record), record.clone());
            }
        }
    }
    merged.into_values().collect()
}

#[cfg(test)]
mod tests;
