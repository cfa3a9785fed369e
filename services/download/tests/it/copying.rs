//! The copy: what changes do to it, in which order ever they come.

use slipway_contract::feed::{App, Change, Release, Row, Visibility};
use slipway_database::replica::copy::{Position, Replica as _};
use slipway_download::Copy;
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, app, published, release};

fn position(epoch: &str, applied: i64) -> Position {
    Position {
        epoch: epoch.to_owned(),
        applied,
        ..Position::default()
    }
}

#[tokio::test]
async fn a_first_copy_is_whole_when_it_has_once_reached_the_head() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let copy = fixture.state.copy();
        let at = |applied, whole_at| Position {
            whole_at,
            ..position("e", applied)
        };
        let page = |seq| {
            [Change {
                seq,
                row: app("notes"),
            }]
        };
        assert!(!copy.position().await.unwrap().is_whole(), "there is none");
        copy.apply(&page(2), &at(2, 3), "").await.unwrap();
        assert!(!copy.position().await.unwrap().is_whole());
        // A row moved from 3 to 4 meanwhile: what was the head at the beginning is reached without it.
        copy.apply(&page(3), &at(3, 4), "e").await.unwrap();
        assert!(!copy.position().await.unwrap().is_whole(), "4 is missing");
        copy.apply(&page(4), &at(4, 4), "e").await.unwrap();
        assert!(copy.position().await.unwrap().is_whole());
        copy.apply(&page(5), &at(5, 9), "e").await.unwrap();
        assert!(
            copy.position().await.unwrap().is_whole(),
            "once whole, always"
        );
    }
}

#[tokio::test]
async fn an_older_change_never_undoes_a_newer_one() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = fixture.store("notes.apk", b"package", "apk", "android", "universal");
        let yanked = Row::Release(release("1.0", Visibility::Yanked, vec![package.clone()]));
        fixture.apply("e", 5, vec![app("notes"), yanked]).await;
        // Another instance that shares the database is late with its page.
        let late = Change {
            seq: 2,
            row: published("1.0", vec![package]),
        };
        fixture
            .state
            .copy()
            .apply(&[late], &position("e", 2), "e")
            .await
            .unwrap();
        assert_eq!(fixture.get("/d/notes/1.0/notes.apk").await.status, 410);
        assert_eq!(
            fixture.state.copy().position().await.unwrap(),
            position("e", 6)
        );
    }
}

#[tokio::test]
async fn a_new_epoch_takes_the_place_of_the_old_copy_at_once() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let old = fixture.store("old.apk", b"old", "apk", "android", "universal");
        let new = fixture.store("new.apk", b"new", "apk", "android", "universal");
        fixture
            .apply(
                "before",
                900,
                vec![
                    app("gone"),
                    app("notes"),
                    published("1.0", vec![old.clone()]),
                ],
            )
            .await;
        fixture
            .apply("after", 1, vec![app("notes"), published("2.0", vec![new])])
            .await;
        assert_eq!(fixture.get("/keys/gone/minisign.pub").await.status, 404);
        assert_eq!(fixture.get("/d/notes/1.0/old.apk").await.status, 404);
        assert_eq!(fixture.get("/d/notes/2.0/new.apk").await.status, 200);

        // A page of the old epoch that was on its way changes nothing, nor does the same epoch begun by another.
        let copy: Copy = fixture.state.copy();
        let late = Change {
            seq: 999,
            row: published("1.0", vec![old]),
        };
        copy.apply(
            std::slice::from_ref(&late),
            &position("before", 999),
            "before",
        )
        .await
        .unwrap();
        assert_eq!(fixture.get("/d/notes/1.0/old.apk").await.status, 404);
        copy.apply(
            &[Change {
                seq: 1,
                row: app("notes"),
            }],
            &position("after", 1),
            "before",
        )
        .await
        .unwrap();
        let begun_late = position("between", 1);
        copy.apply(std::slice::from_ref(&late), &begun_late, "before")
            .await
            .unwrap();
        assert_eq!(fixture.get("/d/notes/2.0/new.apk").await.status, 200);
        assert_eq!(copy.position().await.unwrap(), position("after", 2));
    }
}

