//! Another epoch than that of the copy: what it would undo keeps it away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use slipway_contract::Word;
use slipway_contract::feed::{App, Change, Page, Release, Row, Visibility};
use slipway_contract::held::{Loss, Report};
use slipway_database::replica::copy::Replica as _;
use slipway_download::{DownloadState, Settings};
use slipway_peers::Peers;
use slipway_peers::discovery::view::View;
use slipway_runtime::{Health as _, Process};
use slipway_testkit::TestProcess;
use slipway_testkit::call::called_by;
use slipway_testkit::database::{Engine, engines};
use slipway_testkit::record;
use tokio::sync::watch;

use crate::fixture::{app, package, published, release};

type Asks = Arc<Mutex<Vec<BTreeMap<String, String>>>>;

/// A catalog that tells one page, and what it was asked with.
#[derive(Clone)]
struct Catalog {
    page: watch::Sender<Page>,
    asks: Asks,
}

impl Catalog {
    async fn start() -> (Self, String) {
        let catalog = Self {
            page: watch::Sender::default(),
            asks: Asks::default(),
        };
        let router = Router::new()
            .route("/internal/changes", get(changes))
            .with_state(catalog.clone());
        let address = slipway_testkit::peer::serve("catalog", router).await;
        (catalog, address)
    }

    fn tells(&self, epoch: &str, held: bool, replaces: &[&str], rows: Vec<Row>) {
        let changes: Vec<_> = (1..)
            .zip(rows)
            .map(|(seq, row)| Change { seq, row })
            .collect();
        self.page.send_replace(Page {
            epoch: epoch.to_owned(),
            head: i64::try_from(changes.len()).expect("few"),
            changes,
            mark: format!("mark-of-{epoch}"),
            held,
            opening: false,
            replaces: replaces.iter().map(|epoch| (*epoch).to_owned()).collect(),
        });
    }

    /// Waits until somebody asks with these, from now on.
    async fn asked(&self, wanted: &[(&str, &str)]) {
        self.asks.lock().expect("nobody panics").clear();
        self.page.send_modify(|_| ());
        until("it asks so", || {
            let asks = self.asks.lock().expect("nobody panics");
            asks.iter().any(|ask| {
                wanted
                    .iter()
                    .all(|(name, value)| ask.get(*name).is_some_and(|is| is == value))
            })
        })
        .await;
    }
}

/// Answers at once when it has something else to tell, else at the next telling.
async fn changes(
    State(catalog): State<Catalog>,
    Query(ask): Query<BTreeMap<String, String>>,
) -> Json<Page> {
    let mut told = catalog.page.subscribe();
    let after: i64 = ask["after"].parse().expect("a number");
    let page = told.borrow_and_update().clone();
    let known = ask.get("held").unwrap_or(&ask["epoch"]) == &page.epoch;
    let in_step = page.epoch == ask["epoch"];
    let nothing =
        known && page.held == ask.contains_key("held") && (!in_step || after >= page.head);
    let waits = ask["wait"] != "0";
    let epoch = ask["epoch"].clone();
    catalog.asks.lock().expect("nobody panics").push(ask);
    if nothing && waits {
        let _ = tokio::time::timeout(Duration::from_secs(30), told.changed()).await;
    }
    let mut page = told.borrow().clone();
    if page.epoch == epoch {
        page.changes.retain(|change| change.seq > after);
    }
    Json(page)
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap_or_else(|_| panic!("not within 20 s: {what}"));
}

struct Instance {
    state: DownloadState,
    process: Process,
    /// Its folder goes with it.
    _test: TestProcess,
}

impl Instance {
    async fn start(engine: Engine, catalog: &str) -> Self {
        let test = slipway_testkit::process("download", engine).await;
        let view = View::fixed(vec![record("catalog", "c", catalog)]);
        let (data, common) = (&test.process.data, &test.process.settings);
        let process =
            Process::open("download", data.clone(), (**common).clone()).expect("a process");
        let peers = Peers::with_view(&process, view).expect("peers");
        let state = DownloadState::open(&peers, &Settings::default())
            .await
            .expect("a state");
        Self {
            state,
            process,
            _test: test,
        }
    }

    async fn epoch(&self) -> String {
        self.state
            .copy()
            .position()
            .await
            .expect("a position")
            .epoch
    }

