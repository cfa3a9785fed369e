//! The change feed of the catalog: the present state of what other services keep a copy of.
//!
//! `GET /internal/changes?epoch=E&after=N&wait=30&follower=INSTANCE&head=H&mark=M&held=P`. It carries state, not
//! history: each row carries the number of its last change, so a follower from 0 receives the present state once.
//! Numbers come from one counter raised in the writing transaction, so their order is the order of commits. Asking with
//! `after=N` says that N is applied. An epoch is made with the database; numbers of different epochs are not comparable.
//!
//! Nothing is believed for its age. `head` and `mark` are of the newest answer that the follower was given: a mark shows
//! the catalog when its database is an older copy. A follower to which another epoch is told compares before it gives
//! its copy up, and names in `held` the epoch that would take something away. Until that is accepted the catalog is
//! held: nothing changes, and everybody goes on with what they have.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::grant::Grant;
use crate::package::File;
use crate::quota::Quota;
use crate::slug::Slug;
pub use crate::state::Visibility;
use crate::version::Version;
use crate::word::Word;

/// One answer of the feed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = FeedPage))]
pub struct Page {
    pub epoch: String,
    /// The number of the newest change there is; a page that ends before it is followed by another.
    pub head: i64,
    /// In the order of their numbers.
    pub changes: Vec<Change>,
    /// The catalog's own, over epoch and head, to be sent back with the head.
    #[serde(default)]
    pub mark: String,
    /// Whether this epoch waits to be accepted.
    #[serde(default)]
    pub held: bool,
    /// Whether the catalog has just started and has not heard of every service that follows: this may yet turn out to be
    /// an older copy.
    #[serde(default)]
    pub opening: bool,
    /// The epochs that were given up for this one by somebody's word: their copies are not compared with it.
    #[serde(default)]
    pub replaces: Vec<String>,
}

impl Page {
    /// Whether a copy of this alone may be served.
    pub fn is_sure(&self) -> bool {
        !self.held && !self.opening
    }
}

/// A page as it came to a follower.
pub struct Received {
    pub page: Page,
    /// It says more than this program keeps: the catalog is a later one.
    pub lossy: bool,
}

impl<'de> Deserialize<'de> for Received {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let said = Value::deserialize(deserializer)?;
        let page = Page::deserialize(&said).map_err(D::Error::custom)?;
        let kept = serde_json::to_value(&page.changes).map_err(D::Error::custom)?;
        // How far such a release is shown is a word that is kept; what follows from it is not.
        let is_unknown = |change: &Change| matches!(&change.row, Row::Release(release) if release.visibility.is_unknown());
        let lossy = !covers(&kept, &said["changes"]) || page.changes.iter().any(is_unknown);
        Ok(Self { page, lossy })
    }
}

/// Whether everything that was said was kept.
fn covers(kept: &Value, said: &Value) -> bool {
    match (kept, said) {
        (Value::Object(kept), Value::Object(said)) => said
            .iter()
            .all(|(name, said)| kept.get(name).is_some_and(|kept| covers(kept, said))),
        (Value::Array(kept), Value::Array(said)) => {
            kept.len() == said.len() && kept.iter().zip(said).all(|(kept, said)| covers(kept, said))
        }
        (kept, said) => kept == said,
    }
}

/// A row as it is now.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Change {
    pub seq: i64,
    #[serde(flatten)]
    pub row: Row,
}

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Said {
            seq: i64,
            #[serde(flatten)]
            row: Value,
        }
        let Said { seq, row } = Said::deserialize(deserializer)?;
        // One row in another shape must not keep all later ones away.
        let row = Row::deserialize(&row).unwrap_or_else(|_| Row::restricted(&row));
        Ok(Self { seq, row })
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = FeedRow))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Row {
    App(App),
    Token(Token),
    Release(Release),
    /// Told to upload alone.
    Package(PackageRow),
    /// Of a later catalog: it is passed over, and taken by a later version of the follower.
    #[serde(other)]
    Unknown,
}

