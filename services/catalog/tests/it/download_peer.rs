//! A real download instance, in front of it what it may serve wrong, and a note of what the catalog tells it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::RANGE;
use serde_json::{Value, json};
use slipway_contract::feed::{Change, Page, Release, Row, Visibility};
use slipway_contract::{Digest, Word};
use slipway_peers::discovery::view::View;
use slipway_peers::guard::edge;
use slipway_testkit::fault::{change_body, cut_off};
use slipway_testkit::start::Running;
use slipway_testkit::{TestProcess, peer, record};

use crate::fixture::{DOWNLOAD, Instance};
use crate::minisign::Key;

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
    /// What it knows of the others.
    view: View,
}

#[derive(Default)]
struct Inner {
    defect: Mutex<Option<Defect>>,
    copy: Mutex<Copy>,
}

#[derive(Default)]
struct Copy {
    deleted: HashSet<String>,
    releases: HashMap<(String, String), Release>,
    /// Every state of a release that the feed has ever told.
    told: Vec<(String, Word<Visibility>)>,
}

impl Download {
    /// Starts the real one in the folder of the platform, behind what it does wrong. It knows nothing until it follows.
    pub(crate) async fn start(test: &TestProcess) -> (Self, Running) {
        let view = View::fixed(Vec::new());
        let download = Self {
            inner: Arc::default(),
            view: view.clone(),
        };
        let mut process = test.beside("download");
        process.instance = DOWNLOAD.into();
        let in_front = from_fn_with_state(download.clone(), spoil);
        let in_front = |routes: Router| routes.layer(in_front);
        let running = slipway_neighbours::download(process, view, in_front).await;
        (download, running)
    }

    /// Follows the catalog's feed from now on; what it is told is noted.
    pub(crate) fn follow(&self, catalog: &Instance) {
        let (download, catalog) = (self.clone(), catalog.clone());
        tokio::spawn(async move {
            let noting = from_fn_with_state(download.clone(), note);
            let routes = slipway_catalog::router(catalog.state.clone()).layer(noting);
            let process = &catalog.process;
            let address = peer::serve("catalog", edge(process, None, routes)).await;
            let record = record("catalog", &process.instance, &address);
            download.view.replace(vec![record]);
        });
    }

    pub(crate) fn has(&self, defect: Option<Defect>) {
        *self
            .inner
            .defect
            .lock()
            .expect("nobody panics with the lock") = defect;
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
            }
            Row::Release(release) => {
                copy.told
                    .push((release.version.to_string(), release.visibility.clone()));
                let place = (release.app.to_string(), release.version.to_string());
                copy.releases.insert(place, release);
            }
            Row::Token(_) | Row::Unknown => {}
            Row::Package(package) => panic!("download was told of {package:?}"),
        }
    }
}

/// Notes what the catalog tells.
async fn note(State(download): State<Download>, request: Request, next: Next) -> Response {
    let is_feed = request.uri().path() == "/internal/changes";
    let answer = next.run(request).await;
    if !is_feed || answer.status() != StatusCode::OK {
        return answer;
    }
    let told = |body: &mut Vec<u8>| {
        let page: Page = serde_json::from_slice(body).expect("a page of the feed");
        for change in page.changes {
            download.apply(change);
        }
    };
    change_body(answer, told).await
}

async fn spoil(State(download): State<Download>, mut request: Request, next: Next) -> Response {
    let defect = *download
        .inner
        .defect
        .lock()
        .expect("nobody panics with the lock");
    let path = request.uri().path().to_owned();
    let Some(defect) = defect else {
        return next.run(request).await;
    };
    if path.starts_with("/internal/blobs/") {
        let answer = next.run(request).await;
        return match defect {
            Defect::WrongByteInStore => change_body(answer, other_digest).await,
            _ => answer,
        };
    }
    if !path.starts_with("/internal/staged/") {
        return next.run(request).await;
    }
    if path.starts_with("/internal/staged/keys/") {
        return match defect {
            Defect::ForeignKey => Key::of("another").public_key().into_response(),
            Defect::NoKey => "no key at all".into_response(),
            _ => next.run(request).await,
        };
    }
    if path.ends_with(".minisig") {
        return match defect {
            Defect::NoSignature => "no signature at all".into_response(),
            _ => next.run(request).await,
        };
    }
    if request.headers().contains_key(RANGE) {
        if defect == Defect::WholeInsteadOfRange {
            request.headers_mut().remove(RANGE);
        }
        let answer = next.run(request).await;
        return match defect {
            Defect::WrongRange => change_body(answer, |body| body.reverse()).await,
            _ => answer,
        };
    }
    whole(defect, next.run(request).await).await
}

/// The answer to who rereads a blob, as if other bytes lay in the store.
fn other_digest(body: &mut Vec<u8>) {
    let mut answer: Value = serde_json::from_slice(body).expect("an answer");
    answer["sha256"] = json!(Digest::from_bytes([7; 32]).as_hex());
    *body = answer.to_string().into_bytes();
}

async fn whole(defect: Defect, mut answer: Response) -> Response {
    match defect {
        Defect::NoReprDigest => {
            answer.headers_mut().remove("repr-digest");
            answer
        }
        Defect::WrongReprDigest => {
            let wrong = Digest::from_bytes([7; 32]).repr_digest();
            let wrong = wrong.parse().expect("a header's value");
            answer.headers_mut().insert("repr-digest", wrong);
            answer
        }
        Defect::CutOff => cut_off(answer).await,
        Defect::WrongByte | Defect::WrongByteInStore => {
            change_body(answer, |body| body[0] ^= 1).await
        }
        Defect::OneByteShort => change_body(answer, |body| body.truncate(body.len() - 1)).await,
        Defect::OneByteMore => change_body(answer, |body| body.push(0)).await,
        _ => answer,
    }
}
