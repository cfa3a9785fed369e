//! The one sweep: what nobody will go on with, or refers to any more, is removed.
//!
//! Without asking anybody go files that a killed process left in staging, and expired sessions. A staged file is looked at
//! under its lock, which whoever writes it holds: with the lock in hand, a file either has the row of a session or belongs
//! to nobody.
//!
//! Of the store goes what no row of ours and nothing in the copy of the feed refers to ([`crate::rules::sweep`]), into the trash first,
//! and rows of packages that the catalog refused or that were removed. That is done only while the copy is the catalog's
//! present state: an older database of ours, or of the catalog's, must not cost bytes. The store is looked through folder by folder,
//! a few at a time. What is found is judged once more with the folder locked, so that nobody is between the store and the
//! row that will refer to it ([`crate::trash`]). What comes to be referred to while it lies in the trash comes back.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use slipway_contract::Digest;
use slipway_database::replica::current::check_current;
use slipway_runtime::clock;
use sqlx::AnyConnection;
use tokio::task::spawn_blocking;

use crate::copy::Copy;
use crate::rules::sweep::{self, Found, Move, Reference, References, Times};
use crate::state::UploadState;
use crate::storage::{self, Warned};
use crate::store::{Range, copy, intents, outbox, packages, sessions};
use crate::trash::{Moved, digits};

/// Rows and digests that one step takes at most: it holds a lock.
const AT_ONCE: usize = 500;

/// What was done since the process started, for operators.
#[derive(Clone)]
struct Counters {
    files: Counter,
    bytes: Counter,
}

/// Starts to sweep, until the process ends.
pub(crate) fn start(state: &UploadState) {
    let metrics = &state.process.metrics;
    let counters = Counters {
        files: metrics.counter("trashed_files", "Files that nobody referred to"),
        bytes: metrics.counter("trashed_bytes", "Bytes of files that nobody referred to"),
    };
    let running = state.clone();
    let begin = move || run(running.clone(), counters.clone());
    state.process.spawn("sweep", begin);
}

async fn run(state: UploadState, counters: Counters) {
    let period = Duration::from_secs(state.settings.now().store.sweep_seconds.max(1));
    let mut tick = tokio::time::interval(period);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sweep = Sweep {
        state,
        counters,
        folder: 0,
        said: Warned::default(),
    };
    loop {
        tick.tick().await;
        sweep.once().await;
    }
}

struct Sweep {
    state: UploadState,
    counters: Counters,
    /// The folder of blobs to look at next.
    folder: u8,
    said: Warned,
}

impl Sweep {
    async fn once(&mut self) {
        // Two at once would do no harm, but the work twice.
        let lock = match self.state.staging.lock_trash() {
            Ok(Some(lock)) => lock,
            Ok(None) => return,
            Err(error) => return warn("the trash", &error),
        };
        let mut current = Current::default();
        let looked = storage::look_at_disk(&self.state, &self.said);
        let parts = [
            ("disk", looked.map_err(anyhow::Error::from)),
            ("sessions", expired_sessions(&self.state).await),
            ("staging", orphans(&self.state).await),
            ("packages", self.rows(&mut current).await),
            ("blobs", self.blobs(&mut current).await),
        ];
        for (part, swept) in parts {
            if let Err(error) = swept {
                warn(part, &error);
            }
        }
        drop(lock);
    }

    /// Rows of packages that have ended, after their time.
    async fn rows(&self, current: &mut Current) -> anyhow::Result<()> {
        let (state, now) = (&self.state, clock::unix_millis());
        let before = now - millis(state.settings.now().sweep.row_seconds);
        let mut connection = state.database.read().await?;
        let some = packages::some_ended(&mut connection, before).await?;
        drop(connection);
        if !some || !current.check(state).await {
            return Ok(());
        }
        let limit = i64::try_from(AT_ONCE)?;
        let mut transaction = state.database.write().await?;
        packages::note_ended(&mut transaction, now).await?;
        outbox::forget_removed(&mut transaction, before).await?;
        intents::forget_ended(&mut transaction).await?;
        let rows = packages::remove_ended(&mut transaction, before, limit).await?;
        transaction.commit().await?;
        if rows > 0 {
            tracing::info!(rows, "rows of refused and removed packages were removed");
        }
        Ok(())
    }

