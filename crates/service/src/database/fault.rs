//! What an error of the database or the disk is to whoever asks: said here once, for every statement and every file.
//!
//! None of it is the request's fault, and all but damage passes: a disk gets room again, a server comes back, a lock is
//! let go. Whatever waits goes on by itself then.

use std::error::Error;
use std::io;

use rustix::io::Errno;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use super::damage::Damaged;

/// A state of the machine that keeps a request from being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk has no room, no inode, or no more for us (quota).
    Full,
    /// The database does not answer in time, is locked by another, or takes no writes.
    Away,
    /// This process or the machine has no descriptor or memory left.
    Exhausted,
    /// What is in the database's file is not what was written.
    Damaged,
}

impl Fault {
    /// The fault that `error` or one of its causes tells of.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        anyhow::Chain::new(error).find_map(|error| {
            if error.is::<Damaged>() {
                return Some(Self::Damaged);
            }
            if let Some(error) = error.downcast_ref::<sqlx::Error>() {
                return of_sqlx(error);
            }
            of_io(error.downcast_ref::<io::Error>()?)
        })
    }
}

fn of_io(error: &io::Error) -> Option<Fault> {
    use io::ErrorKind::{OutOfMemory, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    match error.kind() {
        StorageFull | QuotaExceeded => Some(Fault::Full),
        ReadOnlyFilesystem => Some(Fault::Away),
        OutOfMemory => Some(Fault::Exhausted),
        // The last is what a thread or process too many is answered with.
        _ if matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::AGAIN)) => {
            Some(Fault::Exhausted)
        }
        // The cause of an error of our own making.
        _ => error.get_ref().and_then(|inner| Fault::of(inner)),
    }
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
        sqlx::Error::Io(error) => Some(of_io(error).unwrap_or(Fault::Away)),
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
        let full = io::Error::from(Errno::NOSPC);
        let error = anyhow::Error::new(full).context("could not move a file");
        assert_eq!(Fault::of(error.as_ref()), Some(Fault::Full));
        let nested = io::Error::other(sqlx::Error::PoolTimedOut);
        assert_eq!(Fault::of(&nested), Some(Fault::Away));
        let many = io::Error::from(Errno::MFILE);
        assert_eq!(Fault::of(&many), Some(Fault::Exhausted));
        let other = io::Error::from(Errno::NOENT);
        assert_eq!(Fault::of(&other), None);
    }
}