    /// What it tells the catalog.
    async fn report(&self) -> Report {
        let routes = slipway_download::router(&self.state);
        let router = slipway_peers::guard::edge(&self.process, None, routes);
        let request = http::Request::get("/internal/held")
            .body(axum::body::Body::empty())
            .expect("a request");
        let request = called_by(&self.process, "catalog", request);
        let (status, report) = slipway_testkit::call::call(&router, request).await;
        assert_eq!(status, 200);
        serde_json::from_value(report).expect("a report")
    }

    async fn ready(&self) {
        let ready = async {
            while self.state.ready().await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ready)
            .await
            .expect("ready within 20 s");
    }
}

fn at(version: &str, visibility: Visibility) -> Row {
    let digest = slipway_contract::Digest::from_bytes([7; 32]);
    let package = package("notes.apk", digest, "apk", "android", "universal");
    Row::Release(release(version, visibility, vec![package]))
}

fn loss(subject: &str, what: &str) -> Loss {
    Loss {
        app: Some("notes".to_owned()),
        subject: subject.to_owned(),
        what: what.to_owned(),
    }
}

#[tokio::test]
async fn a_copy_stays_until_what_it_would_lose_is_accepted() {
    for engine in engines() {
        let (catalog, address) = Catalog::start().await;
        let all = vec![
            app("notes"),
            at("1.0", Visibility::Yanked),
            at("2.0", Visibility::Published),
        ];
        catalog.tells("e", false, &[], all.clone());
        let instance = Instance::start(engine, &address).await;
        instance.ready().await;
        assert_eq!(
            instance.report().await,
            Report {
                from: "e".to_owned(),
                ..Report::default()
            }
        );
        // It sends back what it was given.
        catalog
            .asked(&[("head", "3"), ("mark", "mark-of-e"), ("after", "3")])
            .await;

        let older = vec![app("notes"), at("1.0", Visibility::Published)];
        catalog.tells("p", true, &[], older.clone());
        catalog
            .asked(&[("epoch", "e"), ("held", "p"), ("after", "3")])
            .await;
        assert_eq!(instance.epoch().await, "e");
        instance
            .state
            .ready()
            .await
            .expect("ready with what it has");
        let report = instance.report().await;
        assert_eq!((report.epoch.as_deref(), &*report.from), (Some("p"), "e"));
        let losses = [loss("1.0", "yank_lifted"), loss("2.0", "release_lost")];
        assert_eq!((&report.losses[..], report.count), (&losses[..], 2));

        // The right database is back.
        catalog.tells("e", false, &[], all.clone());
        catalog.asked(&[("epoch", "e"), ("after", "3")]).await;
        until("it holds nothing", || {
            let asks = catalog.asks.lock().expect("nobody panics");
            asks.last().is_some_and(|ask| !ask.contains_key("held"))
        })
        .await;
        assert_eq!(instance.report().await.epoch, None);

        catalog.tells("p", true, &[], older.clone());
        catalog.asked(&[("epoch", "e"), ("held", "p")]).await;
        catalog.tells("p", false, &["e"], older);
        catalog
            .asked(&[("epoch", "p"), ("after", "2"), ("mark", "mark-of-p")])
            .await;
        assert_eq!(instance.epoch().await, "p");
        instance.process.shutdown.cancel();
    }
}

#[tokio::test]
async fn an_epoch_that_undoes_nothing_is_taken_unless_it_is_held() {
    for engine in engines() {
        let (catalog, address) = Catalog::start().await;
        catalog.tells(
            "e",
            false,
            &[],
            vec![app("notes"), at("1.0", Visibility::Published)],
        );
        let instance = Instance::start(engine, &address).await;
        instance.ready().await;
        let more = vec![
            app("notes"),
            at("1.0", Visibility::Yanked),
            published("2.0", Vec::new()),
        ];
        catalog.tells("p", true, &[], more.clone());
        catalog.asked(&[("epoch", "e"), ("held", "p")]).await;
        assert_eq!(instance.report().await.count, 0);
        catalog.tells("f", false, &[], more);
        catalog.asked(&[("epoch", "f"), ("after", "3")]).await;
        instance.process.shutdown.cancel();
    }
}

