//! A stand-in for a download instance: it follows the feed and serves what is staged to the catalog, rightly or not.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use slipway_contract::feed::{Change, Page, Release, Row, Visibility};
use slipway_contract::{Digest, Word};

use crate::fixture::Instance;
use crate::minisign::Key;
use crate::store::Store;

/// What is wrong with what it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    WrongByte,
    /// As it lies in the store.
    WrongByteInStore,
    OneByteShort,
    OneByteMore,
    NoReprDigest,
    WrongReprDigest,
    WholeInsteadOfRange,
    WrongRange,
    ForeignKey,
    NoKey,
    NoSignature,
    /// The connection ends in the middle of the body.
    CutOff,
}

#[derive(Clone)]
pub(crate) struct Download {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    defect: Mutex<Option<Defect>>,
    copy: Mutex<Copy>,
}

#[derive(Default)]
struct Copy {
    keys: HashMap<String, String>,
    deleted: HashSet<String>,
    releases: HashMap<(String, String), Release>,
    /// Every state of a release that the feed has ever told.
    told: Vec<(String, Word<Visibility>)>,
}

impl Download {
    /// Starts it on a free port and returns it with its address. It knows nothing until it follows.
    pub(crate) async fn start(store: Store) -> (Self, String) {
        let download = Self {
            inner: Arc::new(Inner {
                store,
                defect: Mutex::default(),
                copy: Mutex::default(),
            }),
        };
        let router = Router::new()
            .route("/internal/staged/keys/{app}/minisign.pub", get(key))
            .route("/internal/staged/d/{app}/{version}/{file}", get(file))
            .route("/internal/downloads/{app}/{version}", get(counts))
            .route("/internal/blobs/{sha256}", get(reread))
            .with_state(download.clone());
        let address = slipway_testkit::peer::serve("download", router).await;
        (download, address)
    }

    /// Follows the catalog's feed from now on, as the instance `follower`.
    pub(crate) fn follow(&self, catalog: &Instance, follower: &'static str) {
        let (download, catalog) = (self.clone(), catalog.clone());
        tokio::spawn(async move {
            let (mut epoch, mut applied) = (String::new(), 0);
            loop {
                let path = format!(
                    "/internal/changes?epoch={epoch}&after={applied}&wait=30&follower={follower}"
                );
                let page = catalog.internal("download", &path).await.ok(200);
                let page: Page = serde_json::from_value(page).expect("a page of the feed");
                epoch = page.epoch;
                for change in page.changes {
                    applied = change.seq;
                    download.apply(change);
                }
            }
        });
    }

    pub(crate) fn has(&self, defect: Option<Defect>) {
        *self
            .inner
            .defect
            .lock()
            .expect("nobody panics with the lock") = defect;
    }

    fn is(&self, defect: Defect) -> bool {
        let has = *self
            .inner
            .defect
            .lock()
            .expect("nobody panics with the lock");
        has == Some(defect)
    }

    /// The states of a version that the feed has told, each as often as it did.
    pub(crate) fn told(&self, version: &str) -> Vec<Visibility> {
        let copy = self.inner.copy.lock().expect("nobody panics with the lock");
        let of_version = copy.told.iter().filter(|(told, _)| told == version);
        of_version
            .filter_map(|(_, visibility)| visibility.known().copied())
            .collect()
    }

    /// A release as the feed told it last.
    pub(crate) fn release(&self, app: &str, version: &str) -> Option<Release> {
        let copy = self.inner.copy.lock().expect("nobody panics with the lock");
        copy.releases
            .get(&(app.to_owned(), version.to_owned()))
            .cloned()
    }

    /// Whether the feed has told that an app was deleted.
    pub(crate) fn is_deleted(&self, app: &str) -> bool {
        let copy = self.inner.copy.lock().expect("nobody panics with the lock");
        copy.deleted.contains(app)
    }

    fn apply(&self, change: Change) {
        let mut copy = self.inner.copy.lock().expect("nobody panics with the lock");
        match change.row {
            Row::App(app) => {
                if app.deleted {
                    copy.deleted.insert(app.slug.clone());
                }
                copy.keys
                    .insert(app.slug, app.public_key.unwrap_or_default());
            }
            Row::Release(release) => {
                copy.told
                    .push((release.version.clone(), release.visibility.clone()));
                let place = (release.app.clone(), release.version.clone());
                copy.releases.insert(place, release);
            }
            Row::Token(_) | Row::Unknown => {}
            Row::Package(package) => panic!("download was told of {package:?}"),
        }
    }
}

