//! When an instance may be asked.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use slipway_download::{DownloadState, Settings};
use slipway_runtime::Health as _;
use slipway_testkit::database::engines;
use slipway_testkit::{peer, record};
use tokio::net::TcpListener;

use crate::fixture::{Fixture, app};

#[tokio::test]
async fn an_instance_is_ready_with_a_copy_though_the_catalog_is_away() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        assert_eq!(
            fixture.get_as_operator("/readyz").await.problem(),
            (503, "not_ready".to_owned())
        );
        fixture.apply("e", 1, vec![app("notes")]).await;
        let ready = async {
            while fixture.get_as_operator("/readyz").await.status != 200 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), ready)
            .await
            .expect("ready within ten seconds");
        std::fs::remove_dir_all(fixture.process.process.data.blobs()).unwrap();
        assert_eq!(
            fixture.get_as_operator("/readyz").await.problem(),
            (503, "not_ready".to_owned())
        );
    }
}

#[tokio::test]
async fn the_position_of_the_copy_can_be_watched() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        fixture
            .apply("e", 41, vec![app("notes"), app("other")])
            .await;
        let scrape = fixture.get_as_operator("/metrics").await;
        assert!(
            scrape.text().contains("slipway_copy_applied 42\n"),
            "{}",
            scrape.text()
        );
    }
}

/// One that is stopped takes connections and says nothing; one that waits for something proves itself and says nothing.
#[tokio::test]
async fn an_instance_with_a_whole_copy_does_not_wait_for_a_catalog_that_hangs() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        fixture.apply("e", 1, vec![app("notes")]).await;
        let stopped = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at_stopped = stopped.local_addr().expect("an address").to_string();
        let changes = get(std::future::pending::<()>);
        let waiting = Router::new().route("/internal/changes", changes);
        let at_waiting = peer::serve("catalog", waiting).await;
        for address in [at_stopped, at_waiting] {
            let catalog = record("catalog", "catalog-1", &address);
            fixture.process.peers.view.replace(vec![catalog]);
            let settings = Settings::default();
            let restarted = DownloadState::open(&fixture.process.peers, &settings).await;
            let restarted = restarted.expect("a state");
            let ready = async {
                while restarted.ready().await.is_err() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(4), ready)
                .await
                .expect("ready after two seconds");
            let readings = restarted.readings().await.expect("readings");
            let age = readings
                .iter()
                .find(|reading| reading.name == "copy_age_seconds");
            assert_eq!(age.expect("an age").value, -1, "no catalog ever said");
        }
    }
}