#[tokio::test]
async fn two_instances_may_apply_the_same_pages_at_once() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let mut pages = Vec::new();
        for number in 0..20 {
            let package = fixture.store(
                &format!("{number}.apk"),
                &[number; 9],
                "apk",
                "android",
                "universal",
            );
            let seq = i64::from(number) + 2;
            pages.push((
                Change {
                    seq,
                    row: published(&format!("1.{number}"), vec![package]),
                },
                position("e", seq),
            ));
        }
        fixture.apply("e", 1, vec![app("notes")]).await;
        let instance = || async {
            let copy = fixture.state.copy();
            for (change, position) in &pages {
                copy.apply(std::slice::from_ref(change), position, "e")
                    .await
                    .expect("a page that applies");
            }
        };
        tokio::join!(instance(), instance());
        assert_eq!(
            fixture.state.copy().position().await.unwrap(),
            position("e", 21)
        );
        assert_eq!(
            fixture
                .get("/d/notes/latest/android")
                .await
                .header("location"),
            "/d/notes/1.19/19.apk"
        );
    }
}

#[tokio::test]
async fn what_is_deleted_says_so_for_ever() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = || fixture.store("notes.apk", b"package", "apk", "android", "universal");
        let rows = vec![
            app("notes"),
            published("1.0", vec![package()]),
            published("2.0", vec![package()]),
        ];
        fixture.apply("e", 1, rows).await;
        assert_eq!(fixture.get("/d/notes/2.0/notes.apk").await.status, 200);
        let tombstone = || {
            Row::Release(Release {
                channels: Vec::new(),
                notes: None,
                ..release("2.0", Visibility::Deleted, Vec::new())
            })
        };
        fixture.apply("e", 4, vec![tombstone()]).await;
        for path in [
            "/d/notes/2.0/notes.apk",
            "/d/notes/2.0/notes.apk.minisig",
            "/d/notes/2.0/another.apk",
        ] {
            let gone = fixture.get(path).await;
            assert_eq!(gone.problem(), (410, "deleted".to_owned()), "{path}");
            // Not even the catalog is served it.
            let staged = fixture
                .get_as_catalog(&format!("/internal/staged{path}"))
                .await;
            assert_eq!(staged.status, 410, "{path}");
        }
        let latest = fixture.get("/d/notes/latest/android").await;
        assert_eq!(latest.header("location"), "/d/notes/1.0/notes.apk");
        let page = fixture.get("/a/notes").await;
        assert!(!page.text().contains("2.0"), "{}", page.text());
        // A late page of before, and a new epoch that has the tombstone too, bring nothing back.
        let late = Change {
            seq: 3,
            row: published("2.0", vec![package()]),
        };
        let copy = fixture.state.copy();
        copy.apply(&[late], &position("e", 3), "e").await.unwrap();
        assert_eq!(fixture.get("/d/notes/2.0/notes.apk").await.status, 410);
        let rows = vec![app("notes"), published("1.0", vec![package()]), tombstone()];
        fixture.apply("f", 1, rows).await;
        assert_eq!(fixture.get("/d/notes/2.0/notes.apk").await.status, 410);
        assert_eq!(fixture.get("/d/notes/1.0/notes.apk").await.status, 200);
    }
}

#[tokio::test]
async fn a_version_that_never_was_public_stays_unknown_when_it_is_deleted() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let tombstone = Row::Release(Release {
            published_at: None,
            ..release("2.0", Visibility::Deleted, Vec::new())
        });
        fixture.apply("e", 1, vec![app("notes"), tombstone]).await;
        let unknown = fixture.get("/d/notes/2.0/notes.apk").await;
        assert_eq!(unknown.problem(), (404, "release_unknown".to_owned()));
    }
}

#[tokio::test]
async fn of_a_deleted_app_nothing_is_served() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = fixture.store("notes.apk", b"package", "apk", "android", "universal");
        let rows = vec![app("notes"), published("1.0", vec![package])];
        fixture.apply("e", 1, rows).await;
        let Row::App(deleted) = app("notes") else {
            panic!("an app")
        };
        let deleted = Row::App(App {
            deleted: true,
            ..deleted
        });
        // Its row alone is enough: the tombstones of its releases may be on the next page.
        fixture.apply("e", 3, vec![deleted]).await;
        for path in [
            "/a/notes",
            "/a/notes/icon",
            "/d/notes/latest/android",
            "/d/notes/1.0/notes.apk",
            "/d/notes/1.0/notes.apk.minisig",
            "/d/notes/3.0/notes.apk",
            "/keys/notes/minisign.pub",
        ] {
            let gone = fixture.get(path).await;
            assert_eq!(gone.problem(), (410, "deleted".to_owned()), "{path}");
        }
    }
}
