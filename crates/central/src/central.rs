//! The central configuration: its database, and who follows it. How it is changed is `change`.
//!
//! Leases do not need it: the database is opened beside them, and its loss stops changes alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use slipway_configuration::history::State;
use slipway_configuration::validation::Schemas;
use slipway_configuration::{DocumentName, Schema};
use slipway_contract::configuration::{Document, Offer, Standing};
use slipway_contract::holder::Holder;
use slipway_database::Database;
use slipway_database::replica::follow::{Following, follow};
use slipway_peers::Peers;
use slipway_peers::configuration::Configuration;
use sqlx::AnyConnection;
use sqlx::migrate::Migrator;
use tokio::sync::watch;

use crate::copy::Copy;
use crate::error::Error;
use crate::shipped;
use crate::store::{revisions, schemas};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Pause until the database is opened again.
const OPEN_AGAIN: Duration = Duration::from_secs(2);
/// How often it is looked at for what another node has changed.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Time after its last poll in which an instance counts as one that follows: more than a poll is held.
const FOLLOWER_LIFE: Duration = Duration::from_secs(45);
pub(crate) struct Central {
    pub(crate) configuration: Configuration,
    opened: OnceLock<Opened>,
    head: watch::Sender<u64>,
    followers: Mutex<HashMap<Holder, Follower>>,
}

/// What there is once the database is open.
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) following: Following,
    epoch: String,
}

#[derive(Clone)]
pub(crate) struct Follower {
    pub(crate) standing: Standing,
    pub(crate) at: Instant,
}

impl Central {
    /// Opens the database in the background, for as long as it takes.
    pub(crate) fn start(peers: &Peers) -> Arc<Self> {
        let central = Arc::new(Self {
            configuration: peers.configuration.clone(),
            opened: OnceLock::new(),
            head: watch::Sender::new(0),
            followers: Mutex::default(),
        });
        let (opening, peers) = (central.clone(), peers.clone());
        let process = peers.process.clone();
        process.spawn("configuration database", move || {
            run(opening.clone(), peers.clone())
        });
        central
    }

    pub(crate) fn opened(&self) -> Result<&Opened, Error> {
        self.opened.get().ok_or(Error::NotOpen)
    }

