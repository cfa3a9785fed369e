//! An upload in pieces: who writes to it, what of it is confirmed, and how it becomes a package.
//!
//! Whoever writes holds the lock of the session's staged file, in whatever instance. A newcomer puts its name into the
//! row and waits for the lock; the one before sees the name, makes durable what it has, notes it and lets go: a
//! connection that is half open does not keep its own client out. `received` counts bytes that survive the loss of power
//! and never goes down; what lies behind them in the file is cut off by the next writer. When all bytes are there the
//! digest is noted before they move, so a session that is cut off at its very end is completed by the next who asks.
//!
//! A session belongs to the token that began it: to every other one, also an administrator's, there is none. Otherwise who
//! sends the last byte would borrow the rights of who began it.

use std::fs::{File, TryLockError};
use std::pin::pin;

use axum::body::{Body, HttpBody as _};
use http_body_util::BodyExt as _;
use slipway_contract::Digest;
use slipway_runtime::clock;
use slipway_runtime::fault::Fault;
use sqlx::AnyConnection;
use tokio::time::{Duration, Instant};
use uuid::Uuid;

use crate::checksum::Checksum;
use crate::error::Error;
use crate::metadata;
use crate::permission::{self, Asker, By};
use crate::rules::body;
use crate::rules::session::{self, Counts, End, Ended, Refusal, There};
use crate::staging::{Retention, Staged, persist};
use crate::state::UploadState;
use crate::store::sessions::{self, Session};
use crate::storing::{self, Stored, Whole};
use crate::writer::Writer;

/// How often a writer looks whether somebody else has taken its session over.
const LOOK: Duration = Duration::from_millis(250);
/// How often a newcomer tries the lock.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// A session that nobody else writes to.
pub(crate) struct Held {
    pub(crate) row: Session,
    /// Whose it is.
    asker: Asker,
    /// Locked. `None` when the bytes have become a package.
    file: Option<File>,
    /// Our name in the row.
    writer: String,
}

/// Bytes to append.
pub(crate) struct Piece {
    pub(crate) body: Body,
    pub(crate) checksum: Option<Checksum>,
}

/// Begins a session. Its file and its row are there together, or the sweep removes the file.
pub(crate) async fn begin(state: &UploadState, row: &Session) -> Result<(), Error> {
    let mut staged = state.staging.create(&row.id, Retention::Remove)?;
    state.staging.sync_folder().await?;
    let limit = state.settings.now().sessions.open_per_token;
    let mut transaction = state.database.write().await?;
    check_room(state, &mut transaction, row.size.unsigned_abs()).await?;
    if !sessions::insert(&mut transaction, row, limit).await? {
        return Err(Refusal::TooMany(limit).into());
    }
    transaction.commit().await?;
    staged.set_retention(Retention::Keep);
    Ok(())
}

/// Refuses `bytes` more when the disk has no room for them beside what open sessions have announced and not brought yet:
/// none of them could end otherwise.
pub(crate) async fn check_room(
    state: &UploadState,
    db: &mut AnyConnection,
    bytes: u64,
) -> Result<(), Error> {
    let announced = sessions::announced(db, clock::unix_millis()).await?;
    let announced = announced.unsigned_abs();
    check_disk(state, announced.saturating_add(bytes))
}

/// Refuses `bytes` more when they would take the disk below its reserve.
pub(crate) fn check_disk(state: &UploadState, bytes: u64) -> Result<(), Error> {
    if state.staging.has_room(bytes)? {
        return Ok(());
    }
    Err(body::Refusal::DiskFull.into())
}

/// When a session of the asker's expires that has `received` bytes now: never after its token.
pub(crate) fn expiry(state: &UploadState, asker: &Asker, received: u64) -> i64 {
    let life = state.settings.now().sessions.life(received);
    session::expiry(clock::unix_millis(), life, asker.grant.expires_at)
}

pub(crate) async fn find(state: &UploadState, asker: &Asker, id: &str) -> Result<Session, Error> {
    let mut connection = state.database.read().await?;
    let row = sessions::by_id(&mut connection, (&asker.app, &asker.grant.id), id)
        .await?
        .ok_or(Refusal::Unknown)?;
    session::check_alive(row.expires_at, clock::unix_millis())?;
    Ok(row)
}

