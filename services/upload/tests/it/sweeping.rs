//! What nobody refers to goes, by way of the trash; what somebody refers to stays, and comes back.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use axum::body::Body;
use http::StatusCode;
use sha2::Digest as _;
use slipway_testkit::database::{Engine, engines};
use slipway_upload::Settings;
use sqlx::{AnyConnection, Connection as _, query, query_scalar};

use crate::fixture::{Fixture, until};
use crate::restoring::report;

/// The sweep at its most eager; what it puts into the trash stays there.
fn eager(settings: &mut Settings) {
    settings.store.sweep_seconds = 1;
    settings.sweep.young_seconds = 0;
    settings.sweep.row_seconds = 0;
    settings.sweep.folders = 256;
}

pub(crate) async fn eager_fixture(engine: Engine) -> Fixture {
    Fixture::with(engine, eager).await
}

pub(crate) fn digest(content: &str) -> String {
    hex::encode(sha2::Sha256::digest(content))
}

fn blobs(fixture: &Fixture) -> PathBuf {
    fixture.test.process.data.blobs()
}

pub(crate) fn place(fixture: &Fixture, content: &str) -> PathBuf {
    let digest = digest(content);
    blobs(fixture)
        .join("sha256")
        .join(&digest[..2])
        .join(digest)
}

fn trash(fixture: &Fixture, content: &str) -> PathBuf {
    let digest = digest(content);
    blobs(fixture).join("trash").join(&digest[..2]).join(digest)
}

/// Bytes that an upload left in the store when it was killed before its row.
fn orphan(fixture: &Fixture, content: &str) -> PathBuf {
    let place = place(fixture, content);
    fs::write(&place, content).expect("a file");
    fs::write(place.with_extension("blocks"), "list").expect("a file");
    place
}

pub(crate) async fn gone(what: &str, path: &Path) {
    until(what, async || !path.exists()).await;
}

/// Two files in staging that the sweep takes one after the other: what the first sweep did besides is over then.
pub(crate) async fn whole_sweep(fixture: &Fixture) {
    for name in ["first", "second"] {
        let left = blobs(fixture).join("staging").join(name);
        fs::write(&left, "left by a killed process").expect("a file");
        gone("staging is swept", &left).await;
    }
}

pub(crate) async fn database(fixture: &Fixture) -> AnyConnection {
    let process = &fixture.test.process;
    let file = process.data.service("upload").join("upload.db");
    let url = process.settings.database.url.clone();
    let url = url.unwrap_or_else(|| format!("sqlite://{}", file.display()));
    AnyConnection::connect(&url).await.expect("the database")
}

async fn put_refused(fixture: &Fixture, content: &'static str) {
    let refusal = (
        StatusCode::CONFLICT,
        "version_exists",
        "1.0 has other bytes",
    );
    fixture.catalog.refuse(Some(refusal));
    let answer = fixture
        .put("notes.bin?version=1.0&channel=stable", content)
        .await;
    assert_eq!(answer.verdict(), (409, "version_exists"));
    fixture.catalog.refuse(None);
}

#[tokio::test]
async fn refused_bytes_go_and_come_again() {
    for engine in engines() {
        let fixture = eager_fixture(engine).await;
        put_refused(&fixture, "bytes").await;
        gone("refused bytes are in the trash", &place(&fixture, "bytes")).await;
        assert_eq!(fs::read(trash(&fixture, "bytes")).unwrap(), b"bytes");
        until("the list is there too", async || {
            fixture.instance.reading("trash_files").await == 2
        })
        .await;
        assert_eq!(fixture.instance.reading("trash_bytes").await, 5 + 32);

        let again = fixture
            .put("notes.bin?version=1.0&channel=stable", "bytes")
            .await;
        assert_eq!(again.status, StatusCode::CREATED, "{again:?}");
        assert_eq!(fixture.blobs(), [digest("bytes")]);
        gone(
            "what came again is not kept twice",
            &trash(&fixture, "bytes"),
        )
        .await;
        whole_sweep(&fixture).await;
        assert_eq!(fixture.blobs(), [digest("bytes")]);
    }
}

