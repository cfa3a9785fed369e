//! A database whose file is not what was written: nothing is read out of it any more.
//!
//! A flipped page of an index makes a token or a release look as if it had never been, so an answer out of such a file
//! may be a 401 or 404 that is not true. SQLite notices where it stumbles (`SQLITE_CORRUPT`); what it does not stumble
//! over is looked for: before a start reads anything, then beside the work, once a day. What was found stays found until
//! the process starts on a good file. PostgreSQL looks after its own pages.

use std::error::Error;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, query_scalar};
use tokio::sync::watch;

use super::fault::Fault;

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

/// What is known of the damage to a process's database; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Damage(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The database as an operator knows it, and as everybody may.
    names: OnceLock<(String, String)>,
    /// Set where somebody looks whether the file is whole again.
    watched: OnceLock<()>,
    found: watch::Sender<Option<Damaged>>,
}

/// Why nothing is read or written any more; the words are for the operator.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "the database {name} is damaged ({fault}): stop what uses it, put back a good copy of that file without its -wal and -shm, and start again"
)]
pub struct Damaged {
    name: String,
    fault: String,
}

impl Damage {
    /// Says which database it is about: its path or URL, and the words for those who may not know that.
    pub(super) fn name(&self, name: String, service: &str) {
        let file = Path::new(&name).file_name().unwrap_or_default();
        let said = format!("{service}/{}", file.to_string_lossy());
        let _ = self.0.names.set((name, said));
    }

    /// Says that the file is looked at: what is found stays found until it is whole. Without this it is told once.
    pub(super) fn watch(&self) {
        let _ = self.0.watched.set(());
    }

    /// What was found.
    pub fn found(&self) -> Option<Damaged> {
        self.0.found.borrow().clone()
    }

    /// Returns when damage is found.
    pub(crate) async fn wait(&self) {
        let mut found = self.0.found.subscribe();
        if found.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Keeps in mind that a statement has stumbled over damage, if that is what `error` tells of.
    pub fn notice(&self, error: &(dyn Error + 'static)) {
        if Fault::of(error) == Some(Fault::Damaged) {
            self.find(&error.to_string());
        }
    }

    /// What to tell those who ask: the file in words, without the folders of this machine.
    pub(crate) fn words(&self) -> String {
        let named = self.0.names.get().map(|(_, said)| format!(" {said}"));
        let named = named.unwrap_or_default();
        format!(
            "the platform's database{named} is damaged and nothing is read out of it: its operator has to put a good copy back"
        )
    }

    pub(super) fn refuse(&self) -> sqlx::Result<()> {
        match self.found() {
            Some(damaged) => Err(sqlx::Error::AnyDriverError(damaged.into())),
            None => Ok(()),
        }
    }

    /// Keeps in mind that the database is damaged; the first words stay.
    pub(crate) fn find(&self, fault: &str) {
        let name = self.0.names.get().map(|(name, _)| name.clone());
        let damaged = Damaged {
            name: name.unwrap_or_default(),
            fault: fault.to_owned(),
        };
        if self.0.watched.get().is_none() {
            tracing::error!("{damaged}");
            return;
        }
        self.0.found.send_if_modified(|found| {
            let first = found.is_none();
            if first {
                tracing::error!("{damaged}");
                *found = Some(damaged);
            }
            first
        });
    }
}

/// Inode, bytes, and the time of the last change.
type FileState = (u64, u64, i64, i64);

/// An SQLite file to be looked through. Each look has a connection of its own.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) file: PathBuf,
    pub(super) options: AnyConnectOptions,
    pub(super) damage: Damage,
    /// Bytes up to which a start waits for the look.
    pub(super) at_start: u64,
}

impl Watched {
    /// Looks before anything is read, as far as that does not keep the start.
    pub(super) async fn look_first(&self) -> anyhow::Result<()> {
        let size = std::fs::metadata(&self.file).map_or(0, |file| file.len());
        if size == 0 || size > self.at_start {
            return Ok(());
        }
        let whole = size <= self.at_start / WHOLE;
        self.look(if whole { FULL } else { QUICK }).await
    }

    /// Looks beside the work, now and every day. Once damage is found, ends when the file is whole again.
    pub(super) async fn look_again(self) {
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
        self.damage.refuse()?;
        Ok(())
    }

    async fn ask(&self, pragma: &'static str) -> sqlx::Result<String> {
        let mut connection: AnyConnection = self.options.connect().await?;
        let answer = query_scalar(pragma).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(answer)
    }
}
