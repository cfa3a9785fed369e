//! What a caller says of itself must equal its certificate, and where it says it is it must be.

use http::{Method, Request};
use slipway_contract::record::{Record, State};
use slipway_registry::LeaseSettings;

use crate::fixture::{Fixture, in_state};

const INSTANCE: &str = "00000000-0000-7000-8000-000000000001";

#[tokio::test]
async fn nobody_has_a_lease_in_the_name_of_another() {
    let fixture = Fixture::new().await;
    let upload = fixture.instance("upload").await;
    let record = upload.record();
    let body = serde_json::to_string(&record).expect("a record");
    let own = format!("/internal/instances/{}", record.instance);
    let other = format!("/internal/instances/{INSTANCE}");
    for (caller, path, verdict) in [
        ("catalog", &own, (403, "service_differs")),
        ("gateway", &own, (403, "service_differs")),
        ("upload", &other, (400, "instance_differs")),
    ] {
        let answer = fixture.ask(caller, Method::PUT, path, &body).await;
        assert_eq!(answer.verdict(), verdict, "{caller} {path}");
    }
    let unnamed = Record {
        instance: "upload-1".to_owned(),
        ..record
    };
    let answer = fixture.beat("upload", &unnamed).await;
    assert_eq!(answer.verdict(), (400, "instance_invalid"));
    let watcher = "/internal/instances?watcher=upload-1";
    let answer = fixture.ask("upload", Method::GET, watcher, "").await;
    assert_eq!(answer.verdict(), (400, "instance_invalid"));
    assert_eq!(fixture.leases().await, []);
}

#[tokio::test]
async fn an_instance_that_is_not_where_it_says_has_no_lease() {
    let fixture = Fixture::new().await;
    let (upload, catalog) = (
        fixture.instance("upload").await,
        fixture.instance("catalog").await,
    );
    let at = |address: &str| Record {
        addr: address.to_owned(),
        ..upload.record()
    };
    let elsewhere = catalog.address.to_string();
    let nobody = Record {
        instance: INSTANCE.to_owned(),
        ..upload.record()
    };
    for (record, verdict) in [
        // Another service answers there, with a certificate of its own.
        (at(&elsewhere), (503, "address_unproven")),
        // Its own service answers there, as another instance.
        (nobody, (503, "address_unproven")),
        (at("127.0.0.1:9"), (503, "address_unproven")),
        (at("192.0.2.1:80"), (422, "address_refused")),
        (at("nowhere"), (422, "address_refused")),
    ] {
        let answer = fixture.beat("upload", &record).await;
        assert_eq!(answer.verdict(), verdict, "{record:?}");
    }
    assert_eq!(fixture.leases().await, []);
}

#[tokio::test]
async fn a_lease_keeps_its_address_and_a_service_its_number_of_leases() {
    let lease = LeaseSettings {
        per_service: 1,
        ..LeaseSettings::default()
    };
    let fixture = Fixture::with(lease).await;
    let (first, second) = (
        fixture.instance("upload").await,
        fixture.instance("upload").await,
    );
    let record = first.record();
    fixture.beat("upload", &record).await.beat();
    let moved = Record {
        addr: second.address.to_string(),
        ..record.clone()
    };
    let answer = fixture.beat("upload", &moved).await;
    assert_eq!(answer.verdict(), (409, "address_changed"));
    let answer = fixture.beat("upload", &second.record()).await;
    assert_eq!(answer.verdict(), (429, "leases_full"));
    // One service's leases take no room from another's.
    let signing = fixture.instance("signing").await;
    fixture.beat("signing", &signing.record()).await.beat();
    assert_eq!(fixture.leases().await.len(), 2);
}

#[tokio::test]
async fn what_is_no_record_changes_nothing() {
    let fixture = Fixture::new().await;
    let upload = fixture.instance("upload").await;
    let record = in_state(&upload.record(), State::Ready);
    let long = Record {
        version: "1".repeat(65),
        ..record.clone()
    };
    let answer = fixture.beat("upload", &long).await;
    assert_eq!(answer.verdict(), (400, "record_too_long"));
    let path = format!("/internal/instances/{}", record.instance);
    let answer = fixture.ask("upload", Method::PUT, &path, "{}").await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(fixture.leases().await, []);
}

#[tokio::test]
async fn a_request_for_another_instance_is_not_answered() {
    let fixture = Fixture::new().await;
    let request = Request::get(format!("/internal/instances?watcher={INSTANCE}"))
        .header("x-slipway-instance", INSTANCE)
        .body(axum::body::Body::empty())
        .expect("a request");
    let answer = fixture.registry.ask("gateway", request).await;
    assert_eq!(answer.status(), 421);
}