#[tokio::test]
async fn the_reason_of_a_refusal_is_told_for_its_time_and_the_row_goes_then() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| {
            eager(settings);
            settings.sweep.row_seconds = 3;
        })
        .await;
        let refusal = (StatusCode::CONFLICT, "release_published", "1.0 is released");
        fixture.catalog.refuse(Some(refusal));
        let path = "/api/v1/apps/notes/packages/notes.bin?version=1.0&channel=stable";
        let request = fixture.request("PUT", path).header("prefer", "wait=0");
        let answer = fixture
            .instance
            .send(request.body(Body::from("bytes")).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        let location = answer.header("location").to_owned();
        gone("refused bytes go", &place(&fixture, "bytes")).await;
        let shown = fixture.get(&location).await;
        assert_eq!(shown.body["reason"], "1.0 is released", "{shown:?}");
        until("the row goes too", async || {
            fixture.get(&location).await.status == StatusCode::NOT_FOUND
        })
        .await;
        assert_eq!(fixture.instance.reading("packages_refused").await, 0);
    }
}

#[tokio::test]
async fn what_lies_in_the_trash_goes_after_its_time() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| {
            eager(settings);
            settings.sweep.trash_seconds = 0;
        })
        .await;
        let left = orphan(&fixture, "orphan");
        let alone = place(&fixture, "alone").with_extension("blocks");
        fs::write(&alone, "a list without bytes").expect("a file");
        let others = place(&fixture, "x").with_file_name("README");
        fs::write(&others, "not of the store").expect("a file");
        gone("bytes without a row go", &left).await;
        gone("a list without bytes goes", &alone).await;
        until("the trash is empty", async || {
            fixture.instance.reading("trash_files").await == 0
        })
        .await;
        assert!(others.exists(), "only what is named as a blob is swept");
    }
}

#[tokio::test]
async fn a_folder_of_blobs_that_is_missing_is_made_again() {
    for engine in engines() {
        let fixture = eager_fixture(engine).await;
        let place = place(&fixture, "bytes");
        fs::remove_dir(place.parent().unwrap()).expect("an empty folder");
        whole_sweep(&fixture).await;
        let answer = fixture.put("notes.bin", "bytes").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(fixture.blobs(), [digest("bytes")]);
    }
}

#[tokio::test]
async fn what_the_catalog_has_stays_when_our_database_does_not_know_it() {
    for engine in engines() {
        let fixture = eager_fixture(engine).await;
        let released = orphan(&fixture, "released");
        let draft = orphan(&fixture, "draft");
        let removed = orphan(&fixture, "removed");
        let unknown = orphan(&fixture, "unknown");
        let mut database = database(&fixture).await;
        for (content, gone) in [("draft", 0), ("removed", 1)] {
            let insert = "INSERT INTO copy_packages (id, app, sha256, gone, seq) VALUES ($1, 'notes', $2, $3, 0)";
            let insert = query(insert).bind(content).bind(digest(content)).bind(gone);
            insert.execute(&mut database).await.expect("a row");
        }
        let digest = digest("released");
        fixture
            .catalog
            .add_release("notes", "1.0", &[("notes.bin", &digest)]);
        gone("what nobody has goes", &unknown).await;
        gone("what the catalog has no more goes", &removed).await;
        whole_sweep(&fixture).await;
        assert!(draft.exists());
        // It may have gone before the release was known, and is back then.
        until("the release's bytes are in their place", async || {
            released.exists() && released.with_extension("blocks").exists()
        })
        .await;
        assert!(!trash(&fixture, "released").exists());
    }
}

#[tokio::test]
async fn what_is_referred_to_comes_back_from_the_trash() {
    for engine in engines() {
        let fixture = eager_fixture(engine).await;
        let left = orphan(&fixture, "bytes");
        gone("an orphan goes", &left).await;
        fixture
            .catalog
            .add_release("notes", "1.0", &[("notes.bin", &digest("bytes"))]);
        until("it is back", async || left.exists()).await;
        assert_eq!(fs::read(&left).unwrap(), b"bytes");
        assert_eq!(fs::read(left.with_extension("blocks")).unwrap(), b"list");
        assert!(!trash(&fixture, "bytes").exists());
    }
}

