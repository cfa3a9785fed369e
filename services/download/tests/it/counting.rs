//! How downloads are counted.

use http::header::{IF_NONE_MATCH, RANGE};
use serde_json::json;
use slipway_testkit::database::engines;

use crate::world::{World, app, published};

#[tokio::test]
async fn whole_downloads_are_counted_and_kept() {
    for engine in engines() {
        let world = World::open(engine).await;
        let package = world.store("notes.apk", b"package", "apk", "android", "universal");
        let other = world.store("notes.deb", b"other", "deb", "linux", "x86_64");
        let etag = format!("\"{}\"", package.sha256);
        world
            .apply(
                "e",
                1,
                vec![app("notes"), published("1.0+7", vec![package, other])],
            )
            .await;
        let path = "/d/notes/1.0%2B7/notes.apk";
        world.get(path).await;
        world.send("GET", path, &[(RANGE, "bytes=0-")]).await;
        // None of these is a download.
        world.send("HEAD", path, &[]).await;
        world.send("GET", path, &[(RANGE, "bytes=3-")]).await;
        world.send("GET", path, &[(IF_NONE_MATCH, &etag)]).await;
        world.get(&format!("{path}.minisig")).await;
        world
            .get_as_catalog(&format!("/internal/staged{path}"))
            .await;

        let expected = json!({"items": [
            {"filename": "notes.apk", "downloads": 2},
            {"filename": "notes.deb", "downloads": 0},
        ], "damaged": []});
        let counts = world
            .get_as_catalog("/internal/downloads/notes/1.0%2B7")
            .await;
        assert_eq!(counts.json(), expected);

        // The end of the process writes what is left; a copy made anew keeps the counts.
        world.process.process.shutdown.cancel();
        world.process.process.tasks.close();
        world.process.process.tasks.wait().await;
        assert_eq!(
            world
                .get_as_catalog("/internal/downloads/notes/1.0%2B7")
                .await
                .json(),
            expected
        );
        let scrape = world.get_as_operator("/metrics").await;
        assert!(
            scrape.text().contains("slipway_downloads_total 2\n"),
            "{}",
            scrape.text()
        );
    }
}