async fn key(State(download): State<Download>, Path(app): Path<String>) -> Response {
    if download.is(Defect::ForeignKey) {
        return Key::of("another").public_key().into_response();
    }
    if download.is(Defect::NoKey) {
        return "no key at all".into_response();
    }
    let copy = download
        .inner
        .copy
        .lock()
        .expect("nobody panics with the lock");
    let key = copy.keys.get(&app).cloned();
    key.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        axum::response::IntoResponse::into_response,
    )
}

async fn file(
    State(download): State<Download>,
    Path((app, version, file)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let release = download.release(&app, &version);
    let release = release.filter(|release| {
        matches!(
            release.visibility,
            Word::Known(Visibility::Staged | Visibility::Published)
        )
    });
    let packages = release.map(|release| release.packages).unwrap_or_default();
    let name = file.strip_suffix(".minisig").unwrap_or(&file);
    let Some(package) = packages
        .into_iter()
        .find(|package| package.file.filename.as_str() == name)
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if name != file && download.is(Defect::NoSignature) {
        return "no signature at all".into_response();
    }
    if name != file {
        return package.signature.into_response();
    }
    let bytes = download.inner.store.get(&package.file.sha256.as_hex());
    let bytes = bytes.expect("a stored blob");
    match headers.get("range") {
        Some(range) => part(&download, bytes, range.to_str().expect("a range")),
        None => whole(&download, bytes, &package.file.sha256.as_hex()),
    }
}

fn whole(download: &Download, mut bytes: Vec<u8>, sha256: &str) -> Response {
    let mut digest: Digest = sha256.parse().expect("a digest");
    if download.is(Defect::WrongByte) || download.is(Defect::WrongByteInStore) {
        bytes[0] ^= 1;
    }
    if download.is(Defect::OneByteShort) {
        bytes.pop();
    }
    if download.is(Defect::OneByteMore) {
        bytes.push(0);
    }
    if download.is(Defect::CutOff) {
        let length = bytes.len();
        let half = Ok(Bytes::from(bytes).slice(..length / 2));
        let broken = async {
            // The server sends the half while it waits for more.
            tokio::task::yield_now().await;
            Err("the connection ends")
        };
        let torn = stream::iter([half]).chain(stream::once(broken));
        let head = [
            ("repr-digest", digest.repr_digest()),
            ("content-length", length.to_string()),
        ];
        return (head, Body::from_stream(torn)).into_response();
    }
    if download.is(Defect::NoReprDigest) {
        return bytes.into_response();
    }
    if download.is(Defect::WrongReprDigest) {
        digest = Digest::from_bytes([7; 32]);
    }
    ([("repr-digest", digest.repr_digest())], bytes).into_response()
}

/// The first bytes, as `bytes=0-LAST` asks for them.
fn part(download: &Download, mut bytes: Vec<u8>, range: &str) -> Response {
    if download.is(Defect::WholeInsteadOfRange) {
        return bytes.into_response();
    }
    let last = range
        .strip_prefix("bytes=0-")
        .expect("a range from the start");
    let last: usize = last.parse().expect("a number");
    bytes.truncate(last + 1);
    if download.is(Defect::WrongRange) {
        bytes.reverse();
    }
    (StatusCode::PARTIAL_CONTENT, bytes).into_response()
}

async fn counts(Path((app, version)): Path<(String, String)>) -> Response {
    let filename = format!("{app}-{version}.apk");
    Json(json!({"items": [{"filename": filename, "downloads": 7}]})).into_response()
}

async fn reread(State(download): State<Download>, Path(sha256): Path<String>) -> Response {
    let bytes = download.inner.store.get(&sha256);
    let mut bytes = bytes.expect("a stored blob");
    if download.is(Defect::WrongByteInStore) {
        bytes[0] ^= 1;
    }
    let found = hex::encode(Sha256::digest(&bytes));
    Json(json!({"sha256": found, "size": bytes.len()})).into_response()
}
