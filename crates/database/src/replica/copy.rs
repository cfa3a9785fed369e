//! A copy of the catalog's state in a service's own database.
//!
//! A page of changes and the position after it are one transaction, so after a crash at any moment the copy is that of
//! the page before or after, and the same page again changes nothing. Instances that share the database apply the same
//! pages side by side: a change that is older than the row changes nothing, and the position never goes back.

use sqlx::{AnyConnection, AssertSqlSafe, FromRow, Result, query, query_as, query_scalar};

use crate::pool::Database;
use slipway_contract::feed::{Change, Page};
use slipway_contract::losses::Known;

/// `whole_at` of a copy that was taken from a held epoch, or before the catalog has heard of everybody: it is nobody's
/// truth yet.
const NEVER: i64 = i64::MAX;

/// How far a copy is.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Position {
    /// Empty when there is no copy yet.
    pub epoch: String,
    /// The number of the last change applied.
    pub applied: i64,
    /// The number from which on nothing is missing: a copy that grows page by page misses rows that have moved on to a
    /// higher number meanwhile, until it has once reached the head.
    pub whole_at: i64,
    /// The head and the mark of the newest answer in this epoch, which show an older copy of the catalog's database.
    pub head: i64,
    pub mark: String,
}

impl Position {
    /// Where a copy is that has applied everything up to `applied`, as `page` is the last answer.
    pub(super) fn told(page: &Page, applied: i64) -> Self {
        Self {
            epoch: page.epoch.clone(),
            applied,
            whole_at: if page.is_sure() { page.head } else { NEVER },
            head: page.head,
            mark: page.mark.clone(),
        }
    }

    /// Where a copy that is here is after it was told `next`, of the same epoch. Nothing goes back.
    pub(super) fn moved_to(self, next: &Self) -> Self {
        let newer = next.head >= self.head && !next.mark.is_empty();
        let (head, mark) = if newer {
            (next.head, next.mark.clone())
        } else {
            (self.head, self.mark.clone())
        };
        Self {
            whole_at: if self.is_whole() || next.applied < self.applied {
                self.whole_at
            } else {
                next.whole_at
            },
            applied: self.applied.max(next.applied),
            epoch: self.epoch,
            head,
            mark,
        }
    }

    /// Whether the copy is the whole state of some moment.
    pub fn is_whole(&self) -> bool {
        !self.epoch.is_empty() && self.applied >= self.whole_at
    }
}

