//! The queue of the work behind releases: key and release jobs, taken while nothing is held.

use std::time::Duration;

use slipway_database::queue::{self, Queue, Row, Table, Workers, crashes};
use slipway_peers::waking::wake_when_somebody_comes;
use slipway_runtime::clock;
use sqlx::{Any, AnyConnection, Transaction};

use crate::held::Unchanged;
use crate::publishing::{self, Ended};
use crate::settings;
use crate::state::CatalogState;
use crate::store::{feed, idempotency, jobs};
use crate::switch;

/// How long a follower that is not heard of is remembered: it is a process that ended.
const FOLLOWER_LIFE_MILLIS: i64 = 24 * 3600 * 1000;

#[derive(Clone)]
struct Jobs(CatalogState);

impl Queue for Jobs {
    const TABLE: Table = Table {
        name: "jobs",
        subject: "kind, subject",
        held: "EXISTS (SELECT 1 FROM feed WHERE held IS NOT NULL)",
        counts_crashes: true,
    };
    type Subject = jobs::Job;

    async fn begin(&self) -> sqlx::Result<Option<Transaction<'static, Any>>> {
        match self.0.change().await {
            Ok(transaction) => Ok(Some(transaction)),
            Err(Unchanged::Held) => Ok(None),
            Err(Unchanged::Database(error)) => Err(error),
        }
    }

    async fn run(&self, work: &jobs::Work) -> sqlx::Result<()> {
        let ended = publishing::run(&self.0, work).await;
        let mut transaction = self.0.database.write().await?;
        match ended {
            Ended::Done => {
                work.lease.done(&mut transaction).await?;
            }
            Ended::Waits(reason) => {
                let now = clock::unix_millis();
                work.lease.put_back(&mut transaction, now, &reason).await?;
            }
        }
        transaction.commit().await
    }

    async fn give_up(
        &self,
        db: &mut AnyConnection,
        row: &Row<jobs::Job>,
        reason: &str,
    ) -> sqlx::Result<()> {
        publishing::give_up(db, &row.subject, reason).await
    }
}

pub(crate) fn start(state: &CatalogState) {
    let context = (&state.process, &state.database, &state.signals);
    let workers = Workers::new(
        context,
        Jobs(state.clone()),
        limits(&state.settings.now().jobs),
    );
    workers.start();
    workers.follow(&state.settings, |settings| at_once(&settings.jobs));
    let waking = workers.clone();
    wake_when_somebody_comes(&state.peers, move || waking.clone().wake());
    wake_when_publishing_is_on(state, workers);
    let tidying = state.clone();
    state
        .process
        .spawn("tidying", move || tidy(tidying.clone()));
}

/// What waited while publishing was off goes on at once.
fn wake_when_publishing_is_on(state: &CatalogState, workers: Workers<Jobs>) {
    let settings = state.settings.clone();
    state.process.spawn("switch of publishing", move || {
        let (workers, mut settings) = (workers.clone(), settings.clone());
        async move {
            loop {
                settings.changed().await;
                if switch::words(&settings.now()).is_some() {
                    continue;
                }
                if let Err(error) = workers.clone().wake().await {
                    tracing::warn!(%error, "waiting work could not be woken; it wakes by itself");
                }
            }
        }
    });
}

fn at_once(jobs: &settings::Jobs) -> usize {
    usize::try_from(jobs.workers).unwrap_or(usize::MAX)
}

fn limits(jobs: &settings::Jobs) -> queue::Limits {
    queue::Limits {
        at_once: at_once(jobs),
        lease: Duration::from_secs(jobs.lease_seconds),
        crashes: crashes::Limits {
            max_crashes: jobs.max_crashes,
            max_crashes_alone: jobs.max_crashes_alone,
            alone_pause_millis: jobs.alone_pause_millis,
        },
    }
}

/// Forgets what is only remembered for a time.
async fn tidy(state: CatalogState) {
    loop {
        if let Err(error) = forget(&state).await {
            tracing::warn!(%error, "old rows could not be removed; the next hour tries again");
        }
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
}

async fn forget(state: &CatalogState) -> sqlx::Result<()> {
    let now = clock::unix_millis();
    let hours = state.settings.now().publishing.idempotency_hours;
    let mut transaction = state.database.write().await?;
    idempotency::forget(&mut transaction, now - hours * 3600 * 1000).await?;
    feed::forget_followers(&mut transaction, now - FOLLOWER_LIFE_MILLIS).await?;
    transaction.commit().await
}