/// Takes a session over from whoever writes to it now.
pub(crate) async fn hold(state: &UploadState, asker: Asker, id: &str) -> Result<Held, Error> {
    let row = find(state, &asker, id).await?;
    let writer = Uuid::now_v7().to_string();
    if row.package_id.is_some() {
        return Ok(Held {
            row,
            asker,
            file: None,
            writer,
        });
    }
    let mut transaction = state.database.write().await?;
    sessions::claim(&mut transaction, id, &writer).await?;
    transaction.commit().await?;
    let deadline = Instant::now() + state.settings.now().sessions.takeover();
    let file = loop {
        match state.staging.lock(id) {
            Ok(file) => break file,
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                tokio::time::sleep(TRY_AGAIN).await;
            }
            Err(TryLockError::WouldBlock) => return Err(Refusal::Busy.into()),
        }
    };
    // What the one before has noted last.
    let row = find(state, &asker, id).await?;
    session::check_there(There {
        has_file: file.is_some(),
        is_whole: row.sha256.is_some(),
        is_package: row.package_id.is_some(),
    })?;
    Ok(Held {
        row,
        asker,
        file,
        writer,
    })
}

impl Held {
    /// Makes a package of a session whose bytes are all there, if nobody has yet.
    pub(crate) async fn settle(mut self, state: &UploadState) -> Result<Session, Error> {
        let Some(digest) = self.row.sha256.clone() else {
            return Ok(self.row);
        };
        if self.row.package_id.is_none() {
            let digest: Digest = digest.parse().map_err(Error::internal)?;
            let whole = match self.file.take() {
                Some(file) => resume(state, &self.row, file).await?.into(),
                None => Whole {
                    path: state.staging.blob(&digest),
                    size: self.row.size.unsigned_abs(),
                    staged: None,
                    digest,
                },
            };
            let stored = store(state, &self.row, &self.asker, whole).await?;
            self.row.package_id = Some(stored.package().id.clone());
        }
        Ok(self.row)
    }

    /// Ends a session and removes what there is of it.
    pub(crate) async fn end(self, state: &UploadState) -> Result<(), Error> {
        forget(state, &self.row.id).await
    }

    /// Appends a piece and notes what is durable then, however the piece ended; the last one makes the package. Runs to
    /// its end also when the client has left, so it must be a task of its own.
    pub(crate) async fn append(
        mut self,
        state: &UploadState,
        mut piece: Piece,
    ) -> Result<Session, Error> {
        if self.row.sha256.is_some() {
            return self.settle(state).await;
        }
        let file = self.file.take().ok_or(Refusal::Unknown)?;
        let mut staged = resume(state, &self.row, file).await?;
        let mark = staged.mark();
        let is_checked = piece.checksum.is_some();
        staged.expect(piece.checksum.take());
        let writer = Writer::start(staged)?;
        let (end, token) = self.pump(state, &writer, piece.body, is_checked).await;
        let refusal = token.or(session::refusal(end, self.size()).map(Error::from));
        let (mut staged, written) = writer.finish().await?;
        let written = match written {
            // The system tells once that a write was lost, and the next fsync would pass: what this piece brought is not
            // to be believed. What was noted before it stays good.
            Err(error) if Fault::of(&error) != Some(Fault::Full) => return Err(error.into()),
            written => written,
        };
        let ended = Ended {
            end,
            is_checked,
            fits: staged.is_as_expected(),
            is_written: written.is_ok(),
        };
        match session::counts(ended) {
            Counts::All => {}
            Counts::Noted => return Err(Refusal::BeyondTheEnd { size: self.size() }.into()),
            Counts::Nothing => {
                staged.go_back(mark)?;
                written?;
                return Err(refusal.unwrap_or(Refusal::ChecksumMismatch.into()));
            }
        }
        let staged = persist(staged).await?;
        self.row.received = i64::try_from(staged.length()).map_err(Error::internal)?;
        if self.row.received == self.row.size {
            let stored = complete(state, &self.row, &self.asker, staged).await?;
            self.row.package_id = Some(stored.package().id.clone());
            return Ok(self.row);
        }
        self.note(state, staged.length()).await?;
        state.hashes.keep(&self.row.id, &staged);
        written?;
        refusal.map_or(Ok(self.row), Err)
    }

    /// Bytes that it was announced with.
    fn size(&self) -> u64 {
        self.row.size.unsigned_abs()
    }

