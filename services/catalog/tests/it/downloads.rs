//! Counts that another service has.

use serde_json::json;
use slipway_testkit::database::engines;

use crate::fixture::Fixture;

#[tokio::test]
async fn downloads_are_those_that_the_download_service_has_counted() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0+7").await;
        let path = "/api/v1/apps/notes/releases/1.0+7/downloads";
        let counts = fixture.admin().get(path).await.ok(200);
        let expected = json!({"items": [{"filename": "notes-1.0+7.apk", "downloads": 7}]});
        assert_eq!(counts, expected);

        fixture.download_is_away();
        let answer = fixture.admin().get(path).await;
        assert_eq!(answer.header("retry-after"), Some("1"));
        answer.refused(503, "download_unavailable");
    }
}
