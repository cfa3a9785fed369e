//! Packages of a version that made no lists of blocks.

use std::path::PathBuf;

use slipway_contract::{Digest, FileHash};
use slipway_testkit::database::{Engine, engines};
use sqlx::query;

use crate::fixture::{Fixture, until};

/// An instance that has stored `bytes` as a version without lists did, and its blob.
async fn old(engine: Engine, bytes: &'static str) -> (Fixture, PathBuf, FileHash) {
    let fixture = Fixture::new(engine).await;
    let answer = fixture.put("notes.bin?version=1.0", bytes).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    fixture.instance.stop().await;
    let mut hash = FileHash::default();
    hash.update(bytes.as_bytes());
    let blobs = fixture.test.process.data.blobs();
    std::fs::remove_file(blobs.join(hash.digest().blocks_path())).expect("a list");
    forget(&fixture).await;
    let path = blobs.join(hash.digest().blob_path());
    (fixture, path, hash)
}

async fn forget(fixture: &Fixture) {
    query("UPDATE packages SET blocks = NULL, blocks_after = 0")
        .execute(&mut fixture.database().await)
        .await
        .expect("rows");
}

#[tokio::test]
async fn a_lease_of_a_clock_that_was_a_day_ahead_is_none() {
    for engine in engines() {
        let (fixture, _, _) = old(engine, "bytes").await;
        query("UPDATE packages SET blocks_after = $1")
            .bind(slipway_runtime::clock::unix_millis() + 24 * 3600 * 1000)
            .execute(&mut fixture.database().await)
            .await
            .expect("rows");
        let instance = fixture.another(|_| {}).await;
        until("the catalog is told", async || {
            instance.reading("packages_without_blocks").await == 0
        })
        .await;
        instance.stop().await;
    }
}

#[tokio::test]
async fn a_package_without_a_list_is_given_one_and_the_catalog_is_told() {
    for engine in engines() {
        let (fixture, _, hash) = old(engine, "bytes").await;
        fixture.catalog.set_away(true);
        let instance = fixture.alone().await;
        assert_eq!(instance.reading("packages_without_blocks").await, 1);
        let list = fixture
            .test
            .process
            .data
            .blobs()
            .join(hash.digest().blocks_path());
        until("the list is there", async || list.exists()).await;
        instance.stop().await;
        assert!(fixture.catalog.lists().is_empty());
        // It ended before it could tell the catalog: the next one does.
        forget(&fixture).await;
        fixture.catalog.set_away(false);
        let instance = fixture.another(|_| {}).await;
        until("the catalog is told", async || {
            instance.reading("packages_without_blocks").await == 0
        })
        .await;
        let [told] = &fixture.catalog.lists()[..] else {
            panic!("not told once: {:?}", fixture.catalog.lists());
        };
        assert_eq!(told.sha256, hash.digest().as_hex());
        assert_eq!(told.blocks, hash.blocks().digest().as_hex());
        assert_eq!(fixture.blobs(), [hash.digest().as_hex()]);
        assert!(fixture.staged().is_empty());
        instance.stop().await;
    }
}

#[tokio::test]
async fn a_package_with_other_bytes_never_gets_a_list() {
    for engine in engines() {
        let (fixture, path, right) = old(engine, "wrong").await;
        std::fs::remove_file(&path).expect("a blob");
        std::fs::write(&path, "bytes").expect("other bytes");
        // One that is right comes after it in the queue, so that its list says when the first was read.
        let instance = fixture.another(|_| {}).await;
        let request = fixture
            .request("PUT", "/api/v1/apps/notes/packages/other.bin?version=1.0")
            .body("other".into());
        let answer = instance.send(request.expect("a request")).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        instance.stop().await;
        forget(&fixture).await;
        let instance = fixture.another(|_| {}).await;
        until("the other one is told", async || {
            instance.reading("packages_without_blocks").await == 1
        })
        .await;
        let lists = fixture.catalog.lists();
        let told = lists.iter().map(|list| list.sha256.parse::<Digest>());
        assert!(told.flatten().all(|digest| digest != right.digest()));
        let list = fixture
            .test
            .process
            .data
            .blobs()
            .join(right.digest().blocks_path());
        assert!(!list.exists());
        instance.stop().await;
    }
}