#[tokio::test]
async fn nothing_goes_while_the_catalog_is_away_or_held() {
    for engine in engines() {
        let fixture = eager_fixture(engine).await;
        fixture
            .catalog
            .add_release("notes", "1.0", &[("notes.bin", &digest("other"))]);
        put_refused(&fixture, "bytes").await;
        fixture.catalog.set_away(true);
        let left = orphan(&fixture, "orphan");
        whole_sweep(&fixture).await;
        assert!(left.exists(), "the catalog is away");

        fixture.catalog.restore();
        fixture.catalog.set_away(false);
        until("the other database is held", async || {
            report(&fixture).await.epoch.is_some()
        })
        .await;
        whole_sweep(&fixture).await;
        assert!(left.exists(), "an epoch is held");
    }
}

#[tokio::test]
async fn nothing_goes_while_a_later_catalog_says_more_than_is_understood() {
    for engine in engines() {
        let fixture = eager_fixture(engine).await;
        let seq = fixture
            .catalog
            .add_later(serde_json::json!({"type": "mirror", "sha256": digest("orphan")}));
        let mut database = database(&fixture).await;
        until("it was heard", async || {
            let applied = query_scalar::<_, i64>("SELECT applied FROM copy_position");
            applied.fetch_one(&mut database).await.expect("a row") >= seq
        })
        .await;
        let left = orphan(&fixture, "orphan");
        whole_sweep(&fixture).await;
        assert!(left.exists());
    }
}

#[tokio::test]
async fn what_is_young_stays() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| {
            eager(settings);
            settings.sweep.young_seconds = 3600;
        })
        .await;
        let left = orphan(&fixture, "orphan");
        whole_sweep(&fixture).await;
        assert!(left.exists());
    }
}

#[tokio::test]
async fn nothing_goes_between_the_store_and_the_row() {
    for engine in engines() {
        let fixture = eager_fixture(engine).await;
        let (left, other) = (orphan(&fixture, "orphan"), orphan(&fixture, "other"));
        // As another instance does that stores bytes of this folder.
        let folder = File::open(left.parent().unwrap()).expect("a folder");
        folder.lock_shared().expect("a lock");
        gone("what nobody stores goes", &other).await;
        whole_sweep(&fixture).await;
        assert!(left.exists());
        drop(folder);
        gone("it goes when the folder is free", &left).await;
    }
}

#[tokio::test]
async fn bytes_are_not_stored_while_their_folder_is_swept() {
    for engine in engines() {
        let fixture = eager_fixture(engine).await;
        let place = place(&fixture, "bytes");
        let folder = File::open(place.parent().unwrap()).expect("a folder");
        folder.lock().expect("a lock");
        let putting = fixture.put("notes.bin?version=1.0&channel=stable", "bytes");
        let freeing = async {
            until("the bytes have come", async || fixture.staged().len() == 1).await;
            until("they are whole", async || {
                fixture
                    .staged()
                    .first()
                    .is_some_and(|file| fs::metadata(file).is_ok_and(|file| file.len() == 5))
            })
            .await;
            assert!(!place.exists());
            drop(folder);
        };
        let (answer, ()) = tokio::join!(putting, freeing);
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        whole_sweep(&fixture).await;
        assert_eq!(fixture.blobs(), [digest("bytes")]);
    }
}

#[tokio::test]
async fn one_of_two_instances_sweeps_and_the_other_when_it_has_gone() {
    for engine in engines() {
        let fixture = eager_fixture(engine).await;
        let other = fixture.another(eager).await;
        let left = orphan(&fixture, "first");
        gone("an orphan goes", &left).await;
        fixture.instance.stop().await;
        let left = orphan(&fixture, "second");
        gone("an orphan goes beside a stopped instance", &left).await;
        other.stop().await;
    }
}
