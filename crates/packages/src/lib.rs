//! The words of the domain as types, and what can be read out of an uploaded package.
//!
//! Each word is parsed once, at the edge, by [`FromStr`](std::str::FromStr): one named error per
//! defect, in words for a user. Its `Display` and its JSON are the same canonical text. Nothing here
//! writes, listens or keeps state, so there is nothing to lose in a crash.

mod digest;
mod file_name;
mod platform;
mod rank;
mod slug;
mod text;
mod version;

pub use digest::{Digest, DigestError, ReprDigestError};
pub use file_name::{FileName, FileNameError, SERVED_SUFFIXES};
pub use platform::{Arch, ArchError, Kind, KindError, Platform, PlatformError};
pub use rank::{Rank, Wanted};
pub use slug::{Slug, SlugError};
pub use version::{Version, VersionError};