    /// The next folders of blobs.
    async fn blobs(&mut self, current: &mut Current) -> anyhow::Result<()> {
        // Each time: what is referred to again must not wait for its turn, since it cannot be served meanwhile.
        let staging = self.state.staging.clone();
        for folder in spawn_blocking(move || staging.trashed_folders()).await?? {
            self.look_through(folder, current).await?;
        }
        for _ in 0..self.state.settings.now().sweep.folders.clamp(1, 256) {
            let folder = self.folder;
            // First, so that a folder that cannot be read keeps no other from its turn.
            self.folder = folder.wrapping_add(1);
            if self.look_through(folder, current).await? {
                self.folder = folder;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether there is more in the folder than one sweep does.
    async fn look_through(&self, folder: u8, current: &mut Current) -> anyhow::Result<bool> {
        let state = &self.state;
        if judge(state, folder).await?.is_empty() || !current.check(state).await {
            return Ok(false);
        }
        let Some(lock) = state.staging.lock_folder(folder)? else {
            // Somebody stores bytes there now.
            return Ok(false);
        };
        let mut moves = judge(state, folder).await?;
        let left = moves.len() > AT_ONCE;
        moves.truncate(AT_ONCE);
        let examples: Vec<_> = moves.iter().take(3).copied().collect();
        let staging = state.staging.clone();
        // The lock goes with the work: it must not end before it, also when nobody waits for it any more.
        let moving = spawn_blocking(move || {
            let moved = staging.sweep(folder, &moves);
            drop(lock);
            moved
        });
        let moved = moving.await??;
        self.note(folder, moved, &examples);
        Ok(left)
    }

    fn note(&self, folder: u8, moved: Moved, examples: &[(Digest, Move)]) {
        self.counters.files.inc_by(moved.trashed);
        self.counters.bytes.inc_by(moved.trashed_bytes);
        tracing::info!(
            folder = digits(folder),
            trashed = moved.trashed,
            trashed_bytes = moved.trashed_bytes,
            back = moved.back,
            removed = moved.removed,
            removed_bytes = moved.removed_bytes,
            ?examples,
            "files of the store were swept"
        );
    }
}

/// Whether the copy is what the catalog has, asked once in a sweep, when something is to be removed.
#[derive(Default)]
struct Current(Option<bool>);

impl Current {
    async fn check(&mut self, state: &UploadState) -> bool {
        if let Some(known) = self.0 {
            return known;
        }
        let copy = Copy(state.database.clone());
        let checked = check_current(&state.peers, &copy).await;
        if let Err(why) = &checked {
            tracing::debug!(
                why = format!("{why:#}"),
                "what nobody refers to stays for now"
            );
        }
        *self.0.insert(checked.is_ok())
    }
}

/// What is to become of the digests of a folder.
async fn judge(state: &UploadState, folder: u8) -> anyhow::Result<Vec<(Digest, Move)>> {
    let staging = state.staging.clone();
    let found = spawn_blocking(move || staging.found(folder)).await??;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let settings = state.settings.now();
    let settings = &settings.sweep;
    let times = Times {
        young: millis(settings.young_seconds),
        trash: millis(settings.trash_seconds),
    };
    let now = clock::unix_millis();
    let digits = digits(folder);
    let mut snapshot = state.database.snapshot().await?;
    let mut references = own_references(&mut snapshot, &digits).await?;
    // Releases have no index by digest: they are asked only where it matters.
    let matters = |(digest, found): (&Digest, &Found)| {
        references.to(digest).is_none()
            && (found.is_trashed() || sweep::judge(found, None, now, times).is_some())
    };
    if found.iter().any(matters) {
        let digests = copy::files(&mut snapshot, &digits).await?;
        references.add(&digests, Reference::Release)?;
    }
    snapshot.rollback().await?;
    let moves = found.into_iter().filter_map(|(digest, found)| {
        let next = sweep::judge(&found, references.to(&digest), now, times)?;
        Some((digest, next))
    });
    Ok(moves.collect())
}

/// Everybody but releases who refers to digests that begin with `digits`.
async fn own_references(db: &mut AnyConnection, digits: &str) -> anyhow::Result<References> {
    // Every digit is less than `g`.
    let range: Range = digits.to_owned()..format!("{digits}g");
    let mut references = References::default();
    for (digests, reference) in [
        (packages::digests(db, &range).await?, Reference::Package),
        (outbox::digests(db, &range).await?, Reference::Delivery),
        (sessions::digests(db, &range).await?, Reference::Session),
        (copy::packages(db, &range).await?, Reference::CatalogPackage),
    ] {
        references.add(&digests, reference)?;
    }
    Ok(references)
}

fn warn(part: &str, error: &anyhow::Error) {
    let error = format!("{error:#}");
    tracing::warn!(
        part,
        error,
        "could not be swept; the next sweep tries again"
    );
}

fn millis(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX / 2)
}

async fn expired_sessions(state: &UploadState) -> anyhow::Result<()> {
    let now = clock::unix_millis();
    let mut connection = state.database.read().await?;
    let expired = sessions::expired(&mut connection, now).await?;
    drop(connection);
    for id in expired {
        // Somebody writes to it, or it has no file any more: then it became a package.
        let Ok(lock) = state.staging.lock(&id) else {
            continue;
        };
        let mut transaction = state.database.write().await?;
        let removed = sessions::remove_expired(&mut transaction, &id, now).await?;
        transaction.commit().await?;
        if removed && lock.is_some() {
            state.staging.remove(&id)?;
        }
    }
    Ok(())
}

async fn orphans(state: &UploadState) -> anyhow::Result<()> {
    for id in state.staging.list()? {
        let Ok(Some(lock)) = state.staging.lock(&id) else {
            continue;
        };
        let mut connection = state.database.read().await?;
        if !sessions::exists(&mut connection, &id).await? {
            state.staging.remove(&id)?;
        }
        drop(lock);
    }
    Ok(())
}