impl Row {
    /// A row whose type is known and whose shape is a later catalog's. It may say that a token was revoked or a release
    /// yanked, so as far as it names one, that permits and shows nothing.
    fn restricted(said: &Value) -> Self {
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        match (said["type"].as_str(), text("hash"), text("app")) {
            (Some("token"), Some(hash), _) => Self::Token(Token {
                grant: Grant::of_nothing(said["grant"]["id"].as_str().unwrap_or(&hash)),
                hash,
            }),
            (Some("release"), _, Some(app)) => match text("version") {
                Some(version) => Self::Release(Release::unknown(app, version)),
                None => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = FeedApp))]
pub struct App {
    pub slug: String,
    pub name: String,
    /// The text of `minisign.pub`; `None` until the signing service has made the key.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub public_key: Option<String>,
    /// The row is there for ever, to say so: nothing of the app is served, and its slug is taken. Left out while it is
    /// not, so that an earlier follower misses nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deleted: bool,
    /// What it may hold; left out alike.
    #[serde(default, skip_serializing_if = "Quota::is_none")]
    pub quota: Quota,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = FeedToken))]
pub struct Token {
    /// SHA-256 of the token's text in hex.
    #[cfg_attr(feature = "schema", schema(pattern = "^[0-9a-f]{64}$"))]
    pub hash: String,
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub grant: Grant,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = FeedRelease))]
pub struct Release {
    #[cfg_attr(feature = "schema", schema(value_type = Slug))]
    pub app: Word<Slug>,
    /// As the developer wrote it. What a later catalog takes for a version and this one does not is passed over aloud.
    #[cfg_attr(feature = "schema", schema(value_type = Version))]
    pub version: Word<Version>,
    /// One of a later catalog is not to be served.
    #[cfg_attr(feature = "schema", schema(value_type = Visibility))]
    pub visibility: Word<Visibility>,
    /// The channels that it was released to.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<Slug>))]
    pub channels: Vec<Word<Slug>>,
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub notes: Option<String>,
    /// Unix milliseconds.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub published_at: Option<i64>,
    /// Why it was yanked.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub reason: Option<String>,
    /// One that cannot be read is left out; [`Received`] notices that.
    #[serde(deserialize_with = "readable")]
    pub packages: Vec<Package>,
}

impl Release {
    /// One of which nothing else is known.
    fn unknown(app: String, version: String) -> Self {
        Self {
            app: Word::read(app),
            version: Word::read(version),
            visibility: Word::Unknown(String::new()),
            channels: Vec::new(),
            notes: None,
            published_at: None,
            reason: None,
            packages: Vec::new(),
        }
    }
}

/// A package whose file has no name that could be served, or no digest, is none that a follower can keep. The others of its
/// release, and its yank, count all the same.
fn readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Package>, D::Error> {
    let told = Vec::<Value>::deserialize(deserializer)?;
    let packages = told.into_iter().map(serde_json::from_value);
    Ok(packages.filter_map(Result::ok).collect())
}

/// A package that the catalog has, in whatever release or in none, or that is gone: then these bytes are not needed for it
/// any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PackageRow {
    pub id: String,
    pub app: String,
    /// SHA-256 in hex; empty for one that was withdrawn before it came.
    pub sha256: String,
    /// Deleted, or replaced by another in its draft.
    pub gone: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = FeedPackage))]
pub struct Package {
    pub id: String,
    #[serde(flatten)]
    pub file: File,
    /// Of the list of its blocks' digests; `None` until there is one.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub blocks: Option<Digest>,
    /// The text of the `.minisig`.
    pub signature: String,
    /// What inspection read from the bytes, as [`Facts`](crate::Facts) are written. It stays JSON here: a follower
    /// keeps what a later version read too.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub facts: Value,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grant::Scope;

    fn receive(row: &Value) -> Received {
        let page = json!({"epoch": "e", "head": 7, "more": 1, "changes": [row]});
        serde_json::from_str(&page.to_string()).expect("a page")
    }

    #[test]
    fn what_a_later_catalog_says_is_kept_or_noticed() {
        let known = json!({"seq": 7, "type": "app", "slug": "a", "name": "a", "public_key": null});
        assert!(!receive(&known).lossy);
        // An older one leaves out what it does not know.
        let older = json!({"seq": 7, "type": "app", "slug": "a", "name": "a"});
        assert!(!receive(&older).lossy);
        let mut more = known.clone();
        more["more"] = json!([1]);
        let received = receive(&more);
        assert!(received.lossy && matches!(received.page.changes[0].row, Row::App(_)));
        let received = receive(&json!({"seq": 7, "type": "mirror", "url": {"a": [1]}}));
        assert!(received.lossy && matches!(received.page.changes[0].row, Row::Unknown));
        assert_eq!(received.page.changes[0].seq, 7);
    }

