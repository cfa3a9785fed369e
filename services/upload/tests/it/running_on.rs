//! What a package runs on, where its bytes do not say it.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use http::StatusCode;
use slipway_testkit::database::engines;

use crate::fixture::{Answer, Fixture};

const PACKAGES: &str = "/api/v1/apps/notes/packages";

async fn put(fixture: &Fixture, path: &str, body: impl Into<Body>) -> Answer {
    let request = fixture.request("PUT", &format!("{PACKAGES}/{path}"));
    let request = request.body(body.into()).expect("a request");
    fixture.instance.send(request).await
}

fn says_what_to_do(answer: &Answer) {
    assert_eq!(answer.verdict(), (422, "platform_required"), "{answer:?}");
    let detail = answer.body["detail"].as_str().expect("words");
    for word in ["platform=", "linux", "platform=any", "kind=other"] {
        assert!(detail.contains(word), "{detail}");
    }
}

#[tokio::test]
async fn what_names_no_system_needs_it_said_and_is_refused_before_its_bytes_where_its_name_tells() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for name in ["notes.tar.gz", "notes.tgz"] {
            let never = stream::pending::<Result<&[u8], std::io::Error>>();
            let path = format!("{name}?version=1&channel=stable");
            says_what_to_do(&put(&fixture, &path, Body::from_stream(never)).await);
        }
        let encoded = STANDARD.encode("notes.tar.gz");
        let request = fixture
            .request("POST", "/api/v1/apps/notes/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-length", "5")
            .header(
                "upload-metadata",
                format!("filename {encoded},platform IA=="),
            )
            .body(Body::empty());
        let answer = fixture.instance.send(request.expect("a request")).await;
        assert_eq!(answer.verdict(), (422, "platform_unknown"));

        for name in ["notes", "install.sh", "page.html"] {
            let path = format!("{name}?version=1&channel=stable");
            says_what_to_do(&put(&fixture, &path, "#!/bin/sh\necho").await);
        }
        assert!(fixture.staged().is_empty() && fixture.blobs().is_empty());
        assert!(fixture.catalog.deliveries().is_empty());
    }
}

#[tokio::test]
async fn every_spelling_is_taken_and_the_canonical_one_is_answered() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for (query, platform, arch) in [
            ("platform=any", "any", "universal"),
            ("platform=Darwin&arch=arm64", "macos", "aarch64"),
            ("platform=win32&arch=AMD64", "windows", "x86_64"),
            ("platform=GNU%2FLinux&arch=armv7l", "linux", "armv7"),
            ("platform=HarmonyOS&arch=arm64-v8a", "harmony", "aarch64"),
            ("platform=linux&arch=S390X", "linux", "s390x"),
        ] {
            let path = format!("{platform}-{arch}?version=1&{query}");
            let answer = put(&fixture, &path, "#!/bin/sh").await;
            assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
            let package = &answer.body["package"];
            assert_eq!(
                (package["platform"].as_str(), package["arch"].as_str()),
                (Some(platform), Some(arch))
            );
        }
        let answer = put(&fixture, "x?version=1&platform=FreeBSD", "#!/bin/sh").await;
        assert_eq!(answer.verdict(), (422, "platform_unknown"));
    }
}

/// Who corrects a platform and is told that all is well would go on to publish it for everybody.
#[tokio::test]
async fn what_is_said_of_bytes_that_are_there_is_not_passed_over() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for place in ["x?version=1&", "x?"] {
            for (said, status) in [
                ("platform=any", StatusCode::CREATED),
                ("platform=all", StatusCode::OK),
                ("platform=any&arch=universal", StatusCode::OK),
            ] {
                let answer = put(&fixture, &format!("{place}{said}"), "#!/bin/sh").await;
                assert_eq!(answer.status, status, "{said}: {answer:?}");
            }
            for said in ["platform=linux", "platform=any&arch=arm64", "kind=other"] {
                let answer = put(&fixture, &format!("{place}{said}"), "#!/bin/sh").await;
                assert_eq!(answer.verdict(), (409, "version_exists"), "{said}");
                let detail = answer.body["detail"].as_str().expect("words");
                assert!(
                    detail.contains("for platform=any&arch=universal"),
                    "{detail}"
                );
            }
        }
    }
}
