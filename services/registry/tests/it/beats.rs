//! What becomes of a lease: it begins with a proof, is renewed whole, and ends by its holder's word alone.

use slipway_contract::record::State;

use crate::fixture::{Fixture, in_state};

#[tokio::test]
async fn an_instance_that_proves_itself_has_a_lease_that_each_heartbeat_renews() {
    let fixture = Fixture::new().await;
    let upload = fixture.instance("upload").await;
    let starting = in_state(&upload.record(), State::Starting);
    let first = fixture.beat("upload", &starting).await.beat();
    assert!(first.now.is_some());
    assert_eq!(fixture.leases().await, std::slice::from_ref(&starting));

    let same = fixture.beat("upload", &starting).await.beat();
    assert_eq!((&same.epoch, same.revision), (&first.epoch, first.revision));
    let ready = in_state(&starting, State::Ready);
    let second = fixture.beat("upload", &ready).await.beat();
    assert!(second.revision > first.revision, "it has another state");
    assert_eq!(fixture.leases().await, [ready]);
}

#[tokio::test]
async fn a_lease_ends_by_the_word_of_its_own_service_alone() {
    let fixture = Fixture::new().await;
    let upload = fixture.instance("upload").await;
    let record = upload.record();
    fixture.beat("upload", &record).await.beat();
    // Its name is known to everybody who watches.
    for caller in ["catalog", "gateway"] {
        fixture.leave(caller, &record.instance).await.beat();
        assert_eq!(
            fixture.leases().await,
            std::slice::from_ref(&record),
            "{caller}"
        );
    }
    assert!(
        fixture
            .leave("upload", &record.instance)
            .await
            .beat()
            .acknowledged
    );
    assert_eq!(fixture.leases().await, []);
    // Safe to repeat.
    fixture.leave("upload", &record.instance).await.beat();
}