    #[test]
    fn a_row_in_another_shape_restricts_what_it_names_and_keeps_no_other_away() {
        let token = json!({"seq": 7, "type": "token", "hash": "h", "grant": {"id": "t", "until": {"use": 3}}});
        let received = receive(&token);
        let Row::Token(token) = &received.page.changes[0].row else {
            panic!("a token");
        };
        assert!(received.lossy);
        assert_eq!((&*token.hash, &*token.grant.id), ("h", "t"));
        assert!(token.grant.permit(Scope::Read, None).is_err());
        let release = json!({"seq": 7, "type": "release", "app": "a", "version": "1.0", "visibility": {"percent": 5}});
        let received = receive(&release);
        let Row::Release(release) = &received.page.changes[0].row else {
            panic!("a release");
        };
        assert!(received.lossy);
        assert!(release.visibility.is_unknown());
        for unnamed in [
            json!({"seq": 7, "type": "token", "hash": [1]}),
            json!({"seq": 7, "type": "release", "app": "a"}),
            json!({"seq": 7, "type": "app", "slug": {"a": 1}}),
            json!({"seq": 7, "type": ["app"]}),
        ] {
            let received = receive(&unnamed);
            assert!(received.lossy, "{unnamed}");
            assert!(matches!(received.page.changes[0].row, Row::Unknown));
        }
    }

    #[test]
    fn what_is_not_deleted_does_not_say_so() {
        let app = |deleted| App {
            slug: "a".to_owned(),
            name: "a".to_owned(),
            public_key: None,
            deleted,
            quota: Quota::default(),
        };
        // A follower of before 0.4.0 would keep less than is said, and its copy would count as one that misses something.
        let written = |deleted| serde_json::to_value(app(deleted)).expect("JSON");
        assert_eq!(written(false).get("deleted"), None);
        assert_eq!(written(false).get("quota"), None);
        assert_eq!(written(true)["deleted"], true);
        let older: App = serde_json::from_value(written(false)).expect("an app");
        assert!(!older.deleted);
    }

    #[test]
    fn an_unknown_visibility_is_noticed_and_is_none_of_the_others() {
        let received = receive(
            &json!({"seq": 7, "type": "release", "app": "a", "version": "1.0", "visibility": "half",
            "channels": [], "notes": null, "published_at": null, "reason": null, "packages": []}),
        );
        assert!(received.lossy);
        let Row::Release(release) = &received.page.changes[0].row else {
            panic!("a release");
        };
        assert_eq!(release.visibility, Word::Unknown("half".to_owned()));
    }

    fn release(package: &Value) -> Value {
        json!({"seq": 7, "type": "release", "app": "a", "version": "1.0", "visibility": "yanked",
            "channels": [], "notes": null, "published_at": null, "reason": "r", "packages": [package]})
    }

    fn package(filename: &str, kind: &str) -> Value {
        json!({"id": "i", "filename": filename, "sha256": "07".repeat(32), "blocks": null, "size": 5, "kind": kind,
            "platform": "any", "arch": "universal", "signature": "s", "facts": {"kind": kind, "later": [1]}})
    }

    #[test]
    fn a_package_is_told_as_earlier_versions_tell_it() {
        for kind in ["apk", "a kind of tomorrow"] {
            let received = receive(&release(&package("a.apk", kind)));
            assert!(!received.lossy, "{kind}");
            let kept = serde_json::to_value(&received.page.changes[0]).expect("JSON");
            assert_eq!(kept, release(&package("a.apk", kind)));
        }
        let mut older = package("a.apk", "apk");
        older.as_object_mut().expect("a package").remove("blocks");
        assert!(!receive(&release(&older)).lossy);
    }

    #[test]
    fn a_package_that_cannot_be_read_is_noticed_and_hides_no_yank() {
        let received = receive(&release(&package("../a.apk", "apk")));
        assert!(received.lossy);
        let Row::Release(release) = &received.page.changes[0].row else {
            panic!("a release");
        };
        assert!(release.packages.is_empty());
        assert_eq!(release.visibility, Visibility::Yanked);
    }
}
