//! What earlier versions left goes on: packages that wait, open uploads, and who may do what.

use axum::body::Body;
use http::{Request, StatusCode};
use slipway_runtime::token::Token;
use slipway_testkit::database::{Engine, engines};
use slipway_testkit::earlier::leave;
use sqlx::query;

use crate::catalog::Catalog;
use crate::fixture::{Answer, Fixture, request_by, until};

/// Tables and rows, the size of the open upload, and the apps whose packages wait.
const LEFT: [(&str, usize, &[&str]); 2] = [
    (include_str!("../earlier/0.1.0.sql"), 8206, &["tools"]),
    (
        include_str!("../earlier/0.2.0.sql"),
        880,
        &["tools", "notes"],
    ),
];

/// Over what was left, with its catalog away.
async fn started_on(engine: Engine, sql: &str) -> Fixture {
    let test = slipway_testkit::process("upload", engine).await;
    leave(&test.process, sql).await;
    let catalog = Catalog::new();
    catalog.set_away(true);
    catalog.add_app("notes");
    catalog.add_app("tools");
    Fixture::over(test, catalog, |_| {}).await
}

/// A token of before by its name, with a text that is known here.
async fn token(fixture: &Fixture, name: &str) -> String {
    let token = Token::random().expect("random bytes");
    let known = query("UPDATE copy_tokens SET hash = $1 WHERE permits LIKE $2")
        .bind(token.hash())
        .bind(format!("%\"{name}\"%"))
        .execute(&mut fixture.database().await)
        .await;
    assert_eq!(known.expect("an edit").rows_affected(), 1);
    token.reveal().to_owned()
}

async fn text(fixture: &Fixture, sql: &'static str) -> String {
    let found = sqlx::query_scalar(sql)
        .fetch_one(&mut fixture.database().await)
        .await;
    found.expect("a row")
}

async fn send(fixture: &Fixture, request: http::request::Builder, body: Vec<u8>) -> Answer {
    let request: Request<Body> = request.body(Body::from(body)).expect("a request");
    fixture.instance.send(request).await
}

#[tokio::test]
async fn what_was_stored_is_shown_and_the_copy_decides() {
    for engine in engines() {
        for (sql, _, _) in LEFT {
            let fixture = started_on(engine, sql).await;
            let admin = token(&fixture, "administrator").await;
            let waiting = text(
                &fixture,
                "SELECT package_id FROM outbox WHERE channel = 'next'",
            )
            .await;
            let path = format!("/api/v1/apps/tools/packages/{waiting}");
            let shown = send(&fixture, request_by(&admin, "GET", &path), Vec::new()).await;
            assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
            assert_eq!(shown.body["state"], "stored", "{shown:?}");

            let path = "/api/v1/apps/notes/packages/notes.bin?version=9.0";
            let publisher = token(&fixture, "publisher").await;
            let put = send(
                &fixture,
                request_by(&publisher, "PUT", path),
                b"of today".to_vec(),
            )
            .await;
            assert_eq!(put.status, StatusCode::ACCEPTED, "{put:?}");
            let revoked = token(&fixture, "revoked").await;
            let put = send(
                &fixture,
                request_by(&revoked, "PUT", path),
                b"of today".to_vec(),
            )
            .await;
            assert_eq!(put.status, StatusCode::UNAUTHORIZED, "{put:?}");
            let closed = path.replace("9.0", "1.0.0");
            let put = send(
                &fixture,
                request_by(&publisher, "PUT", &closed),
                b"of today".to_vec(),
            )
            .await;
            assert_eq!(put.verdict(), (409, "release_published"), "{put:?}");
        }
    }
}

#[tokio::test]
async fn an_open_upload_is_ended() {
    for engine in engines() {
        for (sql, size, _) in LEFT {
            let fixture = started_on(engine, sql).await;
            let publisher = token(&fixture, "publisher").await;
            let id = text(&fixture, "SELECT id FROM sessions").await;
            let half = size / 2;
            let staging = fixture.test.process.data.blobs().join("staging");
            std::fs::write(staging.join(&id), vec![1; half]).expect("the half that was there");

            let path = format!("/api/v1/apps/notes/uploads/{id}");
            let tus =
                |method| request_by(&publisher, method, &path).header("tus-resumable", "1.0.0");
            let there = send(&fixture, tus("HEAD"), Vec::new()).await;
            assert_eq!(there.header("upload-offset"), half.to_string(), "{there:?}");
            let piece = tus("PATCH")
                .header("upload-offset", half)
                .header("content-type", "application/offset+octet-stream");
            let ended = send(&fixture, piece, vec![1; size - half]).await;
            assert_eq!(ended.status, StatusCode::NO_CONTENT, "{ended:?}");
            let shown = send(&fixture, tus("GET"), Vec::new()).await;
            assert_eq!(shown.body["package"]["size"], size, "{shown:?}");
        }
    }
}

#[tokio::test]
async fn what_waited_is_handed_over_as_it_was_wished() {
    for engine in engines() {
        for (sql, _, apps) in LEFT {
            let fixture = started_on(engine, sql).await;
            fixture.catalog.set_away(false);
            until("all is handed over", async || {
                fixture.instance.reading("outbox_rows").await == 0
            })
            .await;
            let mut delivered = fixture.catalog.deliveries();
            delivered.sort_by_key(|delivery| delivery.id.clone());
            let of: Vec<_> = delivered
                .iter()
                .map(|delivery| delivery.app.to_string())
                .collect();
            assert_eq!(of, *apps);
            for delivery in delivered {
                assert!(delivery.channel.is_some(), "{delivery:?}");
                assert_eq!(delivery.token_name, "administrator");
            }
        }
    }
}
