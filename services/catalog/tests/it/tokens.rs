//! Tokens: what they open, and how they end.

use axum::body::Body;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slipway_testkit::database::engines;
use sqlx::query_as;

use crate::client::{Answer, Client};
use crate::fixture::{DOWNLOAD, Fixture, UPLOAD};

#[tokio::test]
async fn a_token_is_shown_once_and_only_its_hash_is_stored() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let body = json!({"name": "ci", "scopes": ["upload", "release"], "expires_in": 3600});
        let made = fixture.admin().post("/api/v1/tokens", body).await.ok(201);
        let token = made["token"].as_str().expect("a token").to_owned();
        assert!(token.starts_with("slw_"));
        assert_eq!(made["scopes"], json!(["upload", "release"]));
        assert!(made["expires_at"].as_str().expect("a time").ends_with('Z'));

        let tokens = fixture.admin().get("/api/v1/tokens").await.ok(200);
        assert!(!tokens.to_string().contains(&token));
        let mine = |shown: &&Value| shown["id"] == made["id"];
        let listed = tokens["items"]
            .as_array()
            .expect("a list")
            .iter()
            .find(mine);
        assert_eq!(listed.expect("the token")["token"], Value::Null);

        let id = made["id"].as_str().expect("an id");
        let mut database = fixture.database().await;
        let (hash, rest): (String, String) = query_as(
            "SELECT hash, id || hash || name || scopes || coalesce(app, '') FROM tokens WHERE id = $1",
        )
        .bind(id)
        .fetch_one(&mut database)
        .await
        .expect("the token's row");
        assert_eq!(hash, hex::encode(Sha256::digest(&token)));
        assert!(!rest.contains(&token["slw_".len()..]));
    }
}

#[tokio::test]
async fn a_scope_that_is_named_twice_is_granted_once() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let body = json!({"name": "ci", "scopes": ["release", "read", "release"]});
        let made = fixture.admin().post("/api/v1/tokens", body).await.ok(201);
        assert_eq!(made["scopes"], json!(["read", "release"]));
    }
}

#[tokio::test]
async fn whoami_tells_what_the_token_is() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let client = fixture.client(&["read", "upload"], Some("notes")).await;
        let me = client.get("/api/v1/whoami").await.ok(200);
        assert_eq!(me["name"], "ci");
        assert_eq!(me["scopes"], json!(["read", "upload"]));
        assert_eq!(me["app"], "notes");
        assert_eq!(me["revoked_at"], Value::Null);
        assert_eq!(me.get("token"), None);
        let administrator = fixture.admin().get("/api/v1/whoami").await.ok(200);
        assert_eq!(administrator["name"], "administrator");
        assert_eq!(administrator["scopes"], json!(["admin"]));
    }
}

#[tokio::test]
async fn no_damaged_unknown_revoked_or_expired_token_opens_anything() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let whoami = "/api/v1/whoami";
        let missing = fixture.nobody().get(whoami).await;
        assert_eq!(missing.header("www-authenticate"), Some("Bearer"));
        missing.refused(401, "token_missing");
        for credentials in ["Bearer slw_1234", "Basic YTpi", "Bearer", "slw_1234"] {
            let client = fixture.nobody().with("authorization", credentials);
            client.get(whoami).await.refused(401, "token_invalid");
        }
        let never_made = slipway_runtime::token::Token::random().expect("a token");
        let stranger = fixture.nobody().with_token(never_made.reveal());
        stranger.get(whoami).await.refused(401, "token_invalid");

        let body = json!({"name": "ci", "scopes": ["admin"]});
        let made = fixture.admin().post("/api/v1/tokens", body).await.ok(201);
        let client = fixture
            .nobody()
            .with_token(made["token"].as_str().expect("a token"));
        client.get(whoami).await.ok(200);
        let path = format!("/api/v1/tokens/{}", made["id"].as_str().expect("an id"));
        fixture.admin().delete(&path).await.ok(204);
        client.get(whoami).await.refused(401, "token_invalid");
        fixture.admin().delete(&path).await.ok(204);
        let unknown = fixture.admin().delete("/api/v1/tokens/none").await;
        unknown.refused(404, "token_unknown");

        let body = json!({"name": "old", "scopes": ["admin"], "expires_in": 60});
        let made = fixture.admin().post("/api/v1/tokens", body).await.ok(201);
        let client = fixture
            .nobody()
            .with_token(made["token"].as_str().expect("a token"));
        client.get(whoami).await.ok(200);
        let mut database = fixture.database().await;
        sqlx::query("UPDATE tokens SET expires_at = expires_at - 60000 WHERE name = 'old'")
            .execute(&mut database)
            .await
            .expect("a minute is over");
        client.get(whoami).await.refused(401, "token_expired");
    }
}

