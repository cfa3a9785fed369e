//! Two tokens, and what becomes of uploads when a token ends on the way.

use axum::body::{Body, Bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use slipway_contract::grant::Scope;
use slipway_contract::internal::Delivery;
use slipway_runtime::clock;
use slipway_testkit::database::engines;
use tokio::sync::oneshot;

use crate::fixture::{Answer, Fixture, request_by, until};

const BOTH: [Scope; 2] = [Scope::Upload, Scope::Release];
const UPLOADS: &str = "/api/v1/apps/notes/uploads";
const PIECES: &str = "application/offset+octet-stream";

async fn send(fixture: &Fixture, request: http::request::Builder, body: impl Into<Body>) -> Answer {
    let request = request.body(body.into()).expect("a request");
    fixture.instance.send(request).await
}

/// Begins an upload in pieces of `filename` and returns its path.
async fn begin(fixture: &Fixture, token: &str, filename: &str, size: u64) -> Answer {
    let metadata = format!("filename {},version MS4w", STANDARD.encode(filename));
    let request = request_by(token, "POST", UPLOADS)
        .header("tus-resumable", "1.0.0")
        .header("upload-length", size)
        .header("upload-metadata", metadata);
    send(fixture, request, Body::empty()).await
}

async fn begun(fixture: &Fixture, token: &str, filename: &str, size: u64) -> String {
    let answer = begin(fixture, token, filename, size).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.header("location").to_owned()
}

fn tus(token: &str, method: &str, path: &str) -> http::request::Builder {
    request_by(token, method, path).header("tus-resumable", "1.0.0")
}

fn piece(token: &str, path: &str, offset: usize) -> http::request::Builder {
    tus(token, "PATCH", path)
        .header("upload-offset", offset)
        .header("content-type", PIECES)
}

/// Sends `first`, then `last` when `between` is over.
async fn send_in_two(
    fixture: &Fixture,
    request: http::request::Builder,
    (first, last): (&'static str, &'static str),
    between: impl Future<Output = ()>,
) -> Answer {
    let (arrived, first_arrived) = oneshot::channel();
    let (go_on, gone_on) = oneshot::channel();
    let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from(first))]);
    let last = stream::once(async move {
        arrived.send(()).expect("a test that waits");
        gone_on.await.expect("the word to go on");
        Ok(Bytes::from(last))
    });
    let sending = send(fixture, request, Body::from_stream(first.chain(last)));
    let waiting = async {
        first_arrived.await.expect("the first half");
        between.await;
        go_on.send(()).expect("a body that waits");
    };
    tokio::join!(sending, waiting).0
}

/// A body that brings some bytes, says so, and then brings neither more nor its end.
fn endless() -> (Body, oneshot::Receiver<()>) {
    let (arrived, first_arrived) = oneshot::channel();
    let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from("hel"))]);
    let nothing = stream::once(async move {
        // Nobody may wait for it.
        let _ = arrived.send(());
        std::future::pending().await
    });
    (Body::from_stream(first.chain(nothing)), first_arrived)
}

/// Nothing is staged or stored, and the catalog was told nothing.
async fn nothing_is_kept(fixture: &Fixture) {
    until("staging is empty", async || fixture.staged().is_empty()).await;
    assert!(fixture.blobs().is_empty());
    assert!(fixture.catalog.deliveries().is_empty());
    assert_eq!(fixture.instance.reading("outbox_rows").await, 0);
}

/// The one package that the catalog was told of.
async fn the_delivery(fixture: &Fixture) -> Delivery {
    until("it is told", async || {
        fixture.instance.reading("outbox_rows").await == 0
    })
    .await;
    let mut delivered = fixture.catalog.deliveries();
    assert_eq!(delivered.len(), 1);
    delivered.remove(0)
}

#[tokio::test]
async fn a_token_that_is_revoked_while_its_body_comes_keeps_nothing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for query in ["", "?version=1.0", "?version=1.0&channel=stable"] {
            let token = fixture.token(&BOTH, None).await;
            let path = format!("/api/v1/apps/notes/packages/notes.bin{query}");
            let request = request_by(&token, "PUT", &path);
            let halves = ("hello", "world");
            let answer = send_in_two(&fixture, request, halves, fixture.revoke(&token)).await;
            assert_eq!(answer.verdict(), (401, "token_invalid"), "{query}");
            nothing_is_kept(&fixture).await;
        }
    }
}