    /// Moves the body to the writer, to the body's end: it may bring more than the session's size. With the end comes what
    /// is said of its token, when that has ended.
    async fn pump(
        &mut self,
        state: &UploadState,
        writer: &Writer,
        mut body: Body,
        is_checked: bool,
    ) -> (End, Option<Error>) {
        let mut look = tokio::time::interval(LOOK);
        let mut left = (self.row.size - self.row.received).unsigned_abs();
        let mut unsaved = 0;
        let mut late = pin!(tokio::time::sleep(state.settings.now().limits.body_time()));
        let by = By::from(self.asker.clone());
        let mut refused = pin!(permission::until_refused(state, &by));
        while left > 0 || !body.is_end_stream() {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                _ = look.tick() => {
                    if self.is_taken_over(state).await {
                        return (End::TakenOver, None);
                    }
                    continue;
                }
                () = &mut late => return (End::Late, None),
                error = &mut refused => return (End::TokenEnded, Some(error)),
                () = state.process.shutdown.cancelled() => return (End::Cut, None),
            };
            let bytes = match frame {
                None => return (End::Whole, None),
                Some(Err(_)) => return (End::Cut, None),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => bytes,
                    Err(_trailers) => continue,
                },
            };
            if bytes.len() as u64 > left {
                return (End::TooMuch, None);
            }
            left -= bytes.len() as u64;
            unsaved += bytes.len() as u64;
            if writer.append(bytes).await.is_err() {
                return (End::Disk, None);
            }
            // With its last byte an upload could be completed: that is not noted before the body ends.
            if !is_checked && left > 0 && unsaved >= state.settings.now().sessions.persist_bytes {
                unsaved = 0;
                let Ok(length) = writer.persist().await else {
                    return (End::Disk, None);
                };
                if let Err(error) = self.note(state, length).await {
                    tracing::warn!(?error, "what arrived could not be noted");
                }
            }
        }
        (End::Whole, None)
    }

    async fn is_taken_over(&self, state: &UploadState) -> bool {
        let look = async {
            let mut connection = state.database.read().await?;
            sessions::writer(&mut connection, &self.row.id).await
        };
        // A database that does not answer is no reason to stop: the lock keeps everybody else out.
        look.await
            .is_ok_and(|writer| writer.as_deref() != Some(&self.writer))
    }

    /// Notes that the first `length` bytes are durable, and that the session lives on.
    async fn note(&mut self, state: &UploadState, length: u64) -> Result<(), Error> {
        let length = i64::try_from(length).map_err(Error::internal)?;
        self.row.expires_at = expiry(state, &self.asker, length.unsigned_abs());
        let mut transaction = state.database.write().await?;
        sessions::advance(&mut transaction, &self.row.id, length, self.row.expires_at).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Goes on with a session's file, hashing again what this instance does not remember.
async fn resume(state: &UploadState, row: &Session, file: File) -> Result<Staged, Error> {
    let length = row.received.unsigned_abs();
    let known = state.hashes.take(&row.id, length);
    let (staging, id) = (state.staging.clone(), row.id.clone());
    tokio::task::spawn_blocking(move || staging.resume(&id, file, length, known))
        .await
        .map_err(Error::internal)?
        .map_err(Error::internal)
}

/// All bytes are there and durable.
async fn complete(
    state: &UploadState,
    row: &Session,
    asker: &Asker,
    staged: Staged,
) -> Result<Stored, Error> {
    let whole = Whole::from(staged);
    let mut transaction = state.database.write().await?;
    sessions::complete(&mut transaction, &row.id, &whole.digest.as_hex()).await?;
    transaction.commit().await?;
    store(state, row, asker, whole).await
}

/// What is refused for good leaves nothing, the session included.
async fn store(
    state: &UploadState,
    row: &Session,
    asker: &Asker,
    whole: Whole,
) -> Result<Stored, Error> {
    let by = By::from(asker.clone());
    let storing = async {
        // An earlier version may have taken a name that is refused now.
        let parameters = metadata::parse(&row.metadata)?.parse()?;
        storing::store(state, whole, &parameters, &by, Some(&row.id)).await
    };
    let stored = storing.await;
    if let Err(error) = &stored
        && error.is_final()
    {
        forget(state, &row.id).await?;
    }
    stored
}

/// Ends a session and removes what there is of it.
pub(crate) async fn forget(state: &UploadState, id: &str) -> Result<(), Error> {
    let mut transaction = state.database.write().await?;
    sessions::remove(&mut transaction, id).await?;
    transaction.commit().await?;
    state.hashes.forget(id);
    Ok(state.staging.remove(id)?)
}