#[tokio::test]
async fn a_token_is_refused_before_anything_else_is_looked_at() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let nobody = fixture.nobody();
        let wrong = json!({"no": "field"});
        let publish = "/api/v1/apps/none/releases?no=parameter";
        nobody
            .post(publish, wrong.clone())
            .await
            .refused(401, "token_missing");
        nobody
            .post("/api/v1/apps", wrong.clone())
            .await
            .refused(401, "token_missing");
        let promote = "/api/v1/apps/none/channels/beta";
        nobody
            .put(promote, wrong)
            .await
            .refused(401, "token_missing");
    }
}

#[tokio::test]
async fn each_scope_opens_what_it_names_and_admin_opens_all() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.draft("notes", "1.0", b"one").await;
        let files = fixture.files("notes", "1.0").await;
        let publish = json!({"version": "1.0", "channel": "stable", "files": files});
        let releases = "/api/v1/apps/notes/releases";
        for scopes in [["read"], ["upload"]] {
            let client = fixture.client(&scopes, None).await;
            let answer = client.post(releases, publish.clone()).await;
            let words = answer.refused(403, "scope_missing");
            assert!(words.contains("release"), "{words}");
        }
        let release = fixture.client(&["release"], Some("notes")).await;
        release.get(releases).await.refused(403, "scope_missing");
        release.post(releases, publish).await.ok(201);
        let read = fixture.client(&["read"], None).await;
        read.get(releases).await.ok(200);
        for path in ["/api/v1/tokens", "/api/v1/audit"] {
            read.get(path).await.refused(403, "scope_missing");
        }
        let app = json!({"slug": "paint", "name": "Paint"});
        let answer = release.post("/api/v1/apps", app.clone()).await;
        answer.refused(403, "scope_missing");

        let admin_of_notes = fixture.client(&["admin"], Some("notes")).await;
        admin_of_notes.get(releases).await.ok(200);
        let answer = admin_of_notes.post("/api/v1/apps", app).await;
        answer.refused(403, "token_of_another_app");
        let body = json!({"name": "more", "scopes": ["admin"]});
        let answer = admin_of_notes.post("/api/v1/tokens", body).await;
        answer.refused(403, "token_of_another_app");
    }
}

#[tokio::test]
async fn a_token_that_makes_no_sense_is_not_made() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let refused = [
            (json!({"name": "", "scopes": ["read"]}), 422, "name_refused"),
            (
                json!({"name": "n".repeat(101), "scopes": ["read"]}),
                422,
                "name_refused",
            ),
            (json!({"name": "ci", "scopes": []}), 422, "scopes_empty"),
            (
                json!({"name": "ci", "scopes": ["read"], "expires_in": 0}),
                422,
                "expires_in_refused",
            ),
            (
                json!({"name": "ci", "scopes": ["read"], "expires_in": i64::MAX}),
                422,
                "expires_in_refused",
            ),
            (
                json!({"name": "ci", "scopes": ["read"], "app": "none"}),
                404,
                "app_unknown",
            ),
            (
                json!({"name": "ci", "scopes": ["write"]}),
                400,
                "json_invalid",
            ),
            (json!({"name": "ci"}), 400, "json_invalid"),
        ];
        for (body, status, code) in refused {
            let answer = fixture.admin().post("/api/v1/tokens", body).await;
            answer.refused(status, code);
        }
        let tokens = fixture.admin().get("/api/v1/tokens").await.ok(200);
        let names = tokens["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|token| &token["name"]);
        assert_eq!(names.collect::<Vec<_>>(), ["administrator"]);
    }
}

#[tokio::test]
async fn a_revocation_names_the_instances_that_have_not_heard_of_it() {
    for engine in engines() {
        let mut settings = slipway_catalog::Settings::default();
        settings.publishing.follower_wait_millis = 50;
        let fixture = Fixture::idle(engine, settings).await;
        fixture.and_a_follower();
        let body = json!({"name": "ci", "scopes": ["read"]});
        let made = fixture.admin().post("/api/v1/tokens", body).await.ok(201);
        let path = format!("/api/v1/tokens/{}", made["id"].as_str().expect("an id"));
        let answer = fixture.admin().delete(&path).await.ok(200);
        let pending = answer["pending"].as_array().expect("instances");
        assert!(
            pending.contains(&json!(format!("upload/{UPLOAD}"))),
            "{answer}"
        );
        assert!(
            pending.contains(&json!(format!("download/{DOWNLOAD}"))),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn another_token_in_the_data_folder_takes_the_place_of_the_administrators() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let before = fixture.admin();
        let token = slipway_runtime::token::Token::random().expect("a token");
        let path = fixture.catalog.process.data.admin_token();
        std::fs::write(path, token.reveal()).expect("another token");
        fixture
            .another_instance(slipway_catalog::Settings::default())
            .await;
        before
            .get("/api/v1/whoami")
            .await
            .refused(401, "token_invalid");
        fixture.admin().get("/api/v1/whoami").await.ok(200);
    }
}

/// A request whose body comes after `before` is done, which is after its head was looked at.
async fn send_late(
    fixture: &Fixture,
    token: &str,
    (method, path, body): (&str, &str, Value),
    before: impl Future<Output = ()> + Send + 'static,
) -> Answer {
    let body = futures_util::stream::once(async move {
        before.await;
        Ok::<_, std::io::Error>(body.to_string())
    });
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from_stream(body))
        .expect("a request");
    Answer::to(&fixture.catalog.router, request).await
}

