//! The real signing service, and in front of it the faults that the catalog must live with.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use serde_json::{Value, json};
use slipway_testkit::TestProcess;
use slipway_testkit::fault::{change_body, refusal};
use slipway_testkit::start::Running;
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
    /// Names another size, with the app's key.
    NamesAnotherSize,
    /// Names no size, with the app's key: it is of before 0.5.0.
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
    /// The test makes the keys of apps, and signs.
    keys_of_the_test: AtomicBool,
    /// Calls for signatures, in the order of their beginning.
    calls: watch::Sender<Vec<String>>,
    running: Mutex<HashSet<String>>,
    /// Calls for one statement while another call for it ran.
    overlaps: Mutex<Vec<String>>,
}

impl Signing {
    /// Starts the real one in the folder of the platform, behind what it does wrong.
    pub(crate) async fn start(test: &TestProcess, store: Store) -> (Self, Running) {
        let signing = Self {
            inner: Arc::new(Inner {
                store,
                conduct: Mutex::new(Conduct::Works),
                keys_of_the_test: AtomicBool::new(false),
                calls: watch::Sender::new(Vec::new()),
                running: Mutex::default(),
                overlaps: Mutex::default(),
            }),
        };
        let in_front = from_fn_with_state(signing.clone(), pass);
        let process = test.beside("signing");
        let running = slipway_neighbours::signing(process, |routes| routes.layer(in_front)).await;
        (signing, running)
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

    /// From now on apps get keys that the test has: for statements that signing does not make and its key proves.
    pub(crate) fn has_keys_of_the_test(&self) {
        self.inner.keys_of_the_test.store(true, Ordering::Relaxed);
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

async fn pass(State(signing): State<Signing>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a whole request");
    let wanted: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let keys_of_the_test = signing.inner.keys_of_the_test.load(Ordering::Relaxed);
    if head.uri.path() != "/internal/signatures" {
        if keys_of_the_test {
            let key = Key::of(wanted["app"].as_str().unwrap_or_default());
            return Json(json!({"key_id": key.id(), "public_key": key.public_key()}))
                .into_response();
        }
        return match signing.conduct() {
            Conduct::Fails => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Conduct::LacksTheKey => key_missing(),
            _ => next.run(Request::from_parts(head, Body::from(body))).await,
        };
    }
    let text = |name: &str| wanted[name].as_str().unwrap_or_default();
    let statement = format!("{} {} {}", text("app"), text("version"), text("filename"));
    signing.begin(&statement);
    // Others get their turn, so that a second call for this statement would be seen.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    let answer = match signing.conduct() {
        Conduct::Hangs => std::future::pending().await,
        Conduct::HangsAt(name) if name == text("filename") => std::future::pending().await,
        conduct @ (Conduct::SignsWithAnotherKey
        | Conduct::ForgesTheKey
        | Conduct::NamesAnotherSize
        | Conduct::NamesNoSize) => signed_by_the_test(&signing, conduct, &wanted),
        conduct if keys_of_the_test => signed_by_the_test(&signing, conduct, &wanted),
        Conduct::Works | Conduct::HangsAt(_) => {
            next.run(Request::from_parts(head, Body::from(body))).await
        }
        Conduct::Fails => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Conduct::LacksTheKey => key_missing(),
        Conduct::DoesNotUnderstand => refusal(
            StatusCode::BAD_REQUEST,
            "body_invalid",
            "the field `seal` is missing",
        ),
        conduct @ (Conduct::Refuses | Conduct::ReadsWrongOnce) => {
            if conduct == Conduct::ReadsWrongOnce {
                signing.conducts(Conduct::Works);
            }
            let words = "the blob differs from its digest";
            refusal(StatusCode::UNPROCESSABLE_ENTITY, "digest_mismatch", words)
        }
        conduct @ (Conduct::NamesAnotherVersion | Conduct::AltersTheComment) => {
            let mut other = wanted.clone();
            other["version"] = json!("0.0.1");
            head.headers.remove(CONTENT_LENGTH);
            let request = Request::from_parts(head, Body::from(other.to_string()));
            let alter = |body: &mut Vec<u8>| {
                let answer = String::from_utf8(std::mem::take(body)).expect("text");
                let named = format!("version:{}", text("version"));
                *body = answer.replace("version:0.0.1", &named).into_bytes();
            };
            let answer = next.run(request).await;
            match conduct {
                Conduct::AltersTheComment => change_body(answer, alter).await,
                _ => answer,
            }
        }
    };
    signing.end(&statement);
    answer
}

/// What it says of a key that its database lacks.
pub(crate) const KEY_MISSING: &str =
    "the key 6ED0000000000001 is not in signing's database: put it back";

fn key_missing() -> Response {
    refusal(StatusCode::SERVICE_UNAVAILABLE, "key_missing", KEY_MISSING)
}

/// Signed by a key that signing never made: another one, under its own id or that of the app's, or one of the test's.
fn signed_by_the_test(signing: &Signing, conduct: Conduct, wanted: &Value) -> Response {
    let text = |name: &str| wanted[name].as_str().unwrap_or_default();
    let (app, version, filename) = (text("app"), text("version"), text("filename"));
    let (sha256, key_id) = (text("sha256"), text("key_id"));
    let bytes = signing.inner.store.get(sha256);
    let size = match conduct {
        Conduct::NamesNoSize => String::new(),
        Conduct::NamesAnotherSize => format!("\tsize:{}", bytes.len() + 1),
        _ => format!("\tsize:{}", bytes.len()),
    };
    let comment = format!(
        "timestamp:1760000000\tfile:{filename}\tversion:{version}\tapp:{app}\tsha256:{sha256}{size}"
    );
    let key = match conduct {
        Conduct::ForgesTheKey => Key::forged(key_id),
        Conduct::SignsWithAnotherKey => Key::of("another"),
        _ => Key::of(app),
    };
    let signature = key.sign(&bytes, &comment);
    let key_id = match conduct {
        Conduct::ForgesTheKey => key_id.to_owned(),
        _ => key.id(),
    };
    Json(json!({"signature": signature, "key_id": key_id})).into_response()
}
