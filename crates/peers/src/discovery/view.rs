//! Who is there, as this process knows it.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use slipway_contract::record::{Record, Snapshot, State};
use slipway_runtime::data::write_whole;

use super::known::Known;

const UNPOISONED: &str = "nobody panics with the lock";

/// The merged answers of all registry nodes; cheap to clone.
#[derive(Clone)]
pub struct View {
    inner: Arc<Inner>,
}

/// What is done about an instance that leaves or is not there any more.
type Parting = Box<dyn Fn(&Record) + Send + Sync>;

struct Inner {
    file: PathBuf,
    saving: Mutex<()>,
    /// What is known, and when a registry last said so. Held while a change of it is made known.
    known: Mutex<(Known, Option<Instant>)>,
    /// The records of `known`, for those who are on the way of a request.
    records: RwLock<Arc<Vec<Record>>>,
    turn: AtomicUsize,
    /// Service and instance of those that did not answer in time.
    doubted: RwLock<HashSet<(String, String)>>,
    /// The names of instances and hosts that an operator took out of service.
    out: RwLock<BTreeSet<String>>,
    partings: RwLock<Vec<Parting>>,
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
                saving: Mutex::default(),
                records: RwLock::new(Arc::new(records.clone())),
                known: Mutex::new((Known::new(records), None)),
                turn: AtomicUsize::new(0),
                doubted: RwLock::default(),
                out: RwLock::default(),
                partings: RwLock::default(),
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
        let (known, _) = &mut *self.inner.known.lock().expect(UNPOISONED);
        known.replace(records);
        self.tell(known);
    }

    pub fn records(&self) -> Arc<Vec<Record>> {
        self.inner.records.read().expect(UNPOISONED).clone()
    }

    /// Whether an instance of `service` is known that takes traffic.
    pub fn knows(&self, service: &str) -> bool {
        self.records()
            .iter()
            .any(|record| record.service == service && record.state.takes_traffic())
    }

    /// The instances of `service` in the order to try them: by the tiers of their states, which are in the records. Those
    /// that are ready are each in turn the first, but for those that are doubted. Who is out of service is never tried.
    pub fn candidates(&self, service: &str) -> Vec<Record> {
        let records = self.records();
        let out = self.inner.out.read().expect(UNPOISONED);
        let fitting = |record: &&Record| {
            record.service == service && record.state.takes_traffic() && !is_out(record, &out)
        };
        let mut found: Vec<_> = records.iter().filter(fitting).cloned().collect();
        drop(out);
        found.sort_by_key(|record| record.state.tier());
        let ready = found.partition_point(|record| record.state == State::Ready);
        let ready = &mut found[..ready];
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
        found
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

    /// Takes out of service who has one of these names, or runs on a host of one of them, and nobody else: the names of
    /// records, such as `upload-1` or `host:upload-1`.
    pub fn set_out(&self, names: BTreeSet<String>) {
        let mut out = self.inner.out.write().expect(UNPOISONED);
        if *out != names {
            *out = names;
            drop(out);
            self.inner.changed.send_replace(());
        }
    }

    /// Signals every change from now on.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.inner.changed.subscribe()
    }

    /// Does `parting` about every instance that leaves or is gone, before anybody is told that we know it: an instance
    /// closes its connections when all do, and a request on one that is being closed would be lost. So whoever keeps
    /// connections ends those that are idle here. It must not change the view.
    pub fn when_leaving(&self, parting: impl Fn(&Record) + Send + Sync + 'static) {
        let mut partings = self.inner.partings.write().expect(UNPOISONED);
        partings.push(Box::new(parting));
    }

    /// The instance has said in an answer that it leaves: so it is known while no registry is there to say it.
    pub fn leaves(&self, service: &str, instance: &str) {
        let (known, _) = &mut *self.inner.known.lock().expect(UNPOISONED);
        if known.leaves(service, instance, Instant::now()) {
            self.keep(known);
        }
    }

    /// Waits until another instance of the service of `own` is ready.
    pub async fn has_another(&self, own: &Record) {
        let mut changes = self.subscribe();
        let is_another = |record: &Record| {
            record.service == own.service
                && record.instance != own.instance
                && record.state == State::Ready
        };
        while !self.records().iter().any(is_another) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Whether no registry answers and this is what was last known.
    pub fn is_kept(&self) -> bool {
        self.inner.known.lock().expect(UNPOISONED).0.is_kept()
    }

    /// Whether a registry is still in the epoch of its last answer, and has been in it long enough that who watches may have
    /// come to it.
    pub fn is_warm(&self, registry: &str, epoch: &str) -> bool {
        let known = self.inner.known.lock().expect(UNPOISONED);
        known.0.is_warm(registry, epoch)
    }

    /// Time since a registry last said who is there; `None` before one did.
    pub fn age(&self) -> Option<Duration> {
        let said = self.inner.known.lock().expect(UNPOISONED).1;
        said.map(|said| said.elapsed())
    }

    /// Adds who is known to live though no registry says so. Whoever had the address of one of them is gone.
    pub fn meet(&self, living: &[Record]) {
        let (known, _) = &mut *self.inner.known.lock().expect(UNPOISONED);
        if known.meet(living) {
            self.keep(known);
        }
    }

    /// Takes a registry node's answer, or `None` when it does not answer.
    pub fn apply(&self, registry: &str, answer: Option<Snapshot>) {
        let (known, said) = &mut *self.inner.known.lock().expect(UNPOISONED);
        let now = Instant::now();
        if answer.is_some() {
            *said = Some(now);
        }
        if known.apply(registry, answer, now) {
            for record in known.records() {
                if record.state == State::Unknown {
                    let (service, instance) = (&record.service, &record.instance);
                    tracing::warn!(
                        service,
                        instance,
                        version = record.version,
                        "this instance is in a state that is not known here and gets no traffic"
                    );
                }
            }
            self.keep(known);
        }
    }

    /// Makes a change known, and keeps it for the next start. Nobody waits for the disk: a request may be here, and a
    /// registry waits to hear that we know it.
    fn keep(&self, known: &Known) {
        self.tell(known);
        let view = self.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || view.save())),
            Err(_) => view.save(),
        }
    }

    /// Writes down what is known now; the last to write has written the latest.
    fn save(&self) {
        let _saving = self.inner.saving.lock().expect(UNPOISONED);
        let kept = serde_json::to_vec_pretty(&*self.records())
            .map_err(anyhow::Error::from)
            .and_then(|text| write_whole(&self.inner.file, text));
        if let Err(error) = kept {
            tracing::warn!(%error, "could not keep what is known of the others");
        }
    }

    fn tell(&self, known: &Known) {
        let records = Arc::new(known.records().to_vec());
        let mut shown = self.inner.records.write().expect(UNPOISONED);
        let before = std::mem::replace(&mut *shown, records.clone());
        drop(shown);
        for parting in self.inner.partings.read().expect(UNPOISONED).iter() {
            left(&before, &records).for_each(parting);
        }
        self.inner.changed.send_replace(());
    }
}

/// Those of `before` that were there and are not any more, or leave now.
fn left<'a>(before: &'a [Record], now: &'a [Record]) -> impl Iterator<Item = &'a Record> {
    let stays = |state| matches!(state, State::Starting | State::Ready | State::Suspect);
    let stayed = move |record: &Record| {
        let is =
            |other: &&Record| other.service == record.service && other.instance == record.instance;
        now.iter().find(is).is_some_and(|now| stays(now.state))
    };
    before
        .iter()
        .filter(move |record| stays(record.state) && !stayed(record))
}

/// Whether an operator has taken it, or its host, out of service.
fn is_out(record: &Record, out: &BTreeSet<String>) -> bool {
    let host = record.name.rsplit_once(':').map(|(host, _)| host);
    (!record.name.is_empty() && out.contains(&record.name))
        || host.is_some_and(|host| out.contains(host))
}

/// The records of an earlier run; none where there was none.
fn read(file: &Path) -> io::Result<Vec<Record>> {
    match fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
