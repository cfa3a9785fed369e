//! Files of the store, as they are met on the disk.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use bytes::{Bytes, BytesMut};
use rustix::fs::OFlags;
use slipway_contract::BLOCK;

/// Opens a regular file and nothing else: a link could lead anywhere, and a pipe would hold the thread for ever.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(rustix::io::Errno::ISDIR.into());
    }
    Ok(file)
}

/// Whether [`open_file`] met a link, a folder, a device or a socket.
pub(super) fn is_not_a_file(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::LOOP | Errno::ISDIR | Errno::NXIO))
}

/// A whole block of a file of `size` bytes.
pub(super) fn read_block(file: &File, number: u64, size: u64) -> io::Result<Bytes> {
    let begin = number * BLOCK;
    let mut block = BytesMut::zeroed(index(BLOCK.min(size - begin))?);
    file.read_exact_at(&mut block, begin)?;
    Ok(block.freeze())
}

pub(super) fn index(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(io::Error::other)
}
