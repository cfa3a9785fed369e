//! Who takes rows and does the work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, FromRow, Result, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::crashes::{self, Turn};
use super::lease::Lease;
use super::table::{Row, Table};
use crate::pool::Database;
use crate::signal::Signal;
use slipway_runtime::clock::{self, Moment};
use slipway_runtime::process::slot::announcements;
use slipway_runtime::retry;
use slipway_runtime::{Live, Process};

/// How long nothing is taken after the database could not be read.
const AFTER_AN_ERROR: Duration = Duration::from_secs(1);

/// What work waits for whose result could not be written.
const UNWRITTEN: &str = "something went wrong here, and it is tried again";

/// What a service says of its queue.
pub trait Queue: Clone + Send + Sync + 'static {
    const TABLE: Table;
    /// The work, as its columns say.
    type Subject: for<'row> FromRow<'row, AnyRow> + Send + Sync + Unpin + 'static;

    /// A transaction in which a row is taken; `None` while nothing may be begun.
    fn begin(&self) -> impl Future<Output = Result<Option<Transaction<'static, Any>>>> + Send;

    /// Does the work, and ends the lease in the transaction that writes its result down. It may be dropped at any await:
    /// at the end of the process, and when the lease was lost.
    fn run(&self, work: &Work<Self::Subject>) -> impl Future<Output = Result<()>> + Send;

    /// Says where the work is waited for that it is given up, in the transaction that does so.
    fn give_up(
        &self,
        db: &mut AnyConnection,
        row: &Row<Self::Subject>,
        reason: &str,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// How a queue is worked through.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Rows at once in one instance.
    pub at_once: usize,
    /// The time of a lease, renewed three times within it. The same for every instance: one that is longer than ours by
    /// more than clocks may differ counts as none.
    pub lease: Duration,
    pub crashes: crashes::Limits,
}

impl Limits {
    fn lease_millis(&self) -> i64 {
        i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX / 2)
    }

    /// Now, as rows see it.
    fn moment(&self) -> Moment {
        let pause = crashes::longest_pause(&self.crashes).max(retry::LONGEST_PAUSE_MILLIS);
        Moment::new(clock::unix_millis(), pause, self.lease_millis())
    }
}

/// A leased row, and its place among those that run in this process.
pub struct Work<Subject> {
    pub row: Row<Subject>,
    pub lease: Lease,
    place: Mutex<OwnedSemaphorePermit>,
}

impl<Subject> Work<Subject> {
    /// Notes a step forward, in the transaction that makes it. Work that was alone is one among others again.
    pub async fn went_forward(&self, db: &mut AnyConnection) -> Result<()> {
        self.lease.went_forward(db).await?;
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let more = place.num_permits() - 1;
        drop(place.split(more));
        Ok(())
    }
}

/// An instance's part in a queue; cheap to clone.
#[derive(Clone)]
pub struct Workers<Q> {
    queue: Q,
    process: Process,
    database: Database,
    /// Raised whenever there may be something to do.
    signal: Signal,
    limits: Limits,
    /// One for each row at once. Who has all of them is alone.
    places: Arc<Semaphore>,
    /// How many places there are. Only [`Workers::follow`] changes it.
    at_once: Arc<AtomicUsize>,
}

impl<Q: Queue> Workers<Q> {
    pub fn new(
        (process, database, signal): (&Process, &Database, &Signal),
        queue: Q,
        limits: Limits,
    ) -> Self {
        let at_once = limits.at_once.max(1);
        Self {
            queue,
            process: process.clone(),
            database: database.clone(),
            signal: signal.clone(),
            places: Arc::new(Semaphore::new(at_once)),
            at_once: Arc::new(AtomicUsize::new(at_once)),
            limits,
        }
    }

    /// Starts to work, until the process ends.
    pub fn start(&self) {
        let working = self.clone();
        self.process
            .spawn_to_its_end(Q::TABLE.name, move || working.clone().work());
    }

