//! Until every service turns its own errors into problems: what an error of a database is.

use std::error::Error;

use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use super::Fault;
use crate::Problem;

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}

pub(super) fn of_other(error: &(dyn Error + 'static)) -> Option<Fault> {
    of_sqlx(error.downcast_ref()?)
}

fn of_sqlx(error: &sqlx::Error) -> Option<Fault> {
    match error {
        sqlx::Error::Database(error) => {
            if let Some(error) = error.try_downcast_ref::<SqliteError>() {
                let code = sqlx::error::DatabaseError::code(error)?;
                return of_sqlite(code.parse().ok()?);
            }
            of_postgres(error.try_downcast_ref::<PgDatabaseError>()?.code())
        }
        sqlx::Error::Io(error) => Some(Fault::of_io(error, of_other).unwrap_or(Fault::Away)),
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed
        // What a connection says that broke in the middle of an answer.
        | sqlx::Error::Protocol(_)
        | sqlx::Error::Tls(_) => Some(Fault::Away),
        _ => None,
    }
}

/// By the result code (<https://sqlite.org/rescode.html>), whose low byte is the primary one.
fn of_sqlite(code: i32) -> Option<Fault> {
    /// The shared memory beside the log could not grow: on a local disk, for want of room.
    const IOERR_SHMSIZE: i32 = 4874;
    match code & 0xff {
        13 => Some(Fault::Full),
        10 if code == IOERR_SHMSIZE => Some(Fault::Full),
        // BUSY, LOCKED, READONLY, IOERR, CANTOPEN, PROTOCOL
        5 | 6 | 8 | 10 | 14 | 15 => Some(Fault::Away),
        // NOMEM
        7 => Some(Fault::Exhausted),
        // CORRUPT, NOTADB
        11 | 26 => Some(Fault::Damaged),
        _ => None,
    }
}

/// By the SQLSTATE (PostgreSQL, appendix A).
fn of_postgres(code: &str) -> Option<Fault> {
    match code {
        "53100" => Some(Fault::Full),
        "XX001" | "XX002" => Some(Fault::Damaged),
        // Read-only, a transaction that waited too long, a serialization failure, a deadlock, a lock not had in time.
        "25006" | "25P03" | "40001" | "40P01" | "55P03" => Some(Fault::Away),
        // Connections, resources, an operator or a time-out who interferes, the server's own system.
        _ if ["08", "53", "57", "58"].contains(&code.get(..2)?) => Some(Fault::Away),
        _ => None,
    }
}