#[tokio::test]
async fn a_token_that_expires_while_its_body_comes_keeps_nothing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let end = clock::unix_millis() + 1500;
        let token = fixture.token(&BOTH, Some(end)).await;
        let request = request_by(&token, "PUT", "/api/v1/apps/notes/packages/notes.bin");
        let expiry = until("the token has expired", async || clock::unix_millis() > end);
        let answer = send_in_two(&fixture, request, ("hello", "world"), expiry).await;
        assert_eq!(answer.verdict(), (401, "token_expired"));
        nothing_is_kept(&fixture).await;
    }
}

#[tokio::test]
async fn an_upload_in_pieces_ends_with_its_token() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| settings.store.sweep_seconds = 1).await;
        // While the last piece comes.
        let token = fixture.token(&BOTH, None).await;
        let path = begun(&fixture, &token, "notes.bin", 10).await;
        let request = piece(&token, &path, 0);
        let halves = ("hello", "world");
        let answer = send_in_two(&fixture, request, halves, fixture.revoke(&token)).await;
        assert_eq!(answer.verdict(), (401, "token_invalid"));
        nothing_is_kept(&fixture).await;
        // While a piece comes, and between pieces: what there is of it goes soon, though it would live for a day.
        for body_is_cut in [true, false] {
            let token = fixture.token(&BOTH, None).await;
            let path = begun(&fixture, &token, "notes.bin", 10).await;
            if body_is_cut {
                let request = piece(&token, &path, 0);
                let halves = ("hel", "lo");
                send_in_two(&fixture, request, halves, fixture.revoke(&token)).await;
            } else {
                send(&fixture, piece(&token, &path, 0), "hello").await;
                fixture.revoke(&token).await;
            }
            for method in ["HEAD", "GET", "PATCH", "DELETE"] {
                let answer = send(&fixture, tus(&token, method, &path), "").await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method}");
            }
            assert_eq!(fixture.instance.reading("sessions_open").await, 0);
            nothing_is_kept(&fixture).await;
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_end_ends_with_its_token() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| settings.store.sweep_seconds = 1).await;
        for in_pieces in [false, true] {
            let token = fixture.token(&BOTH, None).await;
            let request = if in_pieces {
                let path = begun(&fixture, &token, "notes.bin", 10).await;
                piece(&token, &path, 0)
            } else {
                request_by(&token, "PUT", "/api/v1/apps/notes/packages/notes.bin")
            };
            let (body, arrived) = endless();
            let revoking = async {
                arrived.await.expect("the first bytes");
                fixture.revoke(&token).await;
            };
            let (answer, ()) = tokio::join!(send(&fixture, request, body), revoking);
            assert_eq!(answer.verdict(), (401, "token_invalid"));
            nothing_is_kept(&fixture).await;
        }
    }
}

#[tokio::test]
async fn to_every_other_token_there_is_no_such_upload() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let owner = fixture.token(&[Scope::Upload], None).await;
        let path = begun(&fixture, &owner, "notes.bin", 10).await;
        send(&fixture, piece(&owner, &path, 0), "hello").await;
        for scopes in [&BOTH[..], &[Scope::Upload], &[Scope::Admin]] {
            let other = fixture.token(scopes, None).await;
            for method in ["GET", "HEAD", "DELETE"] {
                let answer = send(&fixture, tus(&other, method, &path), "").await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method}");
            }
            for request in [
                piece(&other, &path, 5),
                piece(&other, &path, 5)
                    .method("POST")
                    .header("x-http-method-override", "PATCH"),
                piece(&other, &path, 5)
                    .method("POST")
                    .header("x-http-method-override", "DELETE"),
            ] {
                let answer = send(&fixture, request, "world").await;
                assert_eq!(answer.verdict(), (404, "upload_unknown"));
            }
            let listed = send(&fixture, request_by(&other, "GET", UPLOADS), "").await;
            assert_eq!(listed.body["items"], serde_json::json!([]));
        }
        let answer = send(&fixture, piece(&owner, &path, 5), "world").await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        let delivery = the_delivery(&fixture).await;
        assert_eq!(delivery.token_id, fixture.catalog.token_id(&owner));
    }
}

