//! How downloads are counted.

use http::header::{IF_NONE_MATCH, RANGE};
use serde_json::json;
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, app, published};

#[tokio::test]
async fn whole_downloads_are_counted_and_kept() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = fixture.store("notes.apk", b"package", "apk", "android", "universal");
        let other = fixture.store("notes.deb", b"other", "deb", "linux", "x86_64");
        let etag = format!("\"{}\"", package.file.sha256);
        fixture
            .apply(
                "e",
                1,
                vec![app("notes"), published("1.0+7", vec![package, other])],
            )
            .await;
        let path = "/d/notes/1.0%2B7/notes.apk";
        fixture.get(path).await;
        fixture.send("GET", path, &[(RANGE, "bytes=0-")]).await;
        // None of these is a download.
        fixture.send("HEAD", path, &[]).await;
        fixture.send("GET", path, &[(RANGE, "bytes=3-")]).await;
        fixture.send("GET", path, &[(IF_NONE_MATCH, &etag)]).await;
        fixture.get(&format!("{path}.minisig")).await;
        fixture
            .get_as_catalog(&format!("/internal/staged{path}"))
            .await;

        let expected = json!({"items": [
            {"filename": "notes.apk", "downloads": 2},
            {"filename": "notes.deb", "downloads": 0},
        ], "damaged": []});
        let counts = fixture
            .get_as_catalog("/internal/downloads/notes/1.0%2B7")
            .await;
        assert_eq!(counts.json(), expected);

        // The end of the process writes what is left; a copy made anew keeps the counts.
        fixture.process.process.shutdown.cancel();
        fixture.process.process.tasks.close();
        fixture.process.process.tasks.wait().await;
        assert_eq!(
            fixture
                .get_as_catalog("/internal/downloads/notes/1.0%2B7")
                .await
                .json(),
            expected
        );
        let scrape = fixture.get_as_operator("/metrics").await;
        assert!(
            scrape.text().contains("slipway_downloads_total 2\n"),
            "{}",
            scrape.text()
        );
    }
}
