//! The central configuration: its database, who follows it, and the one way in which it is changed.
//!
//! Leases do not need it: the database is opened beside them, and its loss stops changes alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use slipway_configuration::history::{self, Plan, Proposal, Refused, State};
use slipway_configuration::validation::{self, Schemas};
use slipway_configuration::{Applies, DocumentName, Schema};
use slipway_contract::configuration::{Changed, Document, Offer, Standing};
use slipway_contract::holder::Holder;
use slipway_database::Database;
use slipway_database::replica::follow::{Following, follow};
use slipway_peers::Peers;
use slipway_peers::configuration::Configuration;
use slipway_runtime::clock;
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
/// Characters of a reason.
const LONGEST_REASON: usize = 500;

/// Whoever may operate the platform, for the history.
pub struct Operator {
    pub(crate) token_id: String,
    pub(crate) token_name: String,
    pub(crate) request_id: String,
}

pub(crate) struct Central {
    configuration: Configuration,
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

/// What shall become of the documents.
pub(crate) enum Wanted {
    Documents(Proposal),
    Promotion {
        from: String,
        to: String,
        keys: Vec<String>,
    },
    Rollback(u64),
}

impl Wanted {
    fn action(&self) -> &'static str {
        match self {
            Self::Documents(_) => "changed",
            Self::Promotion { .. } => "promoted",
            Self::Rollback(_) => "rolled_back",
        }
    }
}

/// A change as it was asked for.
pub(crate) struct Asked {
    pub(crate) wanted: Wanted,
    /// The revision that it is based on; `None` where it is made of whatever is there.
    pub(crate) expected: Option<u64>,
    pub(crate) reason: String,
    pub(crate) dry_run: bool,
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

    /// Makes a revision, or says what one would be.
    pub(crate) async fn change(&self, by: &Operator, asked: &Asked) -> Result<Changed, Error> {
        if asked.reason.chars().count() > LONGEST_REASON {
            return Err(Error::ReasonTooLong);
        }
        let opened = self.opened()?;
        let mut transaction = opened.database.write().await?;
        let (head, seen) = revisions::lock(&mut transaction).await?;
        let state = state_at(&mut transaction, head).await?;
        let proposal = proposal(&mut transaction, &state, &asked.wanted).await?;
        let plan = match history::plan(&state, asked.expected, &proposal) {
            Ok(plan) => plan,
            Err(refused) => {
                return repeated(&mut transaction, by, asked, &proposal, refused).await;
            }
        };
        let schemas = self.schemas(&mut transaction).await?;
        self.check(&plan, &schemas)?;
        let mut changed = told(&plan, head.unsigned_abs(), &schemas);
        if asked.dry_run || plan.is_empty() {
            return Ok(changed);
        }
        let row = revisions::Row {
            revision: head.max(seen) + 1,
            made_at: clock::unix_millis(),
            token_id: by.token_id.clone(),
            token_name: by.token_name.clone(),
            request_id: by.request_id.clone(),
            action: asked.wanted.action().to_owned(),
            reason: asked.reason.clone(),
            before: head,
        };
        revisions::insert(&mut transaction, &row, &plan).await?;
        let made = revisions::made(&mut transaction).await?;
        if let Some(oldest) = history::oldest_kept(&made, row.made_at) {
            revisions::forget_before(&mut transaction, number(oldest)).await?;
        }
        transaction.commit().await?;
        (changed.revision, changed.changed) = (row.revision.unsigned_abs(), true);
        self.raise(changed.revision);
        let (revision, by) = (row.revision, &row.token_name);
        tracing::info!(
            revision,
            by,
            action = row.action,
            reason = row.reason,
            "the configuration was changed"
        );
        Ok(changed)
    }

    /// By the schemas of those who take it; and what they share also as this process would read it.
    fn check(&self, plan: &Plan, schemas: &Schemas) -> Result<(), Error> {
        for (name, content) in &plan.changed {
            let Some(content) = content else { continue };
            let shared = Document {
                name: DocumentName::Base.to_string(),
                content: content.clone(),
            };
            validation::check(name, content, schemas)
                .and_then(|()| self.configuration.check(&[shared]))
                .map_err(|refusal| Error::Refused {
                    document: name.to_string(),
                    refusal,
                })?;
        }
        Ok(())
    }

    fn raise(&self, revision: u64) {
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

async fn proposal(
    db: &mut AnyConnection,
    state: &State,
    wanted: &Wanted,
) -> Result<Proposal, Error> {
    let now = &state.documents;
    match wanted {
        Wanted::Documents(proposal) => Ok(proposal.clone()),
        Wanted::Promotion { from, to, keys } => Ok(history::promote(now, from, to, keys)),
        Wanted::Rollback(revision) => {
            let then = revisions::get(db, number(*revision)).await?;
            let then = then.ok_or(Error::RevisionUnknown(*revision))?;
            let then = revisions::documents(db, then.revision).await?;
            Ok(history::rollback(now, &then))
        }
    }
}

/// A change that was sent once more because its answer was lost: the same token has made the same on the same revision.
async fn repeated(
    db: &mut AnyConnection,
    by: &Operator,
    asked: &Asked,
    proposal: &Proposal,
    refused: Refused,
) -> Result<Changed, Error> {
    let Some(expected) = asked
        .expected
        .filter(|_| matches!(refused, Refused::Moved { .. }))
    else {
        return Err(refused.into());
    };
    let Some(made) = revisions::after(db, number(expected)).await? else {
        return Err(refused.into());
    };
    let before = state_at(db, number(expected)).await?;
    let after = state_at(db, made.revision).await?;
    let plan = history::plan(&before, None, proposal)?;
    let is_same = made.token_id == by.token_id
        && made.reason == asked.reason
        && made.action == asked.wanted.action()
        && history::applied(&before, &plan).documents == after.documents;
    if !is_same {
        return Err(refused.into());
    }
    Ok(told(&plan, after.revision, &Schemas::new()))
}

/// A plan as the answer tells it: nothing of it is done yet.
fn told(plan: &Plan, revision: u64, schemas: &Schemas) -> Changed {
    let keys = plan.differences.iter().flat_map(|(name, differences)| {
        let keys = differences.iter().map(|one| one.key.clone());
        keys.filter(|key| waits(name, key, schemas))
    });
    let mut restart: Vec<_> = keys.collect();
    restart.dedup();
    Changed {
        revision,
        changed: false,
        restart,
        differences: plan.told(),
    }
}

fn waits(name: &DocumentName, key: &str, schemas: &Schemas) -> bool {
    let of = schemas
        .iter()
        .filter(|(service, _)| name.service().is_none_or(|only| only == *service));
    of.flat_map(|(_, schemas)| schemas)
        .any(|schema| schema.knows(key) && schema.applies(key) == Applies::Restart)
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
