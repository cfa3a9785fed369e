//! A stand-in for the signing service: real keys and signatures, and the faults that the catalog must live with.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::minisign::Key;
use crate::store::Store;

/// What it does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    Works,
    /// 503, as with its database away.
    Fails,
    /// 503: its database is an older copy without the key.
    LacksTheKey,
    /// 422, for good: whenever it reads the bytes, they are wrong.
    Refuses,
    /// 422 once: it has read them wrong.
    ReadsWrongOnce,
    /// 400: it is of a version that takes other requests.
    DoesNotUnderstand,
    /// Never answers for a file of this name.
    HangsAt(&'static str),
    /// Signs with a key that is not the app's.
    SignsWithAnotherKey,
    /// Names another version in the trusted comment.
    NamesAnotherVersion,
    /// Names another size in the trusted comment.
    NamesAnotherSize,
    /// Names none, as before 0.5.0.
    NamesNoSize,
    /// Signs with another key under the id of the app's.
    ForgesTheKey,
    /// Names this version in a trusted comment that was signed for another.
    AltersTheComment,
    /// Never answers.
    Hangs,
}

#[derive(Clone)]
pub(crate) struct Signing {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    conduct: Mutex<Conduct>,
    /// Calls for signatures, in the order of their beginning.
    calls: watch::Sender<Vec<String>>,
    running: Mutex<HashSet<String>>,
    /// Calls for one statement while another call for it ran.
    overlaps: Mutex<Vec<String>>,
}

impl Signing {
    /// Starts it on a free port and returns it with its address.
    pub(crate) async fn start(store: Store) -> (Self, String) {
        let signing = Self {
            inner: Arc::new(Inner {
                store,
                conduct: Mutex::new(Conduct::Works),
                calls: watch::Sender::new(Vec::new()),
                running: Mutex::default(),
                overlaps: Mutex::default(),
            }),
        };
        let router = Router::new()
            .route("/internal/keys", post(key))
            .route("/internal/signatures", post(signature))
            .with_state(signing.clone());
        let address = slipway_testkit::peer::serve("signing", router).await;
        (signing, address)
    }

    pub(crate) fn conducts(&self, conduct: Conduct) {
        *self
            .inner
            .conduct
            .lock()
            .expect("nobody panics with the lock") = conduct;
    }

    fn conduct(&self) -> Conduct {
        *self
            .inner
            .conduct
            .lock()
            .expect("nobody panics with the lock")
    }

    /// What it was asked to sign, as `app version filename`.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.inner.calls.borrow().clone()
    }

    /// Waits for the `number`th call for a signature.
    pub(crate) async fn called(&self, number: usize) {
        let mut calls = self.inner.calls.subscribe();
        let called = calls.wait_for(|calls| calls.len() >= number).await;
        called.expect("the sender lives as long as this");
    }

    /// Waits for a call for this statement.
    pub(crate) async fn called_for(&self, statement: &str) {
        let mut calls = self.inner.calls.subscribe();
        let asked = |calls: &Vec<String>| calls.iter().any(|call| call == statement);
        let called = calls.wait_for(asked).await;
        called.expect("the sender lives as long as this");
    }

    pub(crate) fn overlaps(&self) -> Vec<String> {
        let overlaps = self.inner.overlaps.lock();
        overlaps.expect("nobody panics with the lock").clone()
    }

    fn begin(&self, statement: &str) {
        let mut running = self
            .inner
            .running
            .lock()
            .expect("nobody panics with the lock");
        if !running.insert(statement.to_owned()) {
            let mut overlaps = self
                .inner
                .overlaps
                .lock()
                .expect("nobody panics with the lock");
            overlaps.push(statement.to_owned());
        }
        drop(running);
        let add = |calls: &mut Vec<String>| calls.push(statement.to_owned());
        self.inner.calls.send_modify(add);
    }

    fn end(&self, statement: &str) {
        let mut running = self
            .inner
            .running
            .lock()
            .expect("nobody panics with the lock");
        running.remove(statement);
    }
}

async fn key(State(signing): State<Signing>, Json(wanted): Json<Value>) -> Response {
    if signing.conduct() == Conduct::Fails {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if signing.conduct() == Conduct::LacksTheKey {
        return key_missing();
    }
    let key = Key::of(wanted["app"].as_str().unwrap_or_default());
    Json(json!({"key_id": key.id(), "public_key": key.public_key()})).into_response()
}

/// What it says of a key that its database lacks.
pub(crate) const KEY_MISSING: &str =
    "the key 6ED0000000000001 is not in signing's database: put it back";

fn key_missing() -> Response {
    let problem = json!({"code": "key_missing", "detail": KEY_MISSING});
    (StatusCode::SERVICE_UNAVAILABLE, Json(problem)).into_response()
}

async fn signature(State(signing): State<Signing>, Json(wanted): Json<Value>) -> Response {
    let text = |name: &str| wanted[name].as_str().unwrap_or_default().to_owned();
    let (app, version, filename) = (text("app"), text("version"), text("filename"));
    let statement = format!("{app} {version} {filename}");
    signing.begin(&statement);
    // Others get their turn, so that a second call for this statement would be seen.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    let (signer, named) = match signing.conduct() {
        Conduct::Hangs => std::future::pending().await,
        Conduct::HangsAt(name) if name == filename => std::future::pending().await,
        Conduct::DoesNotUnderstand => {
            signing.end(&statement);
            let problem = json!({"code": "body_invalid", "detail": "the field `seal` is missing"});
            return (StatusCode::BAD_REQUEST, Json(problem)).into_response();
        }
        Conduct::Fails => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Conduct::LacksTheKey => {
            signing.end(&statement);
            return key_missing();
        }
        Conduct::Refuses | Conduct::ReadsWrongOnce => {
            if signing.conduct() == Conduct::ReadsWrongOnce {
                signing.conducts(Conduct::Works);
            }
            signing.end(&statement);
            let detail = "the blob differs from its digest";
            let problem = json!({"code": "digest_mismatch", "detail": detail});
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(problem)).into_response();
        }
        Conduct::SignsWithAnotherKey => ("another".to_owned(), version.clone()),
        Conduct::NamesAnotherVersion | Conduct::AltersTheComment => {
            (app.clone(), "0.0.1".to_owned())
        }
        Conduct::Works
        | Conduct::NamesAnotherSize
        | Conduct::NamesNoSize
        | Conduct::ForgesTheKey
        | Conduct::HangsAt(_) => (app.clone(), version.clone()),
    };
    let sha256 = text("sha256");
    let bytes = signing.inner.store.get(&sha256).expect("a stored blob");
    assert_eq!(wanted["size"], bytes.len());
    assert_eq!(wanted["key_id"], Key::of(&app).id(), "the key of the app");
    let size = match signing.conduct() {
        Conduct::NamesNoSize => String::new(),
        Conduct::NamesAnotherSize => format!("\tsize:{}", bytes.len() + 1),
        _ => format!("\tsize:{}", bytes.len()),
    };
    let comment = format!(
        "timestamp:1760000000\tfile:{filename}\tversion:{named}\tapp:{app}\tsha256:{sha256}{size}"
    );
    let key = match signing.conduct() {
        Conduct::ForgesTheKey => Key::forged(&signer),
        _ => Key::of(&signer),
    };
    let mut signature = key.sign(&bytes, &comment);
    if signing.conduct() == Conduct::AltersTheComment {
        signature = signature.replace("version:0.0.1", &format!("version:{version}"));
    }
    signing.end(&statement);
    Json(json!({"signature": signature, "key_id": key.id()})).into_response()
}
