//! One platform per data folder: `DIR/lock`, held while `up` lives.

use std::fs::File;

use anyhow::bail;
use slipway_runtime::data::{DataDir, private_folder};

use crate::lock::{self, Lock};

/// Takes the lock, or says who has it.
pub(super) fn take(data: &DataDir) -> anyhow::Result<File> {
    private_folder(data.root())?;
    match lock::take(&data.lock())? {
        Lock::Taken(lock) => Ok(lock),
        Lock::Held(holder) => bail!(
            "{} is in use by the `slipway up` with pid {holder}: end that one, or choose another folder with --data",
            data.root().display()
        ),
    }
}
