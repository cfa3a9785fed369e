//! What was checked of the files in the store, so that a file that is asked for often is hashed once a day.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use slipway_contract::{Blocks, block_count};

use super::blob::Blob;

/// How long ago a file must have changed to be told from one that changes now: the times of a file have the grain of
/// the kernel's clock tick, a few milliseconds, and on some file systems a second.
const SETTLED: Duration = Duration::from_secs(2);

/// What changes when somebody writes to a file or puts another in its place. The device is no part of it: its number
/// is not the same after a restart of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    /// Unlike the time before, nobody can set it.
    changed: (i64, i64),
}

impl Identity {
    pub(super) fn of(file: &Metadata) -> Self {
        Self {
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    /// Bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether a change from now on would show.
    pub(super) fn is_settled(&self) -> bool {
        let changed = Duration::from_secs(self.changed.0.unsigned_abs());
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.is_ok_and(|now| now >= changed + SETTLED)
    }
}

/// A file, the digests of its blocks, and which of them were found right.
pub(super) struct Known {
    identity: Identity,
    list: Blocks,
    /// A bit for each block.
    right: Box<[AtomicU64]>,
    until: Instant,
}

impl Known {
    pub(super) fn new(identity: Identity, size: u64, list: Blocks, life: Duration) -> Self {
        let words = block_count(size).div_ceil(64);
        Self {
            identity,
            list,
            right: (0..words).map(|_| AtomicU64::new(0)).collect(),
            until: Instant::now() + life,
        }
    }

    /// Whether the block `number` of a file that is `identity` now was found right.
    pub(super) fn trusts(&self, number: u64, identity: &Identity) -> bool {
        self.place(number)
            .is_some_and(|(word, bit)| word.load(Ordering::Acquire) & bit != 0)
            && self.identity == *identity
            && Instant::now() < self.until
    }

    /// The same without a look at the file.
    pub(super) fn may_trust(&self, number: u64) -> bool {
        self.trusts(number, &self.identity)
    }

    pub(super) fn matches(&self, number: u64, block: &[u8]) -> bool {
        self.list.matches(number, block)
    }

    /// Notes that the block was right in a file that is `identity` after it was read.
    pub(super) fn trust(&self, number: u64, identity: &Identity) {
        if self.identity == *identity
            && identity.is_settled()
            && let Some((word, bit)) = self.place(number)
        {
            word.fetch_or(bit, Ordering::Release);
        }
    }

    fn place(&self, number: u64) -> Option<(&AtomicU64, u64)> {
        let word = self.right.get(usize::try_from(number / 64).ok()?)?;
        Some((word, 1 << (number % 64)))
    }

    fn bytes(&self) -> usize {
        size_of::<(Blob, Self)>() + self.list.as_bytes().len() + size_of_val(&*self.right)
    }
}

/// What is known of the files that were asked for lately.
pub(super) struct Memory {
    files: Mutex<HashMap<Blob, Arc<Known>>>,
    most_bytes: usize,
}

impl Memory {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            files: Mutex::default(),
            most_bytes,
        }
    }

    /// What is known of a blob, if its file is still the same.
    pub(super) fn get(&self, blob: &Blob, identity: &Identity) -> Option<Arc<Known>> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let known = files.get(blob)?;
        let same = known.identity == *identity && Instant::now() < known.until;
        same.then(|| known.clone())
    }

    /// Remembers a file; those that would be forgotten first anyway make room.
    pub(super) fn put(&self, blob: Blob, known: Arc<Known>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(blob, known);
        let mut bytes: usize = files.values().map(|known| known.bytes()).sum();
        while bytes > self.most_bytes
            && let Some(oldest) = files.iter().min_by_key(|(_, known)| known.until)
        {
            bytes -= oldest.1.bytes();
            let oldest = *oldest.0;
            files.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use slipway_contract::{BLOCK, FileHash};

    use super::*;

    const OLD: Identity = Identity {
        inode: 1,
        size: 3,
        modified: (1, 0),
        changed: (1, 0),
    };
    const DAY: Duration = Duration::from_hours(24);

    fn known(identity: Identity, life: Duration) -> Known {
        let blocks = FileHash::default().blocks();
        Known::new(identity, 65 * BLOCK, blocks, life)
    }

    fn blob(number: u8) -> Blob {
        Blob {
            digest: slipway_contract::Digest::from_bytes([number; 32]),
            size: 65 * BLOCK,
            blocks: None,
        }
    }

    #[test]
    fn a_block_is_trusted_in_the_same_file_for_its_time() {
        let file = known(OLD, DAY);
        file.trust(64, &OLD);
        assert!(file.trusts(64, &OLD) && !file.trusts(63, &OLD) && !file.trusts(128, &OLD));
        for other in [
            Identity { inode: 2, ..OLD },
            Identity { size: 4, ..OLD },
            Identity {
                modified: (1, 1),
                ..OLD
            },
            Identity {
                changed: (1, 1),
                ..OLD
            },
        ] {
            assert!(!file.trusts(64, &other), "{other:?}");
            file.trust(1, &other);
        }
        assert!(!file.trusts(1, &OLD), "found right in another file");
        let over = known(OLD, Duration::ZERO);
        over.trust(64, &OLD);
        assert!(!over.trusts(64, &OLD));
    }

    #[test]
    fn a_file_that_changed_just_now_is_not_trusted() {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let seconds = i64::try_from(now.as_secs()).expect("before the year 292 billion");
        let fresh = Identity {
            changed: (seconds, 0),
            ..OLD
        };
        let file = known(fresh, DAY);
        file.trust(0, &fresh);
        assert!(!file.trusts(0, &fresh));
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest() {
        let bytes = known(OLD, DAY).bytes();
        let memory = Memory::new(2 * bytes);
        for number in 0..3 {
            memory.put(blob(number), Arc::new(known(OLD, DAY)));
        }
        let there = |number| memory.get(&blob(number), &OLD).is_some();
        assert_eq!([there(0), there(1), there(2)], [false, true, true]);
        assert!(
            memory
                .get(&blob(2), &Identity { inode: 9, ..OLD })
                .is_none()
        );
    }
}
