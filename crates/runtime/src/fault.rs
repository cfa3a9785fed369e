//! What an error of the disk, of the system or of a database is to whoever asks.
//!
//! None of it is the request's fault, and all but damage passes: a disk gets room again, a server comes back, a lock is
//! let go. Whatever waits goes on by itself then.

use std::error::Error;
use std::io;

use rustix::io::Errno;

use crate::damage::Damaged;

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
    /// The fault that `error` or one of its causes tells of, as far as the system says it. What only a database says, its
    /// crate tells.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        Self::with(error, |_| None)
    }

    /// The same, where `other` tells what a cause of another kind is.
    pub fn with(
        error: &(dyn Error + 'static),
        other: fn(&(dyn Error + 'static)) -> Option<Self>,
    ) -> Option<Self> {
        anyhow::Chain::new(error).find_map(|error| {
            if error.is::<Damaged>() {
                return Some(Self::Damaged);
            }
            match error.downcast_ref::<io::Error>() {
                Some(error) => Self::of_io(error, other),
                None => other(error),
            }
        })
    }

    /// What an error of the system is.
    pub fn of_io(
        error: &io::Error,
        other: fn(&(dyn Error + 'static)) -> Option<Self>,
    ) -> Option<Self> {
        use io::ErrorKind::{OutOfMemory, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        match error.kind() {
            StorageFull | QuotaExceeded => Some(Self::Full),
            ReadOnlyFilesystem => Some(Self::Away),
            OutOfMemory => Some(Self::Exhausted),
            // The last is what a thread or process too many is answered with.
            _ if matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::AGAIN)) => {
                Some(Self::Exhausted)
            }
            // The cause of an error of our own making.
            _ => error.get_ref().and_then(|inner| Self::with(inner, other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_found_below_what_was_said_about_it() {
        let full = io::Error::from(Errno::NOSPC);
        let error = anyhow::Error::new(full).context("could not move a file");
        assert_eq!(Fault::of(error.as_ref()), Some(Fault::Full));
        let many = io::Error::other(io::Error::from(Errno::MFILE));
        assert_eq!(Fault::of(&many), Some(Fault::Exhausted));
        let other = io::Error::from(Errno::NOENT);
        assert_eq!(Fault::of(&other), None);
    }
}