#[tokio::test]
async fn ones_own_uploads_are_listed_and_ended() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let owner = fixture.token(&BOTH, None).await;
        let mut paths = Vec::new();
        for name in ["a.bin", "b.bin", "c.bin"] {
            paths.push(begun(&fixture, &owner, name, 5).await);
        }
        send(&fixture, piece(&owner, &paths[0], 0), "hel").await;
        send(&fixture, piece(&owner, &paths[1], 0), "hello").await;
        let list = async |query: &str| {
            let path = format!("{UPLOADS}{query}");
            let answer = send(&fixture, request_by(&owner, "GET", &path), "").await;
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            answer.body
        };
        let first = list("?limit=2").await;
        let second = list(&format!(
            "?limit=2&cursor={}",
            first["next"].as_str().unwrap()
        ))
        .await;
        assert_eq!(second["next"], serde_json::Value::Null);
        let items: Vec<_> = [&first, &second]
            .into_iter()
            .flat_map(|page| page["items"].as_array().expect("items"))
            .collect();
        let told = |name: &str| {
            items
                .iter()
                .map(|item| item[name].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(told("url"), paths);
        assert_eq!(told("filename"), ["a.bin", "b.bin", "c.bin"]);
        assert_eq!(told("offset"), [3, 5, 0]);
        assert_eq!(told("size"), [5, 5, 5]);
        assert_eq!(told("state"), ["uploading", "complete", "uploading"]);
        assert_eq!(items[1]["package"], the_delivery(&fixture).await.id);
        assert!(
            items[0]["expires_at"].as_str().unwrap() > items[2]["expires_at"].as_str().unwrap()
        );
        // By hand, without the header of tus.
        for path in &paths {
            let answer = send(&fixture, request_by(&owner, "DELETE", path), "").await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        }
        assert_eq!(list("").await["items"], serde_json::json!([]));
        assert!(fixture.staged().is_empty());
        let unknown = send(
            &fixture,
            request_by(&owner, "GET", &format!("{UPLOADS}?all=1")),
            "",
        );
        assert_eq!(unknown.await.verdict(), (400, "parameter_unknown"));
        let reader = fixture.token(&[Scope::Read], None).await;
        let refused = send(&fixture, request_by(&reader, "GET", UPLOADS), "").await;
        assert_eq!(refused.verdict(), (403, "scope_missing"));
    }
}

#[tokio::test]
async fn an_upload_without_a_byte_does_not_live_long() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| {
            settings.sessions.empty_life_seconds = 1;
            settings.store.sweep_seconds = 1;
        })
        .await;
        let begun_with_a_byte = begun(&fixture, &fixture.token, "a.bin", 5).await;
        send(&fixture, piece(&fixture.token, &begun_with_a_byte, 0), "h").await;
        let empty = begun(&fixture, &fixture.token, "b.bin", 5).await;
        // A piece that brings nothing changes nothing.
        send(&fixture, piece(&fixture.token, &empty, 0), "").await;
        until("the empty one is gone", async || {
            let answer = send(&fixture, tus(&fixture.token, "HEAD", &empty), "").await;
            answer.status == StatusCode::NOT_FOUND
        })
        .await;
        let other = send(
            &fixture,
            tus(&fixture.token, "HEAD", &begun_with_a_byte),
            "",
        )
        .await;
        assert_eq!(other.header("upload-offset"), "1");
    }
}

#[tokio::test]
async fn the_number_of_open_uploads_is_a_tokens_own() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| settings.sessions.open_per_token = 1).await;
        let (one, other) = (
            fixture.token(&BOTH, None).await,
            fixture.token(&BOTH, None).await,
        );
        begun(&fixture, &one, "a.bin", 5).await;
        let second = begin(&fixture, &one, "b.bin", 5).await;
        assert_eq!(second.verdict(), (429, "too_many_uploads"));
        begun(&fixture, &other, "b.bin", 5).await;
    }
}

#[tokio::test]
async fn what_open_uploads_have_announced_is_no_room_for_others() {
    for engine in engines() {
        let fixture =
            Fixture::with(engine, |settings| settings.limits.package_bytes = 1 << 50).await;
        let blobs = fixture.test.process.data.blobs();
        let disk = rustix::fs::statvfs(&blobs).expect("the disk");
        let most = disk.f_bavail * disk.f_frsize / 5 * 3;
        let first = begun(&fixture, &fixture.token, "a.bin", most).await;
        let second = begin(&fixture, &fixture.token, "b.bin", most).await;
        assert_eq!(second.verdict(), (507, "disk_full"));
        let put = request_by(&fixture.token, "PUT", "/api/v1/apps/notes/packages/c.bin")
            .header("content-length", most);
        assert_eq!(
            send(&fixture, put, Body::new(Announced(most)))
                .await
                .verdict(),
            (507, "disk_full")
        );
        assert_eq!(fixture.staged().len(), 1, "nothing of what was refused");
        begun(&fixture, &fixture.token, "small.bin", 5).await;
        send(&fixture, tus(&fixture.token, "DELETE", &first), "").await;
        begun(&fixture, &fixture.token, "b.bin", most).await;
    }
}

/// A body that says how long it is and never comes.
struct Announced(u64);