    /// Ends every pause: somebody has come whom the work may wait for.
    pub async fn wake(self) -> Result<()> {
        let now = clock::unix_millis();
        {
            let mut connection = self.database.read().await?;
            if !Q::TABLE.some_wait(&mut connection, now).await? {
                return Ok(());
            }
        }
        let mut transaction = self.database.write().await?;
        Q::TABLE.wake_all(&mut transaction, now).await?;
        transaction.commit().await?;
        self.signal.raise();
        Ok(())
    }

    async fn work(self) {
        let shutdown = self.process.shutdown.clone();
        loop {
            let taken = tokio::select! {
                taken = self.next() => taken,
                () = shutdown.cancelled() => break,
            };
            match taken {
                Ok(Some(work)) => {
                    let running = self.clone().run(work);
                    self.process.spawn_once(Q::TABLE.name, running);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(queue = Q::TABLE.name, %error, "the queue could not be read");
                    tokio::select! {
                        () = tokio::time::sleep(AFTER_AN_ERROR) => {}
                        () = shutdown.cancelled() => break,
                    }
                }
            }
        }
        if let Err(error) = self.hand_back().await {
            tracing::warn!(queue = Q::TABLE.name, %error, "what was begun here waits until its leases end");
        }
    }

    /// A process that ends gives what it has to the next at once, when none of it runs here any more.
    async fn hand_back(&self) -> Result<()> {
        let _all = self.all_places().await;
        let mut transaction = self.database.write().await?;
        Q::TABLE
            .hand_back(&mut transaction, &self.process.instance)
            .await?;
        transaction.commit().await
    }

    async fn next(&self) -> Result<Option<Work<Q::Subject>>> {
        let far = Instant::now() + Duration::from_hours(1);
        self.signal.wait_for(far, || self.take()).await
    }

    /// Leases the row that is due the longest, as soon as it has its place. Whoever waits to be alone lets nobody else
    /// begin.
    async fn take(&self) -> Result<Option<Work<Q::Subject>>> {
        let place = self.places(1).await;
        // Looked at without the write lock first: an idle platform writes nothing.
        let Some(due) = self.look().await? else {
            return Ok(None);
        };
        let limits = &self.limits.crashes;
        let alone = due.crashes().turn(limits) == Turn::Alone;
        let place = if alone {
            drop(place);
            self.all_places().await
        } else {
            place
        };
        let Some(mut transaction) = self.queue.begin().await? else {
            return Ok(None);
        };
        let moment = self.limits.moment();
        let Some(row) = Q::TABLE.due(&mut transaction, moment).await? else {
            return Ok(None);
        };
        if self.note_crash(&mut transaction, &row, moment.now).await? {
            transaction.commit().await?;
            self.signal.raise();
            return Ok(None);
        }
        if alone != (row.crashes().turn(limits) == Turn::Alone) {
            // Another row than was looked at: the next look finds its place.
            self.signal.raise();
            return Ok(None);
        }
        let owner = format!("{}/{}", self.process.instance, Uuid::now_v7());
        let until = moment.now + self.limits.lease_millis();
        let taken = Lease::take(Q::TABLE, &mut transaction, row, (owner, alone), until).await?;
        transaction.commit().await?;
        let Some((lease, row)) = taken else {
            // Another instance was faster, and there may be more.
            self.signal.raise();
            return Ok(None);
        };
        let place = Mutex::new(place);
        Ok(Some(Work { row, lease, place }))
    }

    async fn look(&self) -> Result<Option<Row<Q::Subject>>> {
        let mut connection = self.database.read().await?;
        Q::TABLE.due(&mut connection, self.limits.moment()).await
    }

    async fn places(&self, count: usize) -> OwnedSemaphorePermit {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let places = self.places.clone().acquire_many_owned(count).await;
        places.expect("it is never closed")
    }

    async fn all_places(&self) -> OwnedSemaphorePermit {
        self.places(self.at_once.load(Ordering::Acquire)).await
    }