#[tokio::test]
async fn a_token_that_is_revoked_while_its_request_comes_changes_nothing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.draft("notes", "1.0", b"one").await;
        fixture.published("notes", "2.0").await;
        let releases = "/api/v1/apps/notes/releases";
        for (method, path, body) in [
            ("POST", "/api/v1/apps", json!({"slug": "x", "name": "X"})),
            (
                "POST",
                "/api/v1/tokens",
                json!({"name": "more", "scopes": ["admin"]}),
            ),
            (
                "POST",
                releases,
                json!({"version": "1.0", "channel": "stable"}),
            ),
            (
                "POST",
                "/api/v1/apps/notes/releases/2.0/yank",
                json!({"reason": "why"}),
            ),
            (
                "PUT",
                "/api/v1/apps/notes/channels/beta",
                json!({"version": "2.0"}),
            ),
        ] {
            let short = json!({"name": "short", "scopes": ["admin"]});
            let made = fixture.admin().post("/api/v1/tokens", short).await.ok(201);
            let revoke = format!("/api/v1/tokens/{}", made["id"].as_str().expect("an id"));
            let admin = fixture.admin();
            let token = made["token"].as_str().expect("a token");
            let answer = send_late(&fixture, token, (method, path, body), async move {
                admin.delete(&revoke).await.ok(204);
            });
            answer.await.refused(401, "token_invalid");
        }
        assert_eq!(fixture.release("notes", "1.0").await["state"], "draft");
        let published = fixture.release("notes", "2.0").await;
        assert_eq!(published["state"], "published");
        assert_eq!(published["channels"], json!(["stable"]));
        let apps = fixture.admin().get("/api/v1/apps").await.ok(200);
        assert_eq!(apps["items"].as_array().map(Vec::len), Some(1));
    }
}

/// A token's address, and a client that has it.
async fn make(fixture: &Fixture, client: &Client, body: Value) -> (String, Client) {
    let made = client.post("/api/v1/tokens", body).await.ok(201);
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().expect("an id"));
    let token = made["token"].as_str().expect("a token");
    (path, fixture.nobody().with_token(token))
}

async fn path_of(client: &Client) -> String {
    let me = client.get("/api/v1/whoami").await.ok(200);
    format!("/api/v1/tokens/{}", me["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn the_last_admin_token_cannot_be_revoked() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let administrator = fixture.admin();
        let own = path_of(&administrator).await;
        // None of these can make another token for all apps.
        let revoked = json!({"name": "revoked", "scopes": ["admin"]});
        let (revoked, _) = make(&fixture, &administrator, revoked).await;
        administrator.delete(&revoked).await.ok(204);
        for body in [
            json!({"name": "ci", "scopes": ["upload", "release"]}),
            json!({"name": "notes", "scopes": ["admin"], "app": "notes"}),
            json!({"name": "expired", "scopes": ["admin"], "expires_in": 60}),
        ] {
            make(&fixture, &administrator, body).await;
        }
        let mut database = fixture.database().await;
        sqlx::query("UPDATE tokens SET expires_at = expires_at - 60000 WHERE name = 'expired'")
            .execute(&mut database)
            .await
            .expect("a minute is over");

        let words = administrator.delete(&own).await;
        let words = words.refused(409, "last_admin");
        assert!(words.contains("make another one first"), "{words}");
        administrator.get("/api/v1/tokens").await.ok(200);
        administrator.delete(&revoked).await.ok(204);

        // One that ends before the other is none to stay behind.
        let short = json!({"name": "short", "scopes": ["admin"], "expires_in": 600});
        let (short, brief) = make(&fixture, &administrator, short).await;
        brief.delete(&own).await.refused(409, "last_admin");
        brief.delete(&short).await.ok(204);

        let another = json!({"name": "another", "scopes": ["admin", "read"]});
        let (path, another) = make(&fixture, &administrator, another).await;
        another.delete(&own).await.ok(204);
        let refused = administrator.get("/api/v1/whoami").await;
        refused.refused(401, "token_invalid");
        another.delete(&path).await.refused(409, "last_admin");
    }
}

#[tokio::test]
async fn of_two_admin_tokens_that_revoke_each_other_at_once_one_stays() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let mut first = fixture.admin();
        for _ in 0..10 {
            let body = json!({"name": "second", "scopes": ["admin"]});
            let (path, second) = make(&fixture, &first, body).await;
            let own = path_of(&first).await;
            let (one, other) = tokio::join!(first.delete(&path), second.delete(&own));
            let statuses = (one.status, other.status);
            assert_ne!(one.status == 204, other.status == 204, "{statuses:?}");
            if other.status == 204 {
                first = second;
            }
        }
    }
}
