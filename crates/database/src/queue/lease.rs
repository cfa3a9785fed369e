//! Who has a row, and what only that one may do to it.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, FromRow, Result, query, query_as};

use super::table::{Row, Table};
use slipway_runtime::retry;

/// A lease of a row. When it was lost, to another or to a row that was removed, nothing here changes anything.
#[derive(Clone, Debug)]
pub struct Lease {
    table: Table,
    id: String,
    owner: String,
    attempts: i64,
}

impl Lease {
    /// Leases a row that is due until then, unless another instance has changed it meanwhile; `None` then. `owner` is
    /// `INSTANCE/ID`, and nobody else's. The work is as it is in the leased row: it may have been asked for again since
    /// the row was found, with other words.
    pub async fn take<Subject>(
        table: Table,
        db: &mut AnyConnection,
        row: Row<Subject>,
        (owner, alone): (String, bool),
        until: i64,
    ) -> Result<Option<(Self, Row<Subject>)>>
    where
        Subject: for<'row> FromRow<'row, AnyRow> + Send + Unpin,
    {
        let alone = match (table.counts_crashes, alone) {
            (false, _) => "",
            (true, false) => ", lease_alone = 0",
            (true, true) => ", lease_alone = 1",
        };
        let sql = format!(
            "UPDATE {} SET lease_owner = $1, lease_until = $2, attempts = attempts + 1{alone}
             WHERE id = $3 AND attempts = $4 AND next_at = $5 AND coalesce(lease_owner, '') = $6 AND {}
             RETURNING id, {}",
            table.name,
            table.is_open(),
            table.subject
        );
        let leased: Option<Subject> = query_as(AssertSqlSafe(sql))
            .bind(&owner)
            .bind(until)
            .bind(&row.id)
            .bind(row.attempts)
            .bind(row.next_at)
            .bind(row.lease_owner.as_deref().unwrap_or(""))
            .fetch_optional(db)
            .await?;
        Ok(leased.map(|subject| {
            let lease = Self {
                table,
                id: row.id.clone(),
                owner,
                attempts: row.attempts + 1,
            };
            (lease, Row { subject, ..row })
        }))
    }

    /// Holds the row until then; `false` when somebody else has it, or nobody.
    pub async fn renew(&self, db: &mut AnyConnection, until: i64) -> Result<bool> {
        let sql = format!(
            "UPDATE {} SET lease_until = $3 WHERE id = $1 AND lease_owner = $2",
            self.table.name
        );
        let renewing = query(AssertSqlSafe(sql)).bind(&self.id).bind(&self.owner);
        Ok(renewing.bind(until).execute(db).await?.rows_affected() == 1)
    }

    /// Notes a step forward: what ended processes before is behind the work.
    pub async fn went_forward(&self, db: &mut AnyConnection) -> Result<()> {
        if !self.table.counts_crashes {
            return Ok(());
        }
        let sql = format!(
            "UPDATE {} SET crashes = 0, alone_crashes = 0, lease_alone = 0 WHERE id = $1 AND lease_owner = $2",
            self.table.name
        );
        let noting = query(AssertSqlSafe(sql)).bind(&self.id).bind(&self.owner);
        noting.execute(db).await?;
        Ok(())
    }

    /// Ends the lease with a pause, after work that ended: so it did not end its process. What was asked for again
    /// meanwhile is due at once. `false` when the lease was lost.
    pub async fn put_back(&self, db: &mut AnyConnection, now: i64, error: &str) -> Result<bool> {
        let crashes = if self.table.counts_crashes {
            ", crashes = 0, alone_crashes = 0"
        } else {
            ""
        };
        let sql = format!(
            "UPDATE {} SET lease_owner = NULL, lease_until = NULL, last_error = $5,
                 next_at = CASE WHEN attempts = $4 THEN $3 ELSE next_at END{crashes}
             WHERE id = $1 AND lease_owner = $2",
            self.table.name
        );
        let done = query(AssertSqlSafe(sql))
            .bind(&self.id)
            .bind(&self.owner)
            .bind(now + retry::pause(self.attempts))
            .bind(self.attempts)
            .bind(error)
            .execute(db)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes the row, whose work is done. One that was asked for again meanwhile stays for the next lease; `false` then,
    /// and when the lease was lost.
    pub async fn done(&self, db: &mut AnyConnection) -> Result<bool> {
        let table = self.table.name;
        let sql =
            format!("DELETE FROM {table} WHERE id = $1 AND lease_owner = $2 AND attempts = $3");
        let removing = query(AssertSqlSafe(sql)).bind(&self.id).bind(&self.owner);
        let removed = removing.bind(self.attempts).execute(&mut *db).await?;
        if removed.rows_affected() == 1 {
            return Ok(true);
        }
        let sql = format!(
            "UPDATE {table} SET lease_owner = NULL, lease_until = NULL WHERE id = $1 AND lease_owner = $2"
        );
        let ending = query(AssertSqlSafe(sql)).bind(&self.id).bind(&self.owner);
        ending.execute(db).await?;
        Ok(false)
    }
}
