//! The change feed of the catalog: the present state of what other services keep a copy of.
//!
//! `GET /internal/changes?epoch=E&after=N&wait=30&follower=INSTANCE`. It carries state, not history: each row carries
//! the number of its last change, so a follower from 0 receives the present state once. Numbers come from one counter
//! raised in the writing transaction, so their order is the order of commits. Asking with `after=N` says that N is
//! applied. An epoch is made with the database, and anew when that turns
//! out to be an older copy; numbers of different epochs are not comparable.

pub mod follow;
pub mod replica;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::token::Grant;

/// One answer of the feed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page {
    pub epoch: String,
    /// The number of the newest change there is; a page that ends before it is followed by another.
    pub head: i64,
    /// In the order of their numbers.
    pub changes: Vec<Change>,
}

/// A row as it is now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    pub seq: i64,
    #[serde(flatten)]
    pub row: Row,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Row {
    App(App),
    Token(Token),
    Release(Release),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct App {
    pub slug: String,
    pub name: String,
    /// The text of `minisign.pub`; `None` until the signing service has made the key.
    pub public_key: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// SHA-256 of the token's text in hex.
    pub hash: String,
    pub grant: Grant,
}

/// What of a release's states concerns the followers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Being verified: served to the catalog alone.
    Staged,
    Published,
    Yanked,
    /// Not to be served: it failed.
    Hidden,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Release {
    pub app: String,
    /// As the developer wrote it.
    pub version: String,
    pub visibility: Visibility,
    /// The channels that it was released to.
    pub channels: Vec<String>,
    pub notes: Option<String>,
    /// Unix milliseconds.
    pub published_at: Option<i64>,
    /// Why it was yanked.
    pub reason: Option<String>,
    pub packages: Vec<Package>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Package {
    pub id: String,
    pub filename: String,
    /// SHA-256 in hex.
    pub sha256: String,
    /// SHA-256 in hex of the list of its blocks' digests; `None` until there is one.
    #[serde(default)]
    pub blocks: Option<String>,
    /// Bytes.
    pub size: i64,
    pub kind: String,
    pub platform: String,
    pub arch: String,
    /// The text of the `.minisig`.
    pub signature: String,
    /// What inspection read from the bytes, as `slipway_packages::Facts` writes it.
    pub facts: Value,
}
