//! An older database in the catalog's place: who may upload what is decided by the copy that is there.

use axum::body::Body;
use http::{Request, StatusCode};
use slipway_contract::grant::Scope;
use slipway_contract::held::{Loss, Report};
use slipway_testkit::call::{call, called_by};
use slipway_testkit::database::engines;

use crate::catalog::DIGEST;
use crate::fixture::{Fixture, until};

pub(crate) async fn report(fixture: &Fixture) -> Report {
    let request = Request::get("/internal/held").body(Body::empty());
    let request = called_by(
        &fixture.instance.process,
        "catalog",
        request.expect("a request"),
    );
    let (status, report) = call(&fixture.instance.router, request).await;
    assert_eq!(status, StatusCode::OK);
    serde_json::from_value(report).expect("a report")
}

#[tokio::test]
async fn a_revocation_and_a_released_version_stay() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let revoked = fixture.catalog.add_token(&[Scope::Upload], None, None);
        fixture.catalog.revoke(&revoked);
        fixture
            .catalog
            .add_release("notes", "1.0", &[("notes.bin", DIGEST)]);
        let tried = async || {
            let path = "/api/v1/apps/notes/packages/other.bin?version=1.0";
            let request = Request::put(path)
                .header("authorization", format!("Bearer {revoked}"))
                .body(Body::from("bytes"));
            let answer = fixture.instance.send(request.expect("a request")).await;
            answer.verdict() == (401, "token_invalid")
        };
        let closed = async || {
            let answer = fixture.put("other.bin?version=1.0", "bytes").await;
            answer.verdict() == (409, "release_published")
        };
        until("all of it is known", async || {
            tried().await && closed().await
        })
        .await;

        fixture.catalog.restore();
        until("it was compared", async || {
            report(&fixture).await.epoch.is_some()
        })
        .await;
        let loss = |app: Option<&str>, subject: &str, what: &str| Loss {
            app: app.map(str::to_owned),
            subject: subject.to_owned(),
            what: what.to_owned(),
        };
        let told = report(&fixture).await;
        assert_eq!((told.epoch.as_deref(), &*told.from), (Some("e1"), "e0"));
        let losses = [
            loss(
                None,
                &fixture.catalog.token_id(&revoked),
                "revocation_lifted",
            ),
            loss(Some("notes"), "1.0", "release_lost"),
        ];
        assert_eq!((&told.losses[..], told.count), (&losses[..], 2));
        assert!(tried().await, "the revoked token works again");
        assert!(closed().await, "a released version is open again");
        let answer = fixture.put("other.bin?version=2.0", "bytes").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    }
}
