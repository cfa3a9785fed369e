//! What is refused, with its status, code and words.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;
use slipway_testkit::database::engines;

use crate::client::Answer;
use crate::fixture::Fixture;

#[tokio::test]
async fn what_is_not_there_is_named() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let admin = fixture.admin();
        for path in [
            "/api/v1/apps/none",
            "/api/v1/apps/none/releases",
            "/api/v1/apps/none/releases/1.0",
            "/api/v1/apps/none/releases/1.0/downloads",
            "/api/v1/apps/none/channels",
        ] {
            let words = admin.get(path).await.refused(404, "app_unknown");
            assert!(words.contains("none"), "{words}");
        }
        for path in ["1.0", "1.0/downloads", "not-a-version"] {
            let path = format!("/api/v1/apps/notes/releases/{path}");
            admin.get(&path).await.refused(404, "release_unknown");
        }
        let publish = json!({"version": "1.0", "channel": "stable"});
        let answer = admin
            .post("/api/v1/apps/notes/releases", publish.clone())
            .await;
        answer.refused(404, "release_unknown");
        let answer = admin.post("/api/v1/apps/none/releases", publish).await;
        answer.refused(404, "app_unknown");
        let promote = json!({"version": "1.0"});
        let answer = admin.put("/api/v1/apps/notes/channels/beta", promote).await;
        answer.refused(404, "release_unknown");
        let yank = "/api/v1/apps/notes/releases/1.0/yank";
        let answer = admin.post(yank, json!({"reason": "broken"})).await;
        answer.refused(404, "release_unknown");
        let answer = admin
            .post("/api/v1/apps/notes/releases/1.0/retry", json!({}))
            .await;
        answer.refused(404, "release_unknown");
        for path in ["/", "/api/v1/none", "/api/v2/apps"] {
            admin.get(path).await.refused(404, "not_found");
        }
    }
}

#[tokio::test]
async fn a_method_that_an_address_does_not_know_is_answered_with_those_it_knows() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let answer = fixture.admin().delete("/api/v1/apps").await;
        assert_eq!(answer.header("allow"), Some("GET,HEAD,POST"));
        answer.refused(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn an_unknown_query_parameter_is_named() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        let (get, put, post, delete) = (Method::GET, Method::PUT, Method::POST, Method::DELETE);
        let app = json!({"slug": "paint", "name": "Paint"});
        let token = json!({"name": "ci", "scopes": ["read"]});
        for (method, path, body) in [
            (&get, "/api/v1/apps", None),
            (&post, "/api/v1/apps", Some(app)),
            (&get, "/api/v1/apps/notes", None),
            (&get, "/api/v1/apps/notes/releases", None),
            (
                &post,
                "/api/v1/apps/notes/releases",
                Some(json!({"version": "1.0", "channel": "beta"})),
            ),
            (&get, "/api/v1/apps/notes/releases/1.0", None),
            (
                &post,
                "/api/v1/apps/notes/releases/1.0/yank",
                Some(json!({"reason": "broken"})),
            ),
            (&post, "/api/v1/apps/notes/releases/1.0/retry", None),
            (&get, "/api/v1/apps/notes/releases/1.0/downloads", None),
            (&get, "/api/v1/apps/notes/channels", None),
            (
                &put,
                "/api/v1/apps/notes/channels/beta",
                Some(json!({"version": "1.0"})),
            ),
            (&get, "/api/v1/tokens", None),
            (&post, "/api/v1/tokens", Some(token)),
            (&delete, "/api/v1/tokens/none", None),
            (&get, "/api/v1/whoami", None),
            (&get, "/api/v1/audit", None),
        ] {
            let path = format!("{path}?dry-run=1");
            let answer = fixture.admin().send(method.clone(), &path, body).await;
            let words = answer.refused(400, "parameter_unknown");
            assert!(words.contains("dry-run"), "{path}: {words}");
        }
        assert_eq!(fixture.release("notes", "1.0").await["state"], "published");
    }
}

#[tokio::test]
async fn an_unknown_field_is_named() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let (put, post) = (Method::PUT, Method::POST);
        for (method, path, body) in [
            (
                &post,
                "/api/v1/apps",
                json!({"slug": "paint", "name": "Paint", "chanel": "x"}),
            ),
            (
                &post,
                "/api/v1/tokens",
                json!({"name": "ci", "scopes": ["read"], "chanel": "x"}),
            ),
            (
                &post,
                "/api/v1/apps/notes/releases",
                json!({"version": "1.0", "channel": "beta", "chanel": "x"}),
            ),
            (
                &post,
                "/api/v1/apps/notes/releases/1.0/yank",
                json!({"reason": "broken", "chanel": "x"}),
            ),
            (
                &put,
                "/api/v1/apps/notes/channels/beta",
                json!({"version": "1.0", "chanel": "x"}),
            ),
        ] {
            let answer = fixture.admin().send(method.clone(), path, Some(body)).await;
            let words = answer.refused(400, "parameter_unknown");
            assert!(words.contains("chanel"), "{path}: {words}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_or_too_large_is_refused() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let admin = fixture.admin();
        let send = async |content_type: &str, body: String| {
            let path = fixture.catalog.process.data.admin_token();
            let token = std::fs::read_to_string(path).expect("the administrator's token");
            let request = Request::post("/api/v1/apps")
                .header("authorization", format!("Bearer {}", token.trim()))
                .header("content-type", content_type)
                .body(Body::from(body))
                .expect("a request");
            Answer::to(&fixture.catalog.router, request).await
        };
        let json = "application/json";
        send(json, "{".to_owned())
            .await
            .refused(400, "json_invalid");
        send("text/plain", "{}".to_owned())
            .await
            .refused(415, "json_expected");
        let large = json!({"slug": "notes", "name": "n".repeat(2 << 20)});
        send(json, large.to_string())
            .await
            .refused(413, "body_too_large");
        admin
            .get("/api/v1/apps?limit=all")
            .await
            .refused(400, "query_invalid");
    }
}

#[tokio::test]
async fn a_channel_is_a_slug_and_notes_have_an_end() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.draft("notes", "1.0", b"one").await;
        let releases = "/api/v1/apps/notes/releases";
        let body = json!({"version": "1.0", "channel": "Stable!"});
        fixture
            .admin()
            .post(releases, body)
            .await
            .refused(422, "channel_invalid");
        let promote = "/api/v1/apps/notes/channels/Beta";
        let answer = fixture
            .admin()
            .put(promote, json!({"version": "1.0"}))
            .await;
        answer.refused(422, "channel_invalid");
        let body = json!({"version": "1.0", "channel": "stable", "notes": "n".repeat(65_537)});
        fixture
            .uploader()
            .await
            .post(releases, body)
            .await
            .refused(422, "notes_too_long");
        let body = json!({"version": "one", "channel": "stable", "packages": []});
        fixture
            .admin()
            .post(releases, body)
            .await
            .refused(422, "version_invalid");
        assert_eq!(fixture.release("notes", "1.0").await["state"], "draft");
    }
}
