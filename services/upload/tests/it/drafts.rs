//! Packages in drafts: replaced, deleted, refused to be released.

use http::StatusCode;
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, until};

#[tokio::test]
async fn what_is_gone_at_the_catalog_leaves_its_place() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let put = async |body: &'static str| fixture.put("notes.bin?version=1.0", body).await;
        let first = put("bytes").await;
        assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
        let id = first.body["package"]["id"].as_str().expect("an id");
        let sha256 = first.body["package"]["sha256"].as_str().expect("a digest");
        fixture.catalog.tell_package(id, sha256, false);
        fixture.catalog.tell_package(id, sha256, true);
        until("its place is free", async || {
            put("bytes").await.status == StatusCode::CREATED
        })
        .await;
        let again = put("bytes").await;
        assert_eq!(again.status, StatusCode::OK);
        assert_ne!(again.body["package"]["id"], *id);
    }
}
