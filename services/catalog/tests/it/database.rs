//! What is told of faults of our own.

use serde_json::json;
use slipway_testkit::database::engines;
use sqlx::query;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_broken_database_is_answered_with_the_request_id_and_nothing_else() {
    for engine in engines() {
        let fixture = Fixture::idle(engine, slipway_catalog::Settings::default()).await;
        let mut database = fixture.database().await;
        query("DROP TABLE audit")
            .execute(&mut database)
            .await
            .expect("a broken database");
        for answer in [
            fixture.admin().get("/api/v1/audit").await,
            fixture
                .admin()
                .post("/api/v1/apps", json!({"slug": "notes", "name": "Notes"}))
                .await,
        ] {
            assert_eq!(answer.status, 500);
            let expected = json!({
                "type": "about:blank",
                "title": "Internal Server Error",
                "status": 500,
                "code": "internal",
                "detail": "something went wrong here, and the log knows what: try again, and if it stays, give the operator the request id",
                "request_id": answer.header("x-request-id"),
            });
            assert_eq!(answer.body, expected);
        }
        fixture
            .admin()
            .get("/api/v1/apps/notes")
            .await
            .refused(404, "app_unknown");
    }
}