    /// The newest revision that this node knows.
    pub(crate) fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Notes what an instance says, and answers with what there is for it when `wait` lets it.
    pub(crate) async fn hear(&self, holder: &Holder, standing: &Standing) -> Result<(), Error> {
        let opened = self.opened()?;
        let known = self.followers().insert(
            holder.clone(),
            Follower {
                standing: standing.clone(),
                at: Instant::now(),
            },
        );
        let applied = standing.applied;
        let ahead = standing.epoch == opened.epoch && applied > *self.head.borrow();
        let is_new = known.is_none_or(|known| known.standing.schema != standing.schema);
        if !is_new && !ahead {
            return Ok(());
        }
        let mut transaction = opened.database.write().await?;
        if ahead {
            tracing::warn!(
                applied,
                "an instance has a newer configuration than this database: it is an older copy, and the next change is made on top of it"
            );
            revisions::note_seen(&mut transaction, number(applied)).await?;
        }
        let (service, version) = (&holder.service, &standing.version);
        schemas::put(&mut transaction, service, version, &standing.schema).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What there is for an instance.
    pub(crate) async fn offer(&self, service: &str, environment: &str) -> Result<Offer, Error> {
        let opened = self.opened()?;
        let mut snapshot = opened.database.snapshot().await?;
        let revision = revisions::head(&mut snapshot).await?;
        let mut all = revisions::documents(&mut snapshot, revision).await?;
        let names = DocumentName::of(environment, service);
        let documents = names.into_iter().filter_map(|name| {
            let content = all.remove(&name)?;
            let name = name.to_string();
            Some(Document { name, content })
        });
        Ok(Offer {
            epoch: opened.epoch.clone(),
            revision: revision.unsigned_abs(),
            untouched: revision == shipped::REVISION,
            documents: documents.collect(),
        })
    }

    /// Whether an instance that has seen this has to be told something.
    pub(crate) fn has_news(&self, standing: &Standing) -> bool {
        let head = *self.head.borrow();
        let other = self
            .opened
            .get()
            .is_some_and(|opened| opened.epoch != standing.epoch);
        head > standing.seen || (other && head > 0)
    }

    /// Those that follow now, by service and instance.
    pub(crate) fn living(&self) -> Vec<(Holder, Follower)> {
        let mut followers = self.followers();
        followers.retain(|_, follower| follower.at.elapsed() < FOLLOWER_LIFE);
        let mut living: Vec<_> = followers
            .iter()
            .map(|(holder, follower)| (holder.clone(), follower.clone()))
            .collect();
        living.sort_by(|(a, _), (b, _)| (&a.service, &a.instance).cmp(&(&b.service, &b.instance)));
        living
    }

    /// What there is to set, by service: as those say that follow now, else as one last said.
    pub(crate) async fn schemas(&self, db: &mut AnyConnection) -> Result<Schemas, Error> {
        let mut living = self.living();
        living.sort_by(|(_, a), (_, b)| b.standing.version.cmp(&a.standing.version));
        let mut found = Schemas::new();
        for (holder, follower) in living {
            let of_service = found.entry(holder.service).or_default();
            let schema = Schema::new(follower.standing.schema);
            if !of_service.contains(&schema) {
                of_service.push(schema);
            }
        }
        for (service, schema) in schemas::all(db).await? {
            let kept = || vec![Schema::new(schema)];
            found.entry(service).or_insert_with(kept);
        }
        Ok(found)
    }

    pub(crate) fn raise(&self, revision: u64) {
        self.head.send_if_modified(|head| {
            let forward = revision > *head;
            *head = revision.max(*head);
            forward
        });
    }

    fn followers(&self) -> MutexGuard<'_, HashMap<Holder, Follower>> {
        self.followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn number(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

pub(crate) async fn state_at(db: &mut AnyConnection, revision: i64) -> Result<State, Error> {
    Ok(State {
        revision: revision.unsigned_abs(),
        documents: revisions::documents(db, revision).await?,
    })
}

/// Opens the database, and then tells this process and its followers of what other nodes change.
async fn run(central: Arc<Central>, peers: Peers) {
    while central.opened.get().is_none() {
        match open(&peers).await {
            Ok(opened) => drop(central.opened.set(opened)),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(
                    error,
                    "the database of the configuration cannot be opened: leases go on, and nothing is changed"
                );
                tokio::time::sleep(OPEN_AGAIN).await;
            }
        }
    }
    loop {
        if let Err(error) = look(&central, &peers).await {
            tracing::debug!(?error, "the configuration could not be looked at");
        }
        let mut head = central.head();
        let _ = tokio::time::timeout(LOOK_AGAIN, head.changed()).await;
    }
}

async fn look(central: &Central, peers: &Peers) -> Result<(), Error> {
    let opened = central.opened()?;
    let head = revisions::head(&mut *opened.database.read().await?).await?;
    central.raise(head.unsigned_abs());
    let Some(standing) = peers.configuration.standing() else {
        return Ok(());
    };
    let holder = Holder {
        service: peers.process.service.to_owned(),
        instance: peers.process.instance.to_string(),
    };
    if central.has_news(&standing) {
        let offer = central
            .offer(&holder.service, &standing.environment)
            .await?;
        peers.configuration.take(&offer);
    }
    if let Some(standing) = peers.configuration.standing() {
        central.hear(&holder, &standing).await?;
    }
    Ok(())
}

async fn open(peers: &Peers) -> anyhow::Result<Opened> {
    let database = Database::open(&peers.process, &MIGRATIONS).await?;
    let mut transaction = database.write().await?;
    let epoch = revisions::epoch(&mut transaction).await?;
    let (head, _) = revisions::lock(&mut transaction).await?;
    if head == 0 {
        shipped::write(&mut transaction).await?;
    }
    transaction.commit().await?;
    Ok(Opened {
        following: follow(
            peers,
            Copy {
                database: database.clone(),
                version: peers.process.version,
            },
        ),
        database,
        epoch,
    })
}

#[cfg(test)]
mod tests;
