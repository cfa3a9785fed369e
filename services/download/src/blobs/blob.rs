//! What a file in the store must be.

use slipway_contract::Digest;

/// A file of the store, by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    /// Bytes.
    pub(crate) size: u64,
    /// Of the list of its blocks, when it is known.
    pub(crate) blocks: Option<Digest>,
}
