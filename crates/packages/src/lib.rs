//! What can be read out of an uploaded package, into the types of `slipway-contract`.
//!
//! [`inspect()`] reads a file that it is given. Nothing here writes, listens or keeps state, so there is nothing to lose in a
//! crash.

mod apk;
mod compound;
mod deb;
mod disk_image;
mod elf;
mod facts;
mod flatpak;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod inspect;
mod limits;
mod mach_o;
mod markup;
mod msi;
mod named;
mod native_version;
mod outcome;
mod pe;
mod rpm;
mod seven_zip;
mod source;
mod squashfs;
mod tar_gz;
mod tarball;
#[cfg(any(test, fuzzing))]
mod trial;
mod unpack;
mod xar;
mod zip;
mod zipped;

pub use apk::{ContentAlgorithm, ContentDigest, ContentDigests};
pub use inspect::inspect;
pub use limits::Limits;
pub use outcome::{Inspected, Outcome};
pub use slipway_contract::{
    Arch, ArchError, ArchName, BLOCK, BlockHash, Blocks, BlocksError, Digest, DigestError, Facts,
    FileHash, FileName, FileNameError, Icon, Kind, KindError, Platform, PlatformError, Rank,
    ReprDigestError, Rule, SERVED_SUFFIXES, Said, Slug, SlugError, Target, TargetError, Version,
    VersionError, Wanted, block_count, contradiction, is_source_package, platform_missing, shown,
};
