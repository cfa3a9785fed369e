//! Reading a file at places that the file itself names, without trusting them.

use std::io::{self, Read, Seek, SeekFrom};

use slipway_contract::Rule;

/// Why reading stopped. Only `Io` is not the file's fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{detail}")]
    Refused { rule: Rule, detail: String },
    /// It is known what it was to be, and a part of it is missing; the words complete "the file is not whole: …".
    #[error("{0}")]
    Damaged(String),
    /// Not what it should be; the words complete "the file was not understood: …".
    #[error("{0}")]
    Malformed(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Fault {
    pub(crate) fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed(what.into())
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    /// What could not be read makes the whole file damaged.
    pub(crate) fn into_damage(self, begun: &str) -> Self {
        match self {
            Self::Malformed(why) => Self::Damaged(format!("{begun}, but {why}")),
            other => other,
        }
    }
}

pub(crate) trait Input: Read + Seek {}

impl<T: Read + Seek> Input for T {}

pub(crate) struct Source<'a> {
    input: &'a mut dyn Input,
    length: u64,
}

impl<'a> Source<'a> {
    pub(crate) fn new(input: &'a mut dyn Input) -> io::Result<Self> {
        let length = input.seek(SeekFrom::End(0))?;
        Ok(Self { input, length })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Exactly `length` bytes from `offset`; the caller has held `length` against a limit.
    pub(crate) fn read(&mut self, offset: u64, length: u64) -> Result<Vec<u8>, Fault> {
        let end = offset.checked_add(length).filter(|end| *end <= self.length);
        let length = usize::try_from(length).ok().filter(|_| end.is_some());
        let length = length.ok_or_else(|| Fault::malformed("it ends too early"))?;
        self.input.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; length];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Everything from `offset` on, to be read in one go.
    pub(crate) fn stream(&mut self, offset: u64) -> io::Result<&mut dyn Input> {
        self.input.seek(SeekFrom::Start(offset))?;
        Ok(self.input)
    }

    /// Fails with [`Fault::Damaged`] unless the `length` bytes from `offset` are within the file; `what` they are.
    pub(crate) fn needs(&self, what: &str, offset: u64, length: u64) -> Result<(), Fault> {
        let end = offset.saturating_add(length);
        if end <= self.length {
            return Ok(());
        }
        Err(Fault::damaged(format!(
            "{what} should reach to byte {end}, and only {} bytes are there",
            self.length
        )))
    }

    /// The `length` bytes from `offset`, of which `what` consists; the caller has held `length` against a limit.
    pub(crate) fn part(&mut self, what: &str, offset: u64, length: u64) -> Result<Vec<u8>, Fault> {
        self.needs(what, offset, length)?;
        self.read(offset, length)
    }

    /// The first bytes, `length` of them or all that there are.
    pub(crate) fn head(&mut self, length: u64) -> Result<Vec<u8>, Fault> {
        self.read(0, length.min(self.length))
    }

    /// The last bytes, `length` of them or all that there are, and where they begin.
    pub(crate) fn tail(&mut self, length: u64) -> Result<(u64, Vec<u8>), Fault> {
        let start = self.length.saturating_sub(length);
        Ok((start, self.read(start, self.length - start)?))
    }
}

pub(crate) fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    chunk(bytes, at).map(u16::from_le_bytes)
}

pub(crate) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    chunk(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_le(bytes: &[u8], at: usize) -> Option<u64> {
    chunk(bytes, at).map(u64::from_le_bytes)
}

pub(crate) fn u64_be(bytes: &[u8], at: usize) -> Option<u64> {
    chunk(bytes, at).map(u64::from_be_bytes)
}

pub(crate) fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    chunk(bytes, at).map(u16::from_be_bytes)
}

pub(crate) fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    chunk(bytes, at).map(u32::from_be_bytes)
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// What a reader makes of these bytes, for its tests; the words are of what is damaged.
#[cfg(test)]
pub(crate) fn read_bytes<T>(
    read: impl FnOnce(&mut Source<'_>, &[u8]) -> Result<T, Fault>,
    bytes: &[u8],
) -> Result<T, String> {
    let mut input = std::io::Cursor::new(bytes);
    let mut source = Source::new(&mut input).expect("bytes can be sought in");
    read(&mut source, bytes).map_err(|fault| match fault {
        Fault::Damaged(why) => why,
        other => panic!("{other}"),
    })
}
