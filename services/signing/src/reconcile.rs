//! A start: the files of the statements and the rows of the database come to say the same.
//!
//! Files without rows become rows first: an older copy of the database was put back, or it was killed between the two.
//! Then rows without files get theirs: the database is one of 0.1.0, or the folder was lost. The time is linear in
//! the number of statements.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use slipway_database::Database;

use crate::files::{FileError, StatementFiles};
use crate::statement::{Place, Stated};
use crate::store;

/// How often a long start says how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

/// Rows in one transaction, and files in one go.
const BATCH: usize = 200;

/// Batches of files that are written at once: a file system syncs many files in hardly more time than one.
const WRITERS: usize = 8;

/// The statements at the position of `files`. Fails when a file is not as it was written, or says something else than its
/// row.
pub(crate) async fn reconcile(database: &Database, files: &StatementFiles) -> anyhow::Result<()> {
    let mut progress = Progress::default();
    let position = files.position();
    let mut connection = database.read().await?;
    let rows = store::statements::all(&mut connection, position).await?;
    let keys = store::keys::ids(&mut connection).await?;
    drop(connection);
    let rows = rows.into_iter().map(|row| (row.place(position), row));
    let mut unfiled: HashMap<Place, Stated> = rows.collect();
    let lost = files_to_rows(database, files, &mut unfiled, &keys, &mut progress).await?;
    for (app, key_id) in lost {
        tracing::warn!(
            app,
            key_id,
            "the key {key_id} of {app} is not in signing's database: put it back; what was stated by it waits"
        );
    }
    rows_to_files(files, unfiled.into_values().collect(), &mut progress).await
}

async fn rows_to_files(
    files: &StatementFiles,
    mut unfiled: Vec<Stated>,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    // Files of one folder after another, so that it is synced once.
    unfiled.sort_by_cached_key(|stated| stated.place(files.position()).hash());
    let batches: Vec<Vec<Stated>> = unfiled.chunks(BATCH).map(<[_]>::to_vec).collect();
    let batches = batches.into_iter().map(|batch| {
        let files = files.clone();
        async move {
            let write = move |files: &StatementFiles| files.write_all(&batch).map(|()| batch.len());
            blocking(&files, write).await
        }
    });
    let mut written = stream::iter(batches).buffer_unordered(WRITERS);
    while let Some(count) = written.try_next().await? {
        progress.add(count, "files of statements written");
    }
    if !unfiled.is_empty() {
        let count = unfiled.len();
        tracing::info!(count, "statements that had no file have one now");
    }
    Ok(())
}

/// Takes the rows that have a file out of `unfiled`, and makes rows of the files that have none. Returns the keys that
/// are not in the database, with their apps: what was stated by them stays a file until they are.
async fn files_to_rows(
    database: &Database,
    files: &StatementFiles,
    unfiled: &mut HashMap<Place, Stated>,
    keys: &[String],
    progress: &mut Progress,
) -> anyhow::Result<BTreeSet<(String, String)>> {
    let keys: HashSet<&String> = keys.iter().collect();
    let mut lost = BTreeSet::new();
    let mut new = Vec::new();
    let mut count = 0;
    for shard in files.shards().context("the statements cannot be read")? {
        let found = blocking(files, move |files| files.read_shard(&shard)).await?;
        progress.add(found.len(), "files of statements read");
        for filed in found {
            if let Some(row) = unfiled.remove(&filed.place(files.position())) {
                files
                    .compare(&filed, &row)
                    .map_err(|error| advise(files, error))?;
            } else if keys.contains(&filed.key_id) {
                new.push(filed);
            } else {
                lost.insert((filed.app, filed.key_id));
            }
        }
        if new.len() >= BATCH {
            count += new.len();
            add_rows(database, files, std::mem::take(&mut new)).await?;
        }
    }
    count += new.len();
    add_rows(database, files, new).await?;
    if count > 0 {
        tracing::warn!(
            count,
            "statements were missing in signing's database and were taken from their files: it is an older copy"
        );
    }
    Ok(lost)
}

async fn add_rows(
    database: &Database,
    files: &StatementFiles,
    statements: Vec<Stated>,
) -> anyhow::Result<()> {
    if statements.is_empty() {
        return Ok(());
    }
    let mut transaction = database.write().await?;
    for filed in statements {
        // Another instance may have added it this moment.
        let kept = store::statements::insert(&mut transaction, files.position(), &filed).await?;
        files
            .compare(&filed, &kept.stated)
            .map_err(|error| advise(files, error))?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn blocking<T: Send + 'static>(
    files: &StatementFiles,
    work: impl FnOnce(&StatementFiles) -> Result<T, FileError> + Send + 'static,
) -> anyhow::Result<T> {
    let theirs = files.clone();
    let done = tokio::task::spawn_blocking(move || work(&theirs)).await?;
    done.map_err(|error| advise(files, error))
}

/// What an operator can do about a file.
fn advise(files: &StatementFiles, error: FileError) -> anyhow::Error {
    let folder = files.folder().display();
    let advice = match &error {
        FileError::Damaged { .. } => format!(
            "nothing is signed over a damaged statement; the files are in {folder}, and where there is no copy of this one, and signing's database is the newest there was, remove the file: it is written again from its row"
        ),
        FileError::Differs { .. } => format!(
            "a version never gets a second digest; the files are in {folder}, and the signature that users have names the digest that was signed"
        ),
        FileError::Unavailable(_) => format!("the files are in {folder}"),
    };
    anyhow::Error::new(error).context(advice)
}

struct Progress {
    said: Instant,
    count: usize,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            said: Instant::now(),
            count: 0,
        }
    }
}

impl Progress {
    fn add(&mut self, count: usize, what: &str) {
        self.count += count;
        if self.said.elapsed() >= PROGRESS {
            self.said = Instant::now();
            tracing::info!(count = self.count, "{what}");
        }
    }
}
