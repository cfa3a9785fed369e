//! Who watches is told of every change, and who drains waits for the watchers.

use slipway_contract::record::State;
use slipway_registry::LeaseSettings;

use crate::fixture::{Fixture, applied, in_state};

const WATCHER: &str = "00000000-0000-7000-8000-000000000001";

#[tokio::test]
async fn a_watch_ends_with_the_next_change() {
    let fixture = Fixture::new().await;
    let before = fixture.watch("gateway", WATCHER, "").await;
    assert!(before.warming, "it has just started");
    assert_eq!(before.instances, []);
    let upload = fixture.instance("upload").await;
    let record = upload.record();
    let query = applied(&before, 60);
    let (told, beat) = tokio::join!(
        fixture.watch("gateway", WATCHER, &query),
        fixture.beat("upload", &record)
    );
    let beat = beat.beat();
    assert_eq!((&told.epoch, told.revision), (&beat.epoch, beat.revision));
    assert_eq!(told.instances, std::slice::from_ref(&record));
    // Of another registry's epoch it has applied nothing.
    let other = format!("&epoch=another&revision={}&wait=60", told.revision);
    assert_eq!(
        fixture.watch("gateway", WATCHER, &other).await.instances,
        [record]
    );
}

#[tokio::test]
async fn a_heartbeat_that_says_draining_is_answered_when_every_watcher_has_applied_it() {
    // One that warms up does not know yet who watches.
    let fixture = Fixture::with(LeaseSettings {
        warm_up_seconds: 0,
        ..LeaseSettings::default()
    })
    .await;
    let upload = fixture.instance("upload").await;
    let ready = upload.record();
    fixture.beat("upload", &ready).await.beat();
    let seen = fixture.watch("gateway", WATCHER, "").await;
    let draining = in_state(&ready, State::Draining);
    let watching = async {
        let told = fixture.watch("gateway", WATCHER, &applied(&seen, 60)).await;
        assert_eq!(told.instances, std::slice::from_ref(&draining));
        // The poll after it says that it is applied.
        fixture.watch("gateway", WATCHER, &applied(&told, 0)).await;
    };
    let (beat, ()) = tokio::join!(fixture.beat("upload", &draining), watching);
    assert!(beat.beat().acknowledged);
}

#[tokio::test]
async fn who_drains_does_not_wait_for_ever_for_a_watcher_that_applies_nothing() {
    let fixture = Fixture::new().await;
    let upload = fixture.instance("upload").await;
    let ready = upload.record();
    fixture.beat("upload", &ready).await.beat();
    fixture.watch("gateway", WATCHER, "").await;
    let draining = in_state(&ready, State::Draining);
    let beat = fixture.beat("upload", &draining).await.beat();
    assert!(!beat.acknowledged);
    assert_eq!(fixture.leases().await, [draining]);
}
