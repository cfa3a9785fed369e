//! What an error of a database is to whoever asks: said here once, for every statement.

use std::error::Error;

use slipway_runtime::Problem;
use slipway_runtime::fault::Fault;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// The fault that `error` or one of its causes tells of, whether the system or a database says it.
pub fn of(error: &(dyn Error + 'static)) -> Option<Fault> {
    Fault::with(error, of_other)
}

/// The answer to what went wrong here: 500, or the fault's own where it tells of one.
pub fn problem(error: impl Into<anyhow::Error>) -> Problem {
    let error = error.into();
    match of(error.as_ref()) {
        Some(fault) => Problem::from(fault).with_cause(error),
        None => Problem::internal(error),
    }
}

fn of_other(error: &(dyn Error + 'static)) -> Option<Fault> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_engines_are_told_apart() {
        assert_eq!(of_sqlite(13), Some(Fault::Full));
        assert_eq!(of_sqlite(4874), Some(Fault::Full));
        assert_eq!(of_sqlite(517), Some(Fault::Away));
        assert_eq!(of_sqlite(779), Some(Fault::Damaged));
        assert_eq!(of_sqlite(26), Some(Fault::Damaged));
        assert_eq!(of_sqlite(2067), None, "a unique constraint is no fault");
        assert_eq!(of_postgres("53100"), Some(Fault::Full));
        assert_eq!(of_postgres("53300"), Some(Fault::Away));
        assert_eq!(of_postgres("57P01"), Some(Fault::Away));
        assert_eq!(of_postgres("23505"), None);
    }

    #[test]
    fn a_fault_is_found_below_what_was_said_about_it() {
        let nested = std::io::Error::other(sqlx::Error::PoolTimedOut);
        assert_eq!(of(&nested), Some(Fault::Away));
        let nested = anyhow::Error::new(nested).context("could not read a row");
        assert_eq!(of(nested.as_ref()), Some(Fault::Away));
    }
}
