//! What the catalog says is deleted: nothing more is taken for it, and its bytes go unless somebody else refers to them.

use axum::body::Body;
use http::StatusCode;
use slipway_contract::held::Loss;
use slipway_testkit::database::engines;
use sqlx::query_scalar;

use crate::fixture::{Fixture, until};
use crate::restoring::report;
use crate::sweeping::{database, digest, eager_fixture, gone, place, whole_sweep};

#[tokio::test]
async fn a_deleted_version_is_refused_before_its_bytes() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.delete_release("notes", "1.0");
        until("it is known", async || {
            let answer = fixture.put("notes.bin?version=1.0.0", "bytes").await;
            answer.verdict() == (409, "release_deleted")
        })
        .await;
        // The same bytes are no retry: nobody has them any more.
        let answer = fixture
            .put("notes.bin?version=1.0&channel=stable", "bytes")
            .await;
        assert_eq!(answer.verdict(), (409, "release_deleted"));
        let metadata = "filename bm90ZXMuYmlu,version MS4w";
        let request = fixture
            .request("POST", "/api/v1/apps/notes/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-length", "5")
            .header("upload-metadata", metadata);
        let answer = fixture
            .instance
            .send(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.verdict(), (409, "release_deleted"));
        assert!(fixture.staged().is_empty());
        let answer = fixture.put("notes.bin?version=1.1", "bytes").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    }
}

#[tokio::test]
async fn a_deleted_app_takes_nothing_and_keeps_nothing() {
    for engine in engines() {
        let fixture = eager_fixture(engine).await;
        let request = fixture
            .request("POST", "/api/v1/apps/notes/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-length", "5")
            .header("upload-metadata", "filename bm90ZXMuYmlu");
        let begun = fixture
            .instance
            .send(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
        fixture.catalog.delete_app("notes");
        until("it is known", async || {
            fixture.put("notes.bin", "bytes").await.verdict() == (410, "app_deleted")
        })
        .await;
        let shown = fixture.get("/api/v1/apps/notes/uploads").await;
        assert_eq!(shown.verdict(), (410, "app_deleted"));
        until("the session is swept", async || fixture.staged().is_empty()).await;
    }
}

#[tokio::test]
async fn bytes_of_what_is_deleted_go_unless_somebody_else_has_them() {
    for engine in engines() {
        let fixture = eager_fixture(engine).await;
        let mut ids = Vec::new();
        for (name, bytes) in [("alone.bin", "alone"), ("shared.bin", "shared")] {
            let path = format!("{name}?version=1.0&channel=stable");
            let stored = fixture.put(&path, bytes).await;
            assert_eq!(stored.status, StatusCode::CREATED, "{stored:?}");
            let id = stored.body["package"]["id"]
                .as_str()
                .expect("an id")
                .to_owned();
            fixture.catalog.tell_package(&id, &digest(bytes), false);
            ids.push((id, bytes));
        }
        let (alone, shared) = (digest("alone"), digest("shared"));
        let files = [("alone.bin", &*alone), ("shared.bin", &*shared)];
        fixture.catalog.add_release("notes", "1.0", &files);
        fixture.catalog.add_app("other");
        fixture
            .catalog
            .add_release("other", "7.0", &[("same.bin", &shared)]);
        whole_sweep(&fixture).await;
        assert!(place(&fixture, "alone").exists() && place(&fixture, "shared").exists());

        fixture.catalog.delete_release("notes", "1.0");
        for (id, bytes) in &ids {
            fixture.catalog.tell_package(id, &digest(bytes), true);
        }
        gone("what nobody has goes", &place(&fixture, "alone")).await;
        whole_sweep(&fixture).await;
        assert!(place(&fixture, "shared").exists(), "another release has it");

        // Long after, when our row of it is gone too.
        let path = format!("/api/v1/apps/notes/packages/{}", ids[0].0);
        let mut database = database(&fixture).await;
        until("the row is swept", async || {
            let rows = query_scalar::<_, i64>("SELECT count(*) FROM packages WHERE id = $1");
            let rows = rows.bind(&ids[0].0).fetch_one(&mut database).await;
            rows.expect("a number") == 0
        })
        .await;
        assert_eq!(fixture.get(&path).await.verdict(), (410, "package_gone"));
        for _ in 0..2 {
            let request = fixture.request("DELETE", &path).body(Body::empty());
            let answer = fixture.instance.send(request.unwrap()).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        }
        fixture.catalog.delete_release("other", "7.0");
        gone("now nobody has it", &place(&fixture, "shared")).await;
    }
}

#[tokio::test]
async fn another_database_does_not_lift_a_deletion() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.delete_release("notes", "1.0");
        let refused = async || {
            let answer = fixture.put("notes.bin?version=1.0", "bytes").await;
            answer.verdict() == (409, "release_deleted")
        };
        until("it is known", refused).await;
        fixture.catalog.restore();
        until("it was compared", async || {
            report(&fixture).await.epoch.is_some()
        })
        .await;
        let loss = Loss {
            app: Some("notes".to_owned()),
            subject: "1.0".to_owned(),
            what: "deletion_lifted".to_owned(),
        };
        assert_eq!(report(&fixture).await.losses, [loss]);
        assert!(refused().await);
    }
}
