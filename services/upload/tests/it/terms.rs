//! What an intent says beside its channel.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use slipway_testkit::database::engines;

use crate::fixture::Fixture;

const QUERY: &str = "version=1.0&channel=stable&notes=Says%20it&strict=false&create=channel";

async fn post_form(fixture: &Fixture) {
    let form = "--b\r\nContent-Disposition: form-data; name=\"notes\"\r\n\r\nSays it\r\n\
        --b\r\nContent-Disposition: form-data; name=\"create\"\r\n\r\nchannel\r\n\
        --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"form.bin\"\r\n\r\nbytes\r\n--b--\r\n";
    let request = fixture
        .request(
            "POST",
            "/api/v1/apps/notes/packages?version=1.0&channel=stable&platform=any",
        )
        .header("content-type", "multipart/form-data; boundary=b")
        .body(Body::from(form))
        .expect("a request");
    let answer = fixture.instance.send(request).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
}

async fn begin_pieces(fixture: &Fixture) {
    let pairs = [
        ("filename", "tus.bin"),
        ("version", "1.0"),
        ("channel", "stable"),
        ("notes", "Says it"),
        ("create", "channel"),
    ];
    let pairs = pairs.map(|(key, value)| format!("{key} {}", STANDARD.encode(value)));
    let request = fixture
        .request("POST", "/api/v1/apps/notes/uploads")
        .header("tus-resumable", "1.0.0")
        .header("upload-length", "5")
        .header("upload-metadata", pairs.join(","))
        .header("content-type", "application/offset+octet-stream")
        .body(Body::from("bytes"))
        .expect("a request");
    let answer = fixture.instance.send(request).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
}

#[tokio::test]
async fn the_catalog_is_told_whichever_way_they_come() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let answer = fixture.put(&format!("put.bin?{QUERY}"), "bytes").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        post_form(&fixture).await;
        begin_pieces(&fixture).await;
        let told = || {
            let told = fixture.catalog.deliveries();
            let terms = told
                .into_iter()
                .map(|told| (told.notes, told.create_channel));
            terms.collect::<Vec<_>>()
        };
        crate::fixture::until("all are told", async || told().len() == 3).await;
        assert_eq!(told(), vec![(Some("Says it".to_owned()), true); 3]);
        let heard = fixture.catalog.deliveries();
        assert!(heard.iter().all(|told| told.heard.is_some()), "{heard:?}");
    }
}

#[tokio::test]
async fn a_wrong_one_is_refused_before_the_bytes() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let long = format!("version=1.0&notes={}", "a".repeat(4097));
        for (query, code) in [
            ("version=1.0&strict=yes", "parameter_invalid"),
            ("version=1.0&create=app", "parameter_invalid"),
            ("notes=of%20nothing", "notes_without_release"),
            (&*long, "notes_too_long"),
            ("version=1.0&notes=%E2%80%AE", "text_refused"),
        ] {
            let answer = fixture.put(&format!("a.bin?{query}"), "bytes").await;
            assert_eq!(answer.verdict(), (422, code), "{query}");
        }
        assert!(fixture.blobs().is_empty());
    }
}

/// Asked for again while it waits, an intent has the notes that it was given.
#[tokio::test]
async fn an_intent_that_waits_keeps_its_notes() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.set_away(true);
        for query in [
            "version=1.0&channel=stable&notes=Kept",
            "version=1.0&channel=stable",
        ] {
            let answer = fixture.put(&format!("a.bin?{query}"), "bytes").await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        }
        fixture.catalog.set_away(false);
        let told = || fixture.catalog.deliveries();
        crate::fixture::until("it is told", async || !told().is_empty()).await;
        assert_eq!(told()[0].notes.as_deref(), Some("Kept"));
        assert!(!told()[0].create_channel);
    }
}

#[tokio::test]
async fn a_channel_that_is_not_there_is_refused_before_the_bytes() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let wrong = "version=1.0&channel=stabel";
        let answer = fixture.put(&format!("a.bin?{wrong}"), "bytes").await;
        assert_eq!(answer.verdict(), (404, "channel_unknown"));
        assert_eq!(answer.body["nearest"], "stable");
        assert!(answer.body["detail"].to_string().contains("stable"));
        let request = fixture
            .request("POST", "/api/v1/apps/notes/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-length", "5")
            .header(
                "upload-metadata",
                "filename YS5iaW4=,version MS4w,channel c3RhYmVs",
            )
            .body(Body::empty())
            .expect("a request");
        let answer = fixture.instance.send(request).await;
        assert_eq!(answer.verdict(), (404, "channel_unknown"));
        assert!(fixture.blobs().is_empty() && fixture.staged().is_empty());

        let made = fixture
            .put(&format!("a.bin?{wrong}&create=channel"), "bytes")
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        // Nobody knows while the catalog is away: it is stored, and not said to be published.
        fixture.catalog.set_away(true);
        let waits = fixture.put(&format!("b.bin?{wrong}"), "bytes").await;
        assert_eq!(waits.status, StatusCode::ACCEPTED, "{waits:?}");
    }
}

/// What the bytes alone tell is refused here, and nothing of them is kept; the catalog's words stay while it is away.
#[tokio::test]
async fn what_is_odd_is_told_or_refused() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let strict = "version=1.0&channel=stable&strict=true&kind=other";
        let answer = fixture.put(&format!("a.bin?{strict}"), "bytes").await;
        assert_eq!(answer.verdict(), (422, "strict_refused"));
        assert!(answer.body["warnings"][0].is_string(), "{answer:?}");
        assert!(fixture.blobs().is_empty() && fixture.catalog.deliveries().is_empty());

        fixture.catalog.warn(&["signer_changed: it is another's"]);
        let answer = fixture
            .put("b.bin?version=1.0&channel=stable&platform=linux", "bytes")
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let location = answer.header("location").to_owned();
        let told = answer.body["package"]["warnings"].clone();
        assert_eq!(told[0], "signer_changed: it is another's");
        fixture.catalog.set_away(true);
        let shown = fixture.get(&location).await;
        let still = shown.body["warnings"].as_array().expect("warnings");
        assert!(still.contains(&told[0]), "{shown:?}");
    }
}
