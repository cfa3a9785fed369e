//! Lists of blocks for what was stored before there were any.
//!
//! Each such file is read once, in the background and one at a time, and checked whole: a wrong one never gets a list.
//! The row of a package whose list the catalog does not know is the queue, with a lease in it, so that any number of
//! instances share the work and a killed one's is taken up.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use http::Method;
use serde_json::Value;
use slipway_contract::internal::FileBlocks;
use slipway_contract::{Digest, FileHash};
use slipway_peers::client::CallError;
use slipway_runtime::clock;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use uuid::Uuid;

use crate::staging::finish;
use crate::state::UploadState;
use crate::store::missing_blocks;
use crate::store::packages::Package;

/// How often it is looked for packages without a list.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Milliseconds of a lease: how long the file of a killed instance waits for another.
const LEASE: i64 = 30_000;
/// Milliseconds until a file that was found wrong is read again: somebody may have put the right one back.
const PAUSE: i64 = 3_600_000;
/// Bytes that are read before the next look at the lease, and before uploads get their turn.
const PIECE: usize = 8 << 20;

pub(crate) async fn run(state: UploadState) {
    loop {
        match list_one(&state).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(LOOK_AGAIN).await,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "a package could not be given its list of blocks");
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}

/// Whether there was one.
async fn list_one(state: &UploadState) -> anyhow::Result<bool> {
    let now = clock::unix_millis();
    let furthest = clock::furthest(now, PAUSE);
    {
        // Looked at without the write lock first: an idle platform writes nothing.
        let mut connection = state.database.read().await?;
        if !missing_blocks::some(&mut connection, now, furthest).await? {
            return Ok(false);
        }
    }
    let mut transaction = state.database.write().await?;
    let package = missing_blocks::lease(&mut transaction, (now, furthest), now + LEASE).await?;
    transaction.commit().await?;
    let Some(package) = package else {
        return Ok(false);
    };
    let mut work = Work {
        state,
        package: &package,
        renewed: Instant::now(),
    };
    if let Err(why) = work.list().await? {
        tracing::error!(
            package = package.id,
            digest = %package.file.sha256,
            why,
            "a package gets no list of blocks"
        );
        work.hold(PAUSE).await?;
    }
    Ok(true)
}

/// A package that this instance has leased.
struct Work<'a> {
    state: &'a UploadState,
    package: &'a Package,
    renewed: Instant,
}

impl Work<'_> {
    /// Gives the package its list; the inner error says why that cannot be.
    async fn list(&mut self) -> anyhow::Result<Result<(), String>> {
        let digest = self.package.file.sha256;
        let mut connection = self.state.database.read().await?;
        let known = missing_blocks::of_bytes(&mut connection, &digest).await?;
        drop(connection);
        let blocks = match known {
            // Another package has the same bytes.
            Some(blocks) => blocks,
            None => match self.read(&digest).await? {
                Ok(blocks) => blocks,
                Err(why) => return Ok(Err(why)),
            },
        };
        if let Err(why) = self.tell(&blocks).await? {
            return Ok(Err(why));
        }
        let mut transaction = self.state.database.write().await?;
        missing_blocks::set(&mut transaction, &self.package.id, &blocks).await?;
        transaction.commit().await?;
        Ok(Ok(()))
    }

    /// Reads and checks the file, and puts its list beside it. Half of the time is left to others.
    async fn read(&mut self, digest: &Digest) -> anyhow::Result<Result<Digest, String>> {
        let path = self.state.staging.blob(digest);
        let mut file = match spawn_blocking(move || open(&path)).await? {
            Ok(file) => file,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut hash = FileHash::default();
        loop {
            let begun = Instant::now();
            let count;
            (file, hash, count) = spawn_blocking(move || read_piece(file, hash)).await??;
            if count == 0 {
                break;
            }
            self.renew().await?;
            tokio::time::sleep(begun.elapsed()).await;
        }
        let found = hash.digest();
        if found != *digest {
            return Ok(Err(format!("its bytes have the digest {found}")));
        }
        let blocks = hash.blocks();
        let id = Uuid::now_v7().to_string();
        self.state.staging.put_blocks(&id, digest, &blocks).await?;
        finish(&file)?;
        Ok(Ok(blocks.digest()))
    }

    /// Tells the catalog, for as long as it takes.
    async fn tell(&mut self, blocks: &Digest) -> anyhow::Result<Result<(), String>> {
        let told = FileBlocks {
            sha256: self.package.file.sha256.as_hex(),
            blocks: blocks.as_hex(),
        };
        loop {
            let client = &self.state.peers.client;
            let call =
                client.call::<Value>("catalog", Method::POST, "/internal/blocks", Some(&told));
            match call.await {
                Ok(_) => return Ok(Ok(())),
                Err(error @ CallError::Refused { .. }) => return Ok(Err(error.to_string())),
                Err(error) => {
                    tracing::debug!(%error, "the catalog could not be told of a list of blocks");
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            self.renew().await?;
        }
    }

    async fn renew(&mut self) -> anyhow::Result<()> {
        let old = i64::try_from(self.renewed.elapsed().as_millis()).unwrap_or(LEASE);
        if old >= LEASE / 3 {
            self.hold(LEASE).await?;
        }
        Ok(())
    }

    /// Keeps the package for `millis` from now on.
    async fn hold(&mut self, millis: i64) -> anyhow::Result<()> {
        let until = clock::unix_millis() + millis;
        let mut transaction = self.state.database.write().await?;
        missing_blocks::hold(&mut transaction, &self.package.id, until).await?;
        transaction.commit().await?;
        self.renewed = Instant::now();
        Ok(())
    }
}

/// Opens a regular file: a pipe in its place would hold the thread for ever.
fn open(path: &Path) -> io::Result<File> {
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other(
            "something that is no file is in its place",
        ));
    }
    File::open(path)
}

fn read_piece(mut file: File, mut hash: FileHash) -> io::Result<(File, FileHash, usize)> {
    let mut piece = vec![0; PIECE];
    let count = file.read(&mut piece)?;
    hash.update(&piece[..count]);
    Ok((file, hash, count))
}
