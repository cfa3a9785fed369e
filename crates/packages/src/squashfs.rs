//! Snaps: a squashfs (kernel, `Documentation/filesystems/squashfs.rst`; `fs/squashfs/squashfs_fs.h`) with
//! `meta/snap.yaml` in it.
//!
//! Read are the folders on the way to that file, and the file. Nothing else of the file system is unpacked.

use std::io::Read;

use flate2::read::ZlibDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;
use slipway_contract::{Facts, Kind};

use crate::facts::Fill as _;
use crate::{
    limits::Limits,
    source::{Fault, Source, u16_le, u32_le, u64_le},
};

const SUPERBLOCK: u64 = 96;
/// Bytes of a block of metadata, unpacked.
const METADATA: u64 = 8192;
/// Bytes of a folder that are read; that of `meta` has a thousand.
const FOLDER: usize = 1 << 20;
/// In a size: what it is of is not packed.
const STORED_METADATA: u16 = 0x8000;
const STORED_DATA: u32 = 1 << 24;
const NO_FRAGMENT: u32 = u32::MAX;

/// `None` when it is no squashfs. One without `meta/snap.yaml` is some other disk.
pub(crate) fn read(
    source: &mut Source<'_>,
    head: &[u8],
    limits: &Limits,
) -> Result<Option<Facts>, Fault> {
    if !head.starts_with(b"hsqs") {
        return Ok(None);
    }
    let superblock = source.part("its header", 0, SUPERBLOCK)?;
    let used = u64_le(&superblock, 40).unwrap_or(u64::MAX);
    source.needs("its file system", 0, used)?;
    let mut system = System {
        source,
        superblock,
        limits,
    };
    let mut facts = Facts::of(Kind::Snap);
    match system.file(&["meta", "snap.yaml"]) {
        Ok(Some(yaml)) => describe(&mut facts, &String::from_utf8_lossy(&yaml), limits),
        Ok(None) => facts = Facts::of(Kind::Other),
        Err(Fault::Malformed(why)) => {
            facts.warn(format!("its meta/snap.yaml could not be read: {why}"));
        }
        Err(other) => return Err(other),
    }
    Ok(Some(facts))
}

/// The first level of the file, which is all that is read of it (snapcraft.io, "The snap format").
fn describe(facts: &mut Facts, yaml: &str, limits: &Limits) {
    let value = |key: &str| {
        let line = yaml
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.map(plain).filter(|value| !value.is_empty())
    };
    facts.say(value("name"), value("version"), limits);
    if let Some(title) = value("title") {
        facts.say_label(title, limits);
    }
    let arches: Vec<&str> = match value("architectures") {
        Some(list) => list
            .trim_matches(['[', ']'])
            .split(',')
            .map(plain)
            .collect(),
        None => yaml
            .lines()
            .skip_while(|line| !line.starts_with("architectures:"))
            .skip(1)
            .map_while(|line| line.trim_start().strip_prefix("- "))
            .map(plain)
            .collect(),
    };
    facts.set_arches(arches);
    if facts.arch.is_none() {
        facts.warn("the snap names no architecture");
    }
}

/// A value without the quotation marks and the blanks around it, or the comment behind it.
fn plain(text: &str) -> &str {
    let text = text.trim();
    let value = match text.chars().next() {
        Some('"' | '\'') => text,
        _ => text.split(" #").next().unwrap_or_default(),
    };
    value.trim().trim_matches(['"', '\'']).trim()
}

fn cut() -> Fault {
    Fault::malformed("its table of files is damaged")
}

struct System<'s, 'i, 'l> {
    source: &'s mut Source<'i>,
    superblock: Vec<u8>,
    limits: &'l Limits,
}

/// Where a file's content lies, or a folder's list.
enum Node {
    Folder {
        block: u64,
        offset: usize,
        length: usize,
    },
    File {
        start: u64,
        length: u64,
        fragment: u32,
        offset: usize,
        first: u32,
    },
}

