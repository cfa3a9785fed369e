//! The words of the platform as types: what its services, its command and its documents mean by the same name.
//!
//! Each word is parsed once, at the edge, by [`FromStr`](std::str::FromStr): one named error per defect, in words for a user.
//! Its `Display` and its JSON are the same canonical text. Nothing here reads, writes, listens or keeps state, so there is
//! nothing to lose in a crash; what is read out of a stranger's bytes is read by `slipway-packages`.

mod arch;
mod blocks;
mod code;
pub mod configuration;
mod contradiction;
mod digest;
mod ending;
mod facts;
pub mod feed;
mod file_name;
pub mod fleet;
pub mod grant;
pub mod held;
pub mod holder;
pub mod internal;
mod kind;
pub mod losses;
pub mod package;
mod platform;
pub mod public;
pub mod quota;
mod rank;
pub mod record;
mod runtime_identifier;
#[cfg(feature = "schema")]
pub mod schema;
pub mod services;
pub mod shown;
mod slug;
mod state;
mod target;
mod text;
mod version;
mod word;

pub use arch::{Arch, ArchError, ArchName};
pub use blocks::{BLOCK, BlockHash, Blocks, BlocksError, FileHash, block_count};
pub use code::{Code, CodeError};
pub use contradiction::contradiction;
pub use digest::{Digest, DigestError, ReprDigestError};
pub use facts::{Facts, Icon, Rule};
pub use file_name::{FileName, FileNameError, SERVED_SUFFIXES};
pub use kind::{Kind, KindError};
pub use platform::{Platform, PlatformError};
pub use rank::{Rank, Wanted, is_source_package};
pub use slug::{Slug, SlugError};
pub use state::{PackageState, ReleaseState, ReleaseStateError, Visibility, VisibilityError};
pub use target::{Said, Target, TargetError, platform_missing};
pub use version::{Version, VersionError};
pub use word::Word;
