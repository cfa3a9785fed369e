//! The programs that children are, each read once and found to be what its digest says.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use slipway_contract::Digest;
use slipway_runtime::data::DataDir;

use crate::fleet::release;
use crate::fleet::versions::Program;

pub(super) struct Programs {
    data: DataDir,
    /// Our own executable.
    own: PathBuf,
    /// What somebody started `up` as, by hand: nothing more proves it, and the way back leads there.
    started: Digest,
    /// Whether programs are started that are in no release.
    unsigned: bool,
    read: Mutex<HashMap<Digest, Program>>,
    /// What children are that name no program.
    first: Mutex<Option<Digest>>,
}

/// How a child is started.
pub(super) struct Start {
    pub(super) path: PathBuf,
    pub(super) is_command: bool,
}

impl Programs {
    pub(super) fn new(data: DataDir, own: PathBuf, started: Digest, unsigned: bool) -> Self {
        Self {
            data,
            own,
            started,
            unsigned,
            read: Mutex::default(),
            first: Mutex::default(),
        }
    }

    pub(super) fn set_first(&self, first: Option<Digest>) {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = first;
    }

    /// The program of a digest; for none the first, and without that our own.
    pub(super) fn of(&self, digest: Option<Digest>) -> anyhow::Result<Start> {
        let first = *self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(digest) = digest.or(first) else {
            return Ok(Start {
                path: self.own.clone(),
                is_command: true,
            });
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let known = read.get(&digest).filter(|program| program.is_unchanged());
        let program = match known {
            Some(program) => program.clone(),
            None => self.find(digest)?,
        };
        let start = Start {
            path: program.path.clone(),
            is_command: program.is_command(),
        };
        read.insert(digest, program);
        Ok(start)
    }

    fn find(&self, digest: Digest) -> anyhow::Result<Program> {
        let program = Program::find(&self.data, digest)?;
        if digest != self.started {
            release::check(&self.data, digest, &program.path, self.unsigned)?;
        }
        Ok(program)
    }
}
