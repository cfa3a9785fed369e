//! A database whose file is not what was written: nothing is read out of it any more.
//!
//! A flipped page of an index makes a token or a release look as if it had never been, so an answer out of such a file
//! may be a 401 or 404 that is not true. SQLite notices where it stumbles (`SQLITE_CORRUPT`); what it does not stumble
//! over is looked for: before a start reads anything, then beside the work, once a day. What was found stays found until
//! the process starts on a good file. PostgreSQL looks after its own pages.

use std::error::Error;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use slipway_runtime::damage::Damage;
use slipway_runtime::fault::Fault;
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, query_scalar};

use crate::fault;

/// Time between two looks at the whole file.
const LOOK_AGAIN: Duration = Duration::from_hours(24);
/// Time between two looks whether another file has the place of a damaged one.
const LOOK_AT_NAME: Duration = Duration::from_millis(500);
/// Time between two looks at a file in which damage was found.
const LOOK_AT_DAMAGED: Duration = Duration::from_secs(5);
/// Bytes of a file per byte that is checked wholly at a start: comparing indexes with their tables, which finds single
/// bytes too, takes about sixteen times as long as looking at the pages alone.
const WHOLE: u64 = 16;
/// Pages are looked at, but not what is in them.
const QUICK: &str = "PRAGMA quick_check(1)";
/// Indexes are compared with their tables too.
const FULL: &str = "PRAGMA integrity_check(1)";

/// Whether `error` tells of damage.
pub(crate) fn tells_of_damage(error: &(dyn Error + 'static)) -> bool {
    fault::of(error) == Some(Fault::Damaged)
}

/// Refuses to read or write where damage was found.
pub(crate) fn refuse(damage: &Damage) -> sqlx::Result<()> {
    match damage.found() {
        Some(damaged) => Err(sqlx::Error::AnyDriverError(damaged.into())),
        None => Ok(()),
    }
}

/// Inode, bytes, and the time of the last change.
type FileState = (u64, u64, i64, i64);

/// An SQLite file to be looked through. Each look has a connection of its own.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) file: PathBuf,
    pub(crate) options: AnyConnectOptions,
    pub(crate) damage: Damage,
    /// Bytes up to which a start waits for the look.
    pub(crate) at_start: u64,
}

impl Watched {
    /// Looks before anything is read, as far as that does not keep the start.
    pub(crate) async fn look_first(&self) -> anyhow::Result<()> {
        let size = std::fs::metadata(&self.file).map_or(0, |file| file.len());
        if size == 0 || size > self.at_start {
            return Ok(());
        }
        let whole = size <= self.at_start / WHOLE;
        self.look(if whole { FULL } else { QUICK }).await
    }

    /// Looks beside the work, now and every day. Once damage is found, ends when the file is whole again.
    pub(crate) async fn look_again(self) {
        loop {
            let before = self.state();
            match self.look(FULL).await {
                Ok(()) if self.damage.found().is_some() => return,
                Err(error) if self.damage.found().is_none() => tracing::warn!(
                    error = format!("{error:#}"),
                    "the database could not be looked through"
                ),
                _ => {}
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                // What was read wrong once may be right in the file: a look decides, also when nobody has touched it.
                () = self.damage.wait() => tokio::select! {
                    () = self.wait_for_another(before) => {}
                    () = tokio::time::sleep(LOOK_AT_DAMAGED) => {}
                },
            }
        }
    }

    /// Returns when the file is not the one any more that it was `before`.
    async fn wait_for_another(&self, before: Option<FileState>) {
        while self.state() == before {
            tokio::time::sleep(LOOK_AT_NAME).await;
        }
    }

    fn state(&self) -> Option<FileState> {
        let file = std::fs::metadata(&self.file).ok()?;
        Some((file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
    }

    /// Notes what is found. An error is damage or that the file cannot be looked through now.
    async fn look(&self, pragma: &'static str) -> anyhow::Result<()> {
        let answer = match self.ask(pragma).await {
            Ok(answer) => answer,
            Err(error) => {
                self.damage.notice(&error);
                return Err(error).context("could not look through the database");
            }
        };
        if answer == "ok" {
            return Ok(());
        }
        // Its first line names nothing but the database.
        self.damage.find(answer.lines().last().unwrap_or_default());
        refuse(&self.damage)?;
        Ok(())
    }

    async fn ask(&self, pragma: &'static str) -> sqlx::Result<String> {
        let mut connection: AnyConnection = self.options.connect().await?;
        let answer = query_scalar(pragma).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(answer)
    }
}
