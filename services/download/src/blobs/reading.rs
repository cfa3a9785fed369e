//! An answer on its way: no byte of a block leaves before the block is checked or trusted.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use slipway_contract::BLOCK;
use tokio::task::spawn_blocking;

use super::blob::Blob;
use super::damage::Damage;
use super::file::{index, read_block};
use super::known::{Identity, Known};
use super::store::Store;

/// Bytes of one read; a whole number of them is a block. Larger ones are no faster, and each download in flight holds
/// this many per read ahead.
pub(super) const CHUNK: u64 = 256 * 1024;

/// One answer that is being sent.
pub(super) struct Reading {
    pub(super) store: Arc<Store>,
    pub(super) blob: Blob,
    pub(super) file: Arc<File>,
    pub(super) known: Arc<Known>,
    /// The block that was checked last, while it cannot be trusted: its other chunks are taken from here.
    pub(super) last: tokio::sync::Mutex<Option<(u64, Bytes)>>,
}

impl Reading {
    /// Bytes of one block. Each read is by itself on the threads for blocking work, so that slow clients hold none of
    /// them.
    pub(super) async fn chunk(self: Arc<Self>, range: Range<u64>) -> io::Result<Bytes> {
        if let Some(bytes) = self.clone().trusted(range.clone()).await? {
            return Ok(bytes);
        }
        let mut last = self.last.lock().await;
        // It may have been checked meanwhile.
        if let Some(bytes) = self.clone().trusted(range.clone()).await? {
            return Ok(bytes);
        }
        let number = range.start / BLOCK;
        let block = match &*last {
            Some((there, block)) if *there == number => block.clone(),
            _ => self.clone().checked(number).await?,
        };
        let begin = index(range.start % BLOCK)?;
        let end = begin + index(range.end - range.start)?;
        // A copy, so that a slow client holds a chunk and not a block.
        let bytes = Bytes::copy_from_slice(&block[begin..end]);
        *last = (!self.known.may_trust(number)).then_some((number, block));
        Ok(bytes)
    }

    /// Bytes of a block that is trusted; `None` when it is not. The file is looked at after they were read: what was
    /// written to it before that would show.
    async fn trusted(self: Arc<Self>, range: Range<u64>) -> io::Result<Option<Bytes>> {
        let number = range.start / BLOCK;
        if !self.known.may_trust(number) {
            return Ok(None);
        }
        spawn_blocking(move || {
            let mut bytes = BytesMut::zeroed(index(range.end - range.start)?);
            let read = self.file.read_exact_at(&mut bytes, range.start);
            let now = Identity::of(&self.file.metadata()?);
            Ok((read.is_ok() && self.known.trusts(number, &now)).then(|| bytes.freeze()))
        })
        .await?
    }

    /// A whole block: what is checked is what is sent.
    async fn checked(self: Arc<Self>, number: u64) -> io::Result<Bytes> {
        let store = self.store.clone();
        let _place = store.hashes.acquire().await.map_err(io::Error::other)?;
        spawn_blocking(move || {
            let digest = &self.blob.digest;
            let block = read_block(&self.file, number, self.blob.size);
            let now = Identity::of(&self.file.metadata()?);
            let damage = Damage::Block(number);
            match block {
                Ok(block) if self.known.matches(number, &block) => {
                    self.known.trust(number, &now);
                    self.store.findings.withdraw(digest, damage);
                    Ok(block)
                }
                Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
                _ => {
                    self.store.findings.add(*digest, Some(now), damage);
                    Err(io::Error::other(damage))
                }
            }
        })
        .await?
    }
}

/// Cuts a range where chunks begin, and so where blocks do.
pub(super) fn chunks(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let Range { start, end } = range;
    let cut = move |begin: u64| end.min((begin / CHUNK + 1) * CHUNK);
    std::iter::successors(Some(start), move |begin| Some(cut(*begin)))
        .take_while(move |begin| *begin < end)
        .map(move |begin| begin..cut(begin))
}
