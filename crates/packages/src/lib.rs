//! The words of the domain as types, and what can be read out of an uploaded package.
//!
//! Each word is parsed once, at the edge, by [`FromStr`](std::str::FromStr): one named error per
//! defect, in words for a user. Its `Display` and its JSON are the same canonical text. [`inspect`]
//! reads a file that it is given. Nothing here writes, listens or keeps state, so there is nothing to
//! lose in a crash.

mod apk;
mod arch;
mod blocks;
mod compound;
mod contradiction;
mod deb;
mod digest;
mod disk_image;
mod elf;
mod facts;
mod file_name;
mod flatpak;
mod inspect;
mod kind;
mod limits;
mod mach_o;
mod markup;
mod msi;
mod named;
mod native_version;
mod pe;
mod platform;
mod rank;
mod rpm;
mod seven_zip;
pub mod shown;
mod slug;
mod source;
mod squashfs;
mod tar_gz;
mod tarball;
mod target;
mod text;
mod unpack;
mod version;
mod xar;
mod zip;
mod zipped;

pub use apk::{ContentAlgorithm, ContentDigest, ContentDigests};
pub use arch::{Arch, ArchError, ArchName};
pub use blocks::{BLOCK, BlockHash, Blocks, BlocksError, FileHash, block_count};
pub use contradiction::contradiction;
pub use digest::{Digest, DigestError, ReprDigestError};
pub use facts::{Facts, Icon, Inspected, Outcome, Rule};
pub use file_name::{FileName, FileNameError, SERVED_SUFFIXES};
pub use inspect::inspect;
pub use kind::{Kind, KindError};
pub use limits::Limits;
pub use platform::{Platform, PlatformError};
pub use rank::{Rank, Wanted, is_source_package};
pub use slug::{Slug, SlugError};
pub use target::{Said, Target, TargetError, platform_missing};
pub use version::{Version, VersionError};