impl http_body::Body for Announced {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn a_body_has_a_longest_time() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| settings.limits.body_seconds = 1).await;
        let put = fixture.put("notes.bin?version=1.0", endless().0).await;
        assert_eq!(put.verdict(), (408, "body_too_slow"));
        nothing_is_kept(&fixture).await;
        let path = begun(&fixture, &fixture.token, "notes.bin", 5).await;
        let answer = send(&fixture, piece(&fixture.token, &path, 0), endless().0).await;
        assert_eq!(answer.verdict(), (408, "body_too_slow"));
        let rest = send(&fixture, piece(&fixture.token, &path, 3), "lo").await;
        assert_eq!(rest.status, StatusCode::NO_CONTENT, "{rest:?}");
    }
}

#[tokio::test]
async fn an_intent_that_the_catalog_refuses_leaves_the_package_with_the_reason() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture
            .catalog
            .refuse_intents_of(&fixture.token, "the token was revoked");
        fixture.catalog.publish_state("draft", None);
        let path = "notes.bin?version=1.0&channel=stable";
        let answer = fixture.put(path, "bytes").await;
        assert_eq!(answer.verdict(), (403, "token_refused"));
        assert_eq!(answer.body["detail"], "the token was revoked");
        assert_eq!(fixture.instance.reading("outbox_rows").await, 0);
        assert_eq!(fixture.instance.reading("packages_refused").await, 0);
        let id = fixture.catalog.deliveries()[0].id.clone();
        let shown = fixture
            .get(&format!("/api/v1/apps/notes/packages/{id}"))
            .await;
        assert_eq!(shown.body["state"], "draft");
        assert_eq!(shown.body["reason"], "the token was revoked");
        assert_eq!(fixture.blobs().len(), 1, "it was acknowledged");

        fixture.catalog.refuse_no_intents();
        fixture.catalog.publish_state("published", None);
        let again = fixture.put(path, "bytes").await;
        assert_eq!(again.status, StatusCode::OK, "{again:?}");
        assert_eq!(again.body["package"]["id"], id);
    }
}

#[tokio::test]
async fn each_intent_names_its_own_token_and_when_it_was_acknowledged() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let (uploader, releaser) = (
            fixture.token(&[Scope::Upload], None).await,
            fixture.token(&BOTH, None).await,
        );
        fixture.catalog.set_away(true);
        let began = clock::unix_millis();
        let path = "/api/v1/apps/notes/packages/notes.bin?version=1.0";
        for (token, path) in [
            (&uploader, path.to_owned()),
            (&releaser, format!("{path}&channel=stable")),
            (&fixture.token, format!("{path}&channel=stable")),
        ] {
            let request = request_by(token, "PUT", &path).header("prefer", "wait=0");
            let answer = send(&fixture, request, "bytes").await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        }
        let ended = clock::unix_millis();
        assert_eq!(fixture.instance.reading("outbox_rows").await, 3);
        fixture.catalog.set_away(false);
        until("all is told", async || {
            fixture.instance.reading("outbox_rows").await == 0
        })
        .await;
        let owner = fixture.catalog.token_id(&uploader);
        let mut requesters = Vec::new();
        for delivery in fixture.catalog.deliveries() {
            assert_eq!(delivery.token_id, owner, "who uploaded stays");
            let at = delivery.acknowledged_at.expect("a time");
            assert!((began..=ended).contains(&at), "{at}");
            let requester = delivery.requested_by.expect("a requester").token_id;
            requesters.push((requester, delivery.channel.is_some()));
        }
        requesters.sort();
        let id = |token: &str| fixture.catalog.token_id(token);
        let mut expected = vec![
            (owner.clone(), false),
            (id(&releaser), true),
            (id(&fixture.token), true),
        ];
        expected.sort();
        assert_eq!(requesters, expected);
    }
}

#[tokio::test]
async fn the_refusal_of_an_intent_is_no_answer_to_another_tokens() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| {
            settings.outbox.grace_millis = 60_000;
            settings.outbox.at_once = 1;
        })
        .await;
        let revoked = fixture.token(&BOTH, None).await;
        fixture
            .catalog
            .refuse_intents_of(&revoked, "it was revoked");
        fixture.catalog.set_away(true);
        let path = "/api/v1/apps/notes/packages/notes.bin?version=1.0&channel=stable";
        let first = request_by(&revoked, "PUT", path).header("prefer", "wait=0");
        let first = send(&fixture, first, "bytes").await;
        assert_eq!(first.status, StatusCode::ACCEPTED, "{first:?}");
        let second = send(&fixture, fixture.request("PUT", path), "bytes");
        let coming_back = async {
            until("both wait", async || {
                fixture.instance.reading("outbox_rows").await == 2
            })
            .await;
            fixture.catalog.set_away(false);
        };
        let (second, ()) = tokio::join!(second, coming_back);
        assert_eq!(second.status, StatusCode::OK, "{second:?}");
    }
}
