//! Documents that more than one service, or a service and the command, write or read.
//!
//! Unknown values are `null`; times are RFC 3339 in UTC; addresses are path-absolute, or begin with the public URL of
//! the settings, never with what a request's headers say (host header attacks).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::package::File;
use crate::slug::Slug;
use crate::version::Version;
use crate::word::Word;

/// What upload hands over to the catalog: a stored package and the intent to publish it, in one row of its outbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Delivery {
    /// The package's id, which makes the delivery safe to repeat.
    pub id: String,
    pub app: Slug,
    #[serde(flatten)]
    pub file: File,
    /// Of the list of its blocks' digests; `None` until there is one.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub blocks: Option<Digest>,
    /// What inspection read, as `slipway_contract::Facts` writes it, with its warnings.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub facts: Value,
    /// The version to release it under; `None` for a package on its own. It is a developer's word, who is told what is wrong
    /// with it.
    #[cfg_attr(feature = "schema", schema(value_type = Option<Version>))]
    pub version: Option<Word<Version>>,
    /// The channel to publish the version to; `None` leaves a draft.
    #[cfg_attr(feature = "schema", schema(value_type = Option<Slug>))]
    pub channel: Option<Word<Slug>>,
    /// A UUID of this intent: a delivery that is repeated has the same, and asking again has another.
    #[serde(rename = "wish")]
    pub intent: String,
    /// The token that uploaded it. The audit has the name that the catalog knows it by.
    pub token_id: String,
    pub token_name: String,
    pub request_id: String,
    /// Who asks for it in the channel, which is another token when that has sent the same bytes once more; `None` from an
    /// upload of before 0.3.0, which does not tell the two apart.
    #[serde(default, rename = "wished_by")]
    pub requested_by: Option<Requester>,
    /// When the answer to the intent became true, Unix milliseconds by upload's clock; `None` from the same.
    #[serde(default)]
    pub acknowledged_at: Option<i64>,
    /// Ids of packages in whose place it was put in its draft. One of them may still be on its way, and is not taken after
    /// this one.
    #[serde(default)]
    pub replaces: Vec<String>,
    /// Notes of the release, while it is a draft.
    #[serde(default)]
    pub notes: Option<String>,
    /// Whether what is odd is refused.
    #[serde(default)]
    pub strict: bool,
    /// Whether a channel that does not exist is made. An upload of before 0.4.0 does not ask: its answers promised that.
    #[serde(default = "of_an_earlier_version")]
    pub create_channel: bool,
    /// What upload had heard of the catalog's changes when it took the intent: an intent is not of after a roll-back that it
    /// had not heard of. `None` from an upload of before 0.4.0.
    #[serde(default)]
    pub heard: Option<Heard>,
}

/// How far a copy of the catalog's state is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Heard {
    /// Of the feed.
    pub epoch: String,
    /// The number of the last change.
    pub seq: i64,
}

fn of_an_earlier_version() -> bool {
    true
}

/// The token and the request of an intent to publish.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Requester {
    pub token_id: String,
    pub request_id: String,
}

/// A package that upload was asked to delete, and by whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Removal {
    /// Its id at the catalog.
    pub package: String,
    pub app: String,
    pub token_id: String,
    pub request_id: String,
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Removed {
    /// Whether the package is gone. It stays while another token has sent the same bytes too.
    pub gone: bool,
}

/// How full the store is, as upload tells the catalog.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Stored {
    /// Bytes of deleted packages that are still in their place.
    pub deleted_bytes: i64,
    /// Bytes in the trash.
    pub trash_bytes: i64,
    pub disk: Disk,
}

/// The disk of the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Disk {
    pub size_bytes: i64,
    /// That may still be written.
    pub free_bytes: i64,
    /// That uploads leave free.
    pub reserve_bytes: i64,
    /// Whether so little is left that somebody should make room.
    pub near_reserve: bool,
}

/// What upload tells the catalog of a file that was delivered before there were lists of blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FileBlocks {
    /// SHA-256 of the file in hex.
    #[cfg_attr(feature = "schema", schema(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// SHA-256 in hex of the list of its blocks' digests.
    #[cfg_attr(feature = "schema", schema(pattern = "^[0-9a-f]{64}$"))]
    pub blocks: String,
}
