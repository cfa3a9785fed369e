//! One platform per data folder: `DIR/lock`, held while `up` lives. The kernel lets it go when the process ends,
//! however it ends; what the file says is only for the words of a refusal.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context as _, bail};
use slipway_runtime::data::{DataDir, private_folder};

/// Takes the lock, or says who has it.
pub(super) fn take(data: &DataDir) -> anyhow::Result<File> {
    private_folder(data.root())?;
    let path = data.lock();
    let folder = data.root().display();
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("could not open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&path);
            let holder = holder.with_context(|| format!("{folder} is in use by a `slipway up`"))?;
            bail!(
                "{folder} is in use by the `slipway up` with pid {}: end that one, or choose another folder with --data",
                holder.trim()
            );
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).context(format!("could not lock {}", path.display()));
        }
    }
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}
