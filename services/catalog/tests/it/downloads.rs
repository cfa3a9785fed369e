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
        let fetched = fixture.fetch("/d/notes/1.0+7/notes.apk").await;
        assert_eq!(fetched, (200, b"1.0+7".to_vec()));
        let path = "/api/v1/apps/notes/releases/1.0+7/downloads";
        let items = json!([{"filename": "notes.apk", "downloads": 1}]);
        let expected = json!({"items": items, "damaged": []});
        // A download is counted when its last byte has left.
        fixture.eventually(path, |counts| *counts == expected).await;

        fixture.download_is_away();
        let answer = fixture.admin().get(path).await;
        assert_eq!(answer.header("retry-after"), Some("1"));
        answer.refused(503, "download_unavailable");
    }
}