/// A service's copy of the catalog's state.
pub trait Replica: Send + Sync + 'static {
    /// The table of the position: one row with `epoch`, `applied`, `whole_at`, `head`, `mark`, and `lossy_by`, the earliest
    /// version that passed something over in this copy, or empty.
    const POSITION: &'static str;

    fn database(&self) -> &Database;

    /// The service's version, by which a copy says who passed something over.
    fn version(&self) -> &'static str;

    /// Removes all rows, for those of another epoch.
    fn clear(db: &mut AnyConnection) -> impl Future<Output = Result<()>> + Send;

    /// Writes one row unless what is there is as new.
    fn put(db: &mut AnyConnection, change: &Change) -> impl Future<Output = Result<()>> + Send;

    /// What must not be undone unasked, of the copy as it is.
    fn known(&self) -> impl Future<Output = Result<Known>> + Send;

    /// Puts right what an instance of an earlier version, beside us on the same database, has written otherwise than we do.
    fn complete(&self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    fn position(&self) -> impl Future<Output = Result<Position>> + Send {
        async { read(&mut *self.database().read().await?, Self::POSITION).await }
    }

    /// Whether something was passed over in this copy that a later catalog said.
    fn is_lossy(&self) -> impl Future<Output = Result<bool>> + Send {
        async {
            let noted = lossy_by(&mut *self.database().read().await?, Self::POSITION).await?;
            Ok(!noted.is_empty())
        }
    }

    /// Notes that our version passes something over which the catalog says.
    fn note_loss(&self) -> impl Future<Output = Result<()>> + Send {
        async {
            let mut transaction = self.database().write().await?;
            let noted = lossy_by(&mut transaction, Self::POSITION).await?;
            if noted.is_empty() || number(self.version()) < number(&noted) {
                let sql = format!("UPDATE {} SET lossy_by = $1", Self::POSITION);
                let note = query(AssertSqlSafe(sql)).bind(self.version());
                note.execute(&mut *transaction).await?;
            }
            transaction.commit().await
        }
    }

    /// Lets the copy be taken anew when an earlier version passed something over, which we may know. It stays in use
    /// until then: its epoch is one that the catalog does not have, so the whole state is read and swapped in.
    fn renew(&self) -> impl Future<Output = Result<()>> + Send {
        async {
            let noted = lossy_by(&mut *self.database().read().await?, Self::POSITION).await?;
            if noted.is_empty() || number(&noted) >= number(self.version()) {
                return Ok(());
            }
            tracing::info!(
                by = noted,
                "the copy is taken anew: an earlier version passed something over"
            );
            let sql = format!(
                "UPDATE {} SET epoch = epoch || '~', lossy_by = '' WHERE epoch <> '' AND lossy_by = $1",
                Self::POSITION
            );
            let mut transaction = self.database().write().await?;
            let renewal = query(AssertSqlSafe(sql)).bind(noted);
            renewal.execute(&mut *transaction).await?;
            transaction.commit().await
        }
    }

    /// Applies changes and moves to `position`, in one transaction. `from` is the epoch of the copy for which they were
    /// asked; changes of another take the place of the copy at once. When another instance has moved the copy to a
    /// third epoch meanwhile, nothing happens.
    fn apply(
        &self,
        changes: &[Change],
        position: &Position,
        from: &str,
    ) -> impl Future<Output = Result<()>> + Send {
        async move {
            let mut transaction = self.database().write().await?;
            let there = lock(&mut transaction, Self::POSITION).await?;
            let same_epoch = there.epoch == position.epoch;
            if !same_epoch && there.epoch != from {
                return Ok(());
            }
            if !same_epoch {
                Self::clear(&mut transaction).await?;
            }
            for change in changes {
                Self::put(&mut transaction, change).await?;
            }
            let moved = if same_epoch {
                there.clone().moved_to(position)
            } else {
                position.clone()
            };
            if moved != there {
                write(&mut transaction, Self::POSITION, &moved).await?;
            }
            transaction.commit().await
        }
    }
}

async fn lossy_by(db: &mut AnyConnection, table: &str) -> Result<String> {
    let sql = format!("SELECT lossy_by FROM {table}");
    query_scalar(AssertSqlSafe(sql)).fetch_one(db).await
}

/// The numbers of a version, in their order.
fn number(version: &str) -> Vec<u64> {
    let parts = version.split(['.', '-', '+']);
    parts.map_while(|part| part.parse().ok()).collect()
}

async fn read(db: &mut AnyConnection, table: &str) -> Result<Position> {
    let sql = format!("SELECT epoch, applied, whole_at, head, mark FROM {table}");
    query_as(AssertSqlSafe(sql)).fetch_one(db).await
}

/// The same, and keeps every other instance from writing to the copy until the transaction ends: PostgreSQL lets
/// writers of different rows run side by side.
async fn lock(db: &mut AnyConnection, table: &str) -> Result<Position> {
    let sql = format!(
        "UPDATE {table} SET applied = applied RETURNING epoch, applied, whole_at, head, mark"
    );
    query_as(AssertSqlSafe(sql)).fetch_one(db).await
}

async fn write(db: &mut AnyConnection, table: &str, position: &Position) -> Result<()> {
    let sql =
        format!("UPDATE {table} SET epoch = $1, applied = $2, whole_at = $3, head = $4, mark = $5");
    query(AssertSqlSafe(sql))
        .bind(&position.epoch)
        .bind(position.applied)
        .bind(position.whole_at)
        .bind(position.head)
        .bind(&position.mark)
        .execute(db)
        .await?;
    Ok(())
}
