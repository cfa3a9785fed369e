//! The rows of a queue.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, FromRow, Result, query, query_as, query_scalar};

use super::crashes::Crashes;
use slipway_runtime::clock::Moment;

/// A table of work. Its columns, which every version of a service understands alike:
///
/// - `id text PRIMARY KEY`, so that the same work is never queued twice;
/// - `attempts bigint`, leases since it was asked for. Whoever asks again sets it to 0, and `next_at` to now: a lease
///   that has begun before then does not end the row;
/// - `next_at bigint`, the end of its pause, Unix milliseconds;
/// - `lease_owner text`, who has it: `INSTANCE/ID`, where the id is new for each lease;
/// - `lease_until bigint`, the end of the lease, Unix milliseconds;
/// - `last_error text`, what it waits for;
/// - where crashes are counted: `crashes bigint` and `alone_crashes bigint` ([`Crashes`]), `lease_alone bigint`, 1 when
///   the lease is alone in its process, and `failed_at bigint`, when it was given up. The next three are 0 or null in a
///   new row and in one that is asked for again.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub name: &'static str,
    /// Columns of the work itself beside `id`, as in `SELECT`.
    pub subject: &'static str,
    /// SQL that is true of a row that must not be begun now, whatever its times say.
    pub held: &'static str,
    /// Whether it is counted what ends processes. Where it is not, nothing is given up.
    pub counts_crashes: bool,
}

/// A row that is due, as it was found.
#[derive(Clone, Debug, FromRow)]
pub struct Row<Subject> {
    pub id: String,
    pub attempts: i64,
    pub(super) crashes: i64,
    pub(super) alone_crashes: i64,
    pub(super) next_at: i64,
    /// Of a lease that ran out, as the next two are.
    pub(super) lease_owner: Option<String>,
    pub(super) lease_until: Option<i64>,
    pub(super) lease_alone: i64,
    #[sqlx(flatten)]
    pub subject: Subject,
}

impl<Subject> Row<Subject> {
    pub fn crashes(&self) -> Crashes {
        Crashes {
            beside: self.crashes,
            alone: self.alone_crashes,
        }
    }

    /// The instance whose lease ran out before `now`, Unix milliseconds. A lease from a time when a clock was wrong tells
    /// nothing of its holder, and one of an outbox of before 0.5.0 does not name it.
    pub fn lost_by(&self, now: i64) -> Option<&str> {
        let ran_out = self.lease_until.is_some_and(|until| until < now);
        let owner = self.lease_owner.as_deref().filter(|_| ran_out)?;
        owner.split_once('/').map(|(instance, _)| instance)
    }

    /// Whether that lease was alone in its process.
    pub fn was_alone(&self) -> bool {
        self.lease_alone != 0
    }
}

impl Table {
    /// What is true of a row that can be taken: neither pause nor lease hold it. `$1` to `$3` are the moment.
    fn is_due(&self) -> String {
        format!(
            "(next_at <= $1 OR next_at > $2) AND (lease_until IS NULL OR lease_until < $1 OR lease_until > $3)
                 AND NOT ({}) AND {}",
            self.held,
            self.is_open()
        )
    }

    /// What is true of a row that was not given up.
    pub(super) fn is_open(&self) -> &'static str {
        if self.counts_crashes {
            "failed_at IS NULL"
        } else {
            "1 = 1"
        }
    }

    /// What is true of a row that waits for somebody: one that ended its process alone waits for nobody. `$1` is now.
    fn waits(&self) -> &'static str {
        if self.counts_crashes {
            "next_at > $1 AND failed_at IS NULL AND alone_crashes = 0"
        } else {
            "next_at > $1"
        }
    }

    /// The row that is due the longest.
    pub async fn due<Subject>(
        &self,
        db: &mut AnyConnection,
        moment: Moment,
    ) -> Result<Option<Row<Subject>>>
    where
        Subject: for<'row> FromRow<'row, AnyRow> + Send + Unpin,
    {
        let crashes = if self.counts_crashes {
            "crashes, alone_crashes, lease_alone"
        } else {
            "cast(0 AS bigint) AS crashes, cast(0 AS bigint) AS alone_crashes, cast(0 AS bigint) AS lease_alone"
        };
        // Named one by one: PostgreSQL fails a prepared `SELECT *` once a later version has added a column.
        let sql = format!(
            "SELECT id, attempts, next_at, lease_owner, lease_until, {crashes}, {} FROM {} WHERE {}
             ORDER BY next_at LIMIT 1",
            self.subject,
            self.name,
            self.is_due()
        );
        query_as(AssertSqlSafe(sql))
            .bind(moment.now)
            .bind(moment.furthest_pause)
            .bind(moment.furthest_lease)
            .fetch_optional(db)
            .await
    }

    /// Ends a lease whose process died, unless another instance has done so.
    pub async fn crashed<Subject>(
        &self,
        db: &mut AnyConnection,
        row: &Row<Subject>,
        crashes: Crashes,
        next_at: i64,
    ) -> Result<bool> {
        let sql = format!(
            "UPDATE {} SET lease_owner = NULL, lease_until = NULL, crashes = $1, alone_crashes = $2, next_at = $3
             WHERE id = $4 AND attempts = $5 AND lease_owner = $6 AND failed_at IS NULL",
            self.name
        );
        let done = query(AssertSqlSafe(sql))
            .bind(crashes.beside)
            .bind(crashes.alone)
            .bind(next_at)
            .bind(&row.id)
            .bind(row.attempts)
            .bind(&row.lease_owner)
            .execute(db)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives a row up whose lease was ended; it stays for the operator to see.
    pub async fn fail(&self, db: &mut AnyConnection, id: &str, why: &str, now: i64) -> Result<()> {
        let sql = format!(
            "UPDATE {} SET failed_at = $3, last_error = $2 WHERE id = $1 AND lease_owner IS NULL",
            self.name
        );
        let failing = query(AssertSqlSafe(sql)).bind(id).bind(why).bind(now);
        failing.execute(db).await?;
        Ok(())
    }

    /// Gives back what an instance has leased, in the middle of its work: that is no crash.
    pub async fn hand_back(&self, db: &mut AnyConnection, instance: &str) -> Result<()> {
        let sql = format!(
            "UPDATE {} SET lease_owner = NULL, lease_until = NULL WHERE substr(lease_owner, 1, length($1)) = $1",
            self.name
        );
        let owners = format!("{instance}/");
        query(AssertSqlSafe(sql)).bind(owners).execute(db).await?;
        Ok(())
    }

    /// Whether a row waits for somebody.
    pub async fn some_wait(&self, db: &mut AnyConnection, now: i64) -> Result<bool> {
        let sql = format!(
            "SELECT id FROM {} WHERE {} LIMIT 1",
            self.name,
            self.waits()
        );
        let waiting: Option<String> = query_scalar(AssertSqlSafe(sql))
            .bind(now)
            .fetch_optional(db)
            .await?;
        Ok(waiting.is_some())
    }

    /// Makes every row due that waits for somebody: whom it waits for may be there.
    pub async fn wake_all(&self, db: &mut AnyConnection, now: i64) -> Result<()> {
        let sql = format!(
            "UPDATE {} SET next_at = $1 WHERE {}",
            self.name,
            self.waits()
        );
        query(AssertSqlSafe(sql)).bind(now).execute(db).await?;
        Ok(())
    }
}