    /// Keeps as many places as the settings say while the process runs. Fewer are there when work has ended.
    pub fn follow<S: Send + Sync + 'static>(&self, settings: &Live<S>, at_once: fn(&S) -> usize) {
        let (workers, settings) = (self.clone(), settings.clone());
        self.process.spawn("places of a queue", move || {
            let (workers, mut settings) = (workers.clone(), settings.clone());
            async move {
                loop {
                    workers.resize(at_once(&settings.now())).await;
                    settings.changed().await;
                }
            }
        });
    }

    async fn resize(&self, at_once: usize) {
        let (before, after) = (self.at_once.load(Ordering::Acquire), at_once.max(1));
        if after > before {
            self.at_once.store(after, Ordering::Release);
            self.places.add_permits(after - before);
        } else if after < before {
            self.places(before - after).await.forget();
            self.at_once.store(after, Ordering::Release);
        }
    }

    /// Counts the end of the process that had leased the row, and gives the row up when that was once too often. `false`
    /// when no process ended: one of ours was slow, or one on this machine is stopped, and lives.
    async fn note_crash(
        &self,
        db: &mut AnyConnection,
        row: &Row<Q::Subject>,
        now: i64,
    ) -> Result<bool> {
        let lost_by = row.lost_by(now).filter(|_| Q::TABLE.counts_crashes);
        let Some(instance) = lost_by.filter(|instance| !self.lives(instance)) else {
            return Ok(false);
        };
        let limits = &self.limits.crashes;
        let crashes = row.crashes().and_one(row.was_alone());
        let next_at = now + crashes.pause(limits);
        if !Q::TABLE.crashed(db, row, crashes, next_at).await? {
            return Ok(true);
        }
        tracing::warn!(
            queue = Q::TABLE.name,
            job = row.id,
            instance,
            alone = row.was_alone(),
            "a process ended while it worked on this job"
        );
        if crashes.turn(limits) == Turn::Never {
            let reason = format!(
                "the work on it ended {} processes, {} of them while they did nothing else; the log has their last words",
                crashes.beside + crashes.alone,
                crashes.alone
            );
            self.queue.give_up(db, row, &reason).await?;
            Q::TABLE.fail(db, &row.id, &reason, now).await?;
        }
        Ok(true)
    }

    /// Whether an instance is known to live, as far as this machine can tell.
    fn lives(&self, instance: &str) -> bool {
        *self.process.instance == *instance
            || announcements(&self.process.data)
                .iter()
                .any(|other| other.instance == instance && other.lives())
    }

    async fn run(self, work: Work<Q::Subject>) {
        // Renewed by a task of its own: the work may keep this one busy for seconds at a time.
        let mut lease = JoinSet::new();
        lease.spawn(self.clone().renew(work.lease.clone()));
        let written = tokio::select! {
            biased;
            written = self.queue.run(&work) => written,
            _ = lease.join_next() => {
                tracing::warn!(queue = Q::TABLE.name, job = work.row.id, "another worker has taken this job");
                Ok(())
            }
        };
        if let Err(error) = written {
            tracing::warn!(queue = Q::TABLE.name, job = work.row.id, %error, "the result of a job could not be written");
            if let Err(error) = self.put_back(&work.lease).await {
                tracing::warn!(queue = Q::TABLE.name, job = work.row.id, %error, "it waits until its lease ends");
            }
        }
        drop(work);
        self.signal.raise();
    }

    /// Work whose result could not be written is done again after its pause, not when its lease ends.
    async fn put_back(&self, lease: &Lease) -> Result<()> {
        let mut transaction = self.database.write().await?;
        let now = clock::unix_millis();
        lease.put_back(&mut transaction, now, UNWRITTEN).await?;
        transaction.commit().await
    }

    /// Returns when the lease is lost.
    async fn renew(self, lease: Lease) {
        loop {
            tokio::time::sleep(self.limits.lease / 3).await;
            if matches!(self.renew_once(&lease).await, Ok(false)) {
                return;
            }
        }
    }

    async fn renew_once(&self, lease: &Lease) -> Result<bool> {
        let mut transaction = self.database.write().await?;
        let until = clock::unix_millis() + self.limits.lease_millis();
        let kept = lease.renew(&mut transaction, until).await?;
        transaction.commit().await?;
        Ok(kept)
    }
}