impl System<'_, '_, '_> {
    /// The content of the file at a path; `None` where there is none.
    fn file(&mut self, path: &[&str]) -> Result<Option<Vec<u8>>, Fault> {
        let mut node = self.node(self.place(32)?)?;
        for name in path {
            let Some(Node::Folder {
                block,
                offset,
                length,
            }) = node
            else {
                return Ok(None);
            };
            let list = self.metadata(self.place(72)?.saturating_add(block), offset, length)?;
            match entry(&list, name) {
                Some(place) => node = self.node(place)?,
                None => return Ok(None),
            }
        }
        match node {
            Some(Node::File {
                start,
                length,
                fragment,
                offset,
                first,
            }) => {
                if length > self.limits.manifest {
                    return Err(Fault::malformed("it is too large"));
                }
                self.content(start, length, fragment, offset, first)
                    .map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A number in the superblock.
    fn place(&self, at: usize) -> Result<u64, Fault> {
        u64_le(&self.superblock, at).ok_or_else(cut)
    }

    fn block_size(&self) -> u64 {
        u32_le(&self.superblock, 12)
            .map_or(0, u64::from)
            .min(1 << 20)
    }

    /// The inode at a place: its block, and where in it. `None` for what is neither file nor folder.
    fn node(&mut self, place: u64) -> Result<Option<Node>, Fault> {
        let block = self.place(64)?.saturating_add(place >> 16);
        let offset = usize::try_from(place & 0xffff).unwrap_or(usize::MAX);
        let inode = self.metadata(block, offset, 64)?;
        let half = |at| u16_le(&inode, at).ok_or_else(cut);
        let word = |at| u32_le(&inode, at).ok_or_else(cut);
        let folder = |block: u32, length: u32, offset: u16| Node::Folder {
            block: block.into(),
            offset: offset.into(),
            // It counts three bytes for the entries that lead up.
            length: (length as usize).saturating_sub(3),
        };
        Ok(Some(match half(0)? {
            1 => folder(word(16)?, half(24)?.into(), half(26)?),
            8 => folder(word(24)?, word(20)?, half(34)?),
            2 => Node::File {
                start: word(16)?.into(),
                fragment: word(20)?,
                offset: word(24)? as usize,
                length: word(28)?.into(),
                first: u32_le(&inode, 32).unwrap_or(0),
            },
            9 => Node::File {
                start: u64_le(&inode, 16).ok_or_else(cut)?,
                length: u64_le(&inode, 24).ok_or_else(cut)?,
                fragment: word(44)?,
                offset: word(48)? as usize,
                first: u32_le(&inode, 56).unwrap_or(0),
            },
            _ => return Ok(None),
        }))
    }

    /// Up to `length` bytes of metadata from a place on, across its blocks.
    fn metadata(&mut self, mut block: u64, offset: usize, length: usize) -> Result<Vec<u8>, Fault> {
        if length > FOLDER {
            return Err(Fault::malformed("it has a folder that is too large"));
        }
        let mut bytes = Vec::new();
        while bytes.len() < offset.saturating_add(length) {
            let header = match self.source.read(block, 2) {
                Ok(header) => header,
                Err(Fault::Malformed(_)) => break,
                Err(other) => return Err(other),
            };
            let size = u16_le(&header, 0).unwrap_or(0);
            let packed = u64::from(size & !STORED_METADATA);
            let part = self.source.read(block + 2, packed)?;
            let part = self.unpacked(part, size & STORED_METADATA != 0, METADATA)?;
            if part.is_empty() {
                break;
            }
            bytes.extend(part);
            block += 2 + packed;
        }
        bytes.truncate(offset.saturating_add(length));
        bytes.get(offset..).map(<[u8]>::to_vec).ok_or_else(cut)
    }

    /// A file of one block, or of less: then it lies in a fragment with others.
    fn content(
        &mut self,
        start: u64,
        length: u64,
        fragment: u32,
        offset: usize,
        first: u32,
    ) -> Result<Vec<u8>, Fault> {
        let (start, size, offset) = if fragment == NO_FRAGMENT {
            (start, first, 0)
        } else {
            let index = u64::from(fragment);
            let table = self
                .source
                .read(self.place(80)?.saturating_add(index / 512 * 8), 8)?;
            let block = u64_le(&table, 0).ok_or_else(cut)?;
            let place = usize::try_from(index % 512 * 16).unwrap_or(usize::MAX);
            let entry = self.metadata(block, place, 16)?;
            let start = u64_le(&entry, 0).ok_or_else(cut)?;
            (start, u32_le(&entry, 8).ok_or_else(cut)?, offset)
        };
        let packed = u64::from(size & !STORED_DATA);
        if packed > self.block_size() {
            return Err(cut());
        }
        let bytes = self.source.read(start, packed)?;
        let bytes = self.unpacked(bytes, size & STORED_DATA != 0, self.block_size())?;
        let end = offset.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        let content = bytes.get(offset..end.min(bytes.len()));
        content.map(<[u8]>::to_vec).ok_or_else(cut)
    }

    fn unpacked(&self, bytes: Vec<u8>, stored: bool, most: u64) -> Result<Vec<u8>, Fault> {
        if stored {
            return Ok(bytes);
        }
        let damaged = |_| Fault::malformed("its blocks are damaged");
        let mut unpacked = Vec::new();
        let kibibytes = u32::try_from(self.limits.window >> 10).unwrap_or(u32::MAX);
        match u16_le(&self.superblock, 20) {
            Some(1) => ZlibDecoder::new(&*bytes)
                .take(most)
                .read_to_end(&mut unpacked),
            Some(4) => XzReader::new_mem_limit(&*bytes, false, kibibytes)
                .take(most)
                .read_to_end(&mut unpacked),
            Some(6) => StreamingDecoder::new_with_max_window_size(&*bytes, self.limits.window)
                .map_err(|_| cut())?
                .take(most)
                .read_to_end(&mut unpacked),
            _ => {
                return Err(Fault::malformed(
                    "it is packed by lzo or lz4, which are not read here",
                ));
            }
        }
        .map_err(damaged)?;
        Ok(unpacked)
    }
}

/// The place of an inode by its name in a folder's list, which comes in groups.
fn entry(list: &[u8], wanted: &str) -> Option<u64> {
    let mut rest = list;
    loop {
        let count = u32_le(rest, 0)?
            .checked_add(1)
            .filter(|count| *count <= 256)?;
        let block = u64::from(u32_le(rest, 4)?);
        rest = rest.get(12..)?;
        for _ in 0..count {
            let offset = u64::from(u16_le(rest, 0)?);
            let length = usize::from(u16_le(rest, 6)?) + 1;
            let name = rest.get(8..8 + length)?;
            if name == wanted.as_bytes() {
                return Some(block << 16 | offset);
            }
            rest = &rest[8 + length..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::describe;
    use crate::limits::Limits;
    use slipway_contract::{Arch, Facts, Kind};

    #[test]
    fn a_snap_says_its_name_version_and_architectures() {
        let of = |yaml: &str| {
            let mut facts = Facts::of(Kind::Snap);
            describe(&mut facts, yaml, &Limits::default());
            facts
        };
        let facts = of(
            "name: notes\nversion: \"1.0\"\nsummary: x\narchitectures:\n- arm64\napps:\n  name: x\n",
        );
        assert_eq!(facts.identifier.as_deref(), Some("notes"));
        assert_eq!(facts.version.as_deref(), Some("1.0"));
        assert_eq!(facts.arch, Some(Arch::Aarch64));
        let facts =
            of("name: notes # ours\nversion: 'a # b'\ntitle: C#\narchitectures: [arm64] # one\n");
        assert_eq!(facts.identifier.as_deref(), Some("notes"));
        assert_eq!(facts.version.as_deref(), Some("a # b"));
        assert_eq!(facts.label.as_deref(), Some("C#"));
        assert_eq!(facts.arch, Some(Arch::Aarch64));
        assert_eq!(of("architectures: [ amd64 ]").arch, Some(Arch::X86_64));
        assert_eq!(of("architectures:\n  - all\n").arch, Some(Arch::Universal));
        assert_eq!(
            of("architectures: [amd64, arm64]").arch,
            Some(Arch::Universal)
        );
        let without = of("name: notes");
        assert_eq!((without.arch, without.warnings.len()), (None, 1));
    }
}
