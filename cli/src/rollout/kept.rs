//! What is kept of a roll-out: `DIR/versions/rollout.json`, durable, written by one process at a time.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::Context as _;
use slipway_runtime::data::{DataDir, private_folder, write_whole};

use super::rules::progress::Progress;
use crate::exit::Stop;
use crate::lock::{self, Lock};

/// The only process that rolls out now: the kernel lets the lock go when it ends, however it ends.
pub(super) struct Kept {
    data: DataDir,
    _lock: File,
}

impl Kept {
    /// A second one is refused, with the first one's pid.
    pub(super) fn take(data: &DataDir) -> anyhow::Result<Self> {
        private_folder(&data.versions())?;
        match lock::take(&data.versions().join("rollout.lock"))? {
            Lock::Taken(lock) => Ok(Self {
                data: data.clone(),
                _lock: lock,
            }),
            Lock::Held(holder) => {
                let words = format!(
                    "a roll-out is going on, by the process {holder}: wait for it, or take it back with --abort"
                );
                Err(Stop::refused("rollout_running", words).into())
            }
        }
    }

    pub(super) fn write(&self, progress: &Progress) -> anyhow::Result<()> {
        write_whole(&path(&self.data), serde_json::to_vec_pretty(progress)?)
    }

    /// Whether somebody has asked since that this roll-out goes back.
    pub(super) fn is_to_go_back(&self, id: &str) -> bool {
        fs::read_to_string(back(&self.data)).is_ok_and(|said| said == id)
    }
}

/// None where nothing was ever planned.
pub(super) fn read(data: &DataDir) -> anyhow::Result<Option<Progress>> {
    let path = path(data);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(format!("could not read {}", path.display())),
    };
    let read = serde_json::from_slice(&text);
    read.with_context(|| format!("{} is not what was written there", path.display()))
}

/// Asks whoever rolls out to go back. It names the roll-out, so that no later one is meant.
pub(super) fn ask_to_go_back(data: &DataDir, id: &str) -> anyhow::Result<()> {
    write_whole(&back(data), id)
}

fn path(data: &DataDir) -> PathBuf {
    data.versions().join("rollout.json")
}

fn back(data: &DataDir) -> PathBuf {
    data.versions().join("rollout-back")
}

#[cfg(test)]
mod tests {
    use slipway_contract::Digest;

    use super::*;
    use crate::fleet::wanted::Wanted;
    use crate::rollout::rules::plan::{Plan, Target, Times};
    use crate::run::Service;

    #[test]
    fn it_is_kept_and_a_second_one_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        assert_eq!(read(&data).expect("nothing"), None);
        let kept = Kept::take(&data).expect("nobody rolls out");
        let to = Digest::from_bytes([2; 32]);
        let now = Wanted::default().counted(|_| 1);
        let target = Target {
            programs: vec![(Service::Upload, to)],
            ..Target::default()
        };
        let plan = Plan::make("one".to_owned(), &now, &target, Times::default());
        let progress = Progress::begin(plan, 7);
        kept.write(&progress).expect("it is kept");
        assert_eq!(read(&data).expect("a document"), Some(progress));
        let second = Kept::take(&data).err().expect("a second one");
        let pid = std::process::id().to_string();
        assert!(second.to_string().contains(&pid), "{second}");
        ask_to_go_back(&data, "one").expect("it is asked");
        assert!(kept.is_to_go_back("one") && !kept.is_to_go_back("two"));
        drop(kept);
        Kept::take(&data).expect("nobody rolls out any more");
    }
}