#[tokio::test]
async fn a_copy_of_what_is_held_is_no_copy_before_it_is_accepted() {
    for engine in engines() {
        let (catalog, address) = Catalog::start().await;
        let older = vec![app("notes"), at("1.0", Visibility::Published)];
        catalog.tells("p", true, &[], older.clone());
        let instance = Instance::start(engine, &address).await;
        catalog.asked(&[("epoch", "p"), ("after", "2")]).await;
        instance.state.ready().await.expect_err("not ready");
        assert_eq!(instance.report().await.from, "");
        // With the right database back it is given up without a comparison.
        catalog.tells("e", false, &[], vec![app("notes")]);
        catalog.asked(&[("epoch", "e"), ("after", "1")]).await;
        instance.ready().await;

        let (catalog, address) = Catalog::start().await;
        catalog.tells("p", true, &[], older.clone());
        let instance = Instance::start(engine, &address).await;
        catalog.asked(&[("epoch", "p"), ("after", "2")]).await;
        catalog.tells("p", false, &[], older);
        instance.ready().await;
        assert_eq!(instance.report().await.from, "p");
        instance.process.shutdown.cancel();
    }
}

#[tokio::test]
async fn a_first_copy_waits_until_the_catalog_has_heard_of_everybody() {
    for engine in engines() {
        let (catalog, address) = Catalog::start().await;
        let rows = vec![app("notes"), at("1.0", Visibility::Published)];
        catalog.tells("e", false, &[], rows);
        catalog.page.send_modify(|page| page.opening = true);
        let instance = Instance::start(engine, &address).await;
        catalog
            .asked(&[("epoch", "e"), ("after", "2"), ("wait", "1")])
            .await;
        instance.state.ready().await.expect_err("not ready");
        catalog.page.send_modify(|page| page.opening = false);
        instance.ready().await;
        assert_eq!(instance.report().await.from, "e");
        instance.process.shutdown.cancel();
    }
}

#[tokio::test]
async fn a_release_does_not_come_back_into_a_channel_by_another_database() {
    for engine in engines() {
        let (catalog, address) = Catalog::start().await;
        let within = |channels: &[&str]| {
            let Row::Release(release) = at("2.0", Visibility::Published) else {
                panic!("a release")
            };
            let channels = channels
                .iter()
                .map(|&channel| Word::read(channel))
                .collect();
            let release = Row::Release(Release {
                channels,
                ..release
            });
            vec![app("notes"), release]
        };
        catalog.tells("e", false, &[], within(&["beta"]));
        let instance = Instance::start(engine, &address).await;
        instance.ready().await;
        catalog.tells("p", false, &[], within(&["beta", "stable"]));
        catalog.asked(&[("epoch", "e"), ("held", "p")]).await;
        let report = instance.report().await;
        assert_eq!(report.losses, [loss("2.0", "roll_back_lifted")]);
        assert_eq!(instance.epoch().await, "e");
        catalog.tells("f", false, &[], within(&[]));
        catalog.asked(&[("epoch", "f"), ("after", "2")]).await;
        assert_eq!(instance.epoch().await, "f");
        instance.process.shutdown.cancel();
    }
}

#[tokio::test]
async fn a_deletion_is_not_lifted_by_another_database() {
    for engine in engines() {
        let (catalog, address) = Catalog::start().await;
        let Row::App(other) = app("notes") else {
            panic!("an app")
        };
        let gone = |slug: &str, deleted| {
            Row::App(App {
                slug: slug.to_owned(),
                deleted,
                public_key: None,
                ..other.clone()
            })
        };
        let tombstone = Row::Release(release("2.0", Visibility::Deleted, Vec::new()));
        let rows = vec![app("notes"), gone("old", true), tombstone.clone()];
        catalog.tells("e", false, &[], rows.clone());
        let instance = Instance::start(engine, &address).await;
        instance.ready().await;
        let older = vec![
            app("notes"),
            gone("old", false),
            at("2.0", Visibility::Published),
        ];
        catalog.tells("p", false, &[], older);
        catalog.asked(&[("epoch", "e"), ("held", "p")]).await;
        let lifted = |app: &str, subject: &str| Loss {
            app: Some(app.to_owned()),
            ..loss(subject, "deletion_lifted")
        };
        let report = instance.report().await;
        let losses = [lifted("old", "old"), lifted("notes", "2.0")];
        assert_eq!((&report.losses[..], report.count), (&losses[..], 2));
        assert_eq!(instance.epoch().await, "e");
        // One that has them is taken without a word, whatever else it has.
        let mut newer = rows;
        newer.push(at("3.0", Visibility::Published));
        catalog.tells("f", false, &[], newer);
        catalog.asked(&[("epoch", "f"), ("after", "4")]).await;
        assert_eq!(instance.epoch().await, "f");
        instance.process.shutdown.cancel();
    }
}
