//! A file that one process holds at a time. The kernel lets it go when the process ends, however it ends; what the file says
//! is only for the words of a refusal.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;

pub(crate) enum Lock {
    /// Held for as long as the file is open.
    Taken(File),
    /// By the process with this pid, as the file says.
    Held(String),
}

/// Takes the lock at `path`, in a folder that is there.
pub(crate) fn take(path: &Path) -> anyhow::Result<Lock> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("could not open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            // Its holder may not have written it yet.
            let holder = match fs::read_to_string(path) {
                Ok(holder) if !holder.trim().is_empty() => holder.trim().to_owned(),
                _ => "?".to_owned(),
            };
            return Ok(Lock::Held(holder));
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).context(format!("could not lock {}", path.display()));
        }
    }
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    Ok(Lock::Taken(file))
}
