use std::fs;

use crate::slipway::{slipway, text};

#[test]
fn init_may_run_again_and_says_that_nothing_was_missing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");

    let (code, output, _) = slipway(&["init", "--data", text(&data)]);
    assert_eq!(code, Some(0));
    assert!(
        output.contains("secrets and the folders of six services"),
        "{output}"
    );
    let token = fs::read_to_string(data.join("admin-token")).unwrap();
    assert!(!output.contains(token.trim()), "the token is in the output");

    let (code, output, _) = slipway(&["init", "--data", text(&data)]);
    assert_eq!(code, Some(0));
    assert!(output.contains("nothing was made"), "{output}");
    assert_eq!(fs::read_to_string(data.join("admin-token")).unwrap(), token);
}

#[test]
fn init_makes_what_is_missing_and_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    slipway(&["init", "--data", text(&data)]);
    let kept = fs::read(data.join("secrets/signing/sealing.key")).unwrap();
    fs::remove_file(data.join("secrets/upload/certificate.pem")).unwrap();

    let (code, output, _) = slipway(&["init", "--data", text(&data)]);
    assert_eq!(code, Some(0));
    assert!(
        output.contains("secrets/upload/certificate.pem"),
        "{output}"
    );
    assert_eq!(output.lines().count(), 1, "{output}");
    assert_eq!(
        fs::read(data.join("secrets/signing/sealing.key")).unwrap(),
        kept
    );
}

#[test]
fn init_where_nothing_can_be_made_fails_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (code, _, error) = slipway(&["init", "--data", text(&file.join("data"))]);
    assert_eq!(code, Some(1));
    assert!(error.contains("could not make the folder"), "{error}");
}

#[test]
fn a_running_platform_is_made_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    slipway(&["init", "--data", text(&data)]);
    let certificate = data.join("secrets/catalog/certificate.pem");
    let before = fs::read(&certificate).unwrap();
    let running = serde_json::json!({
        "service": "catalog",
        "instance": "a",
        "pid": std::process::id(),
        "addr": "127.0.0.1:1",
        "admin": "127.0.0.1:2",
        "started_at": "2026-01-01T00:00:00Z",
        "authorities": [],
        "certificate": "",
    });
    let announcement = data.join("run/catalog-1.json");
    fs::write(&announcement, running.to_string()).unwrap();

    let (code, _, error) = slipway(&["init", "--as-copy", "--data", text(&data)]);
    assert_eq!(code, Some(1));
    assert!(error.contains("end the platform there first"), "{error}");
    assert_eq!(fs::read(&certificate).unwrap(), before);

    fs::remove_file(announcement).unwrap();
    let (code, _, error) = slipway(&["init", "--as-copy", "--data", text(&data)]);
    assert_eq!(code, Some(0), "{error}");
    assert_ne!(fs::read(&certificate).unwrap(), before);
}

#[test]
fn a_service_of_ones_own_is_equipped_and_no_name_is_taken_twice() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let init = |name: &str| slipway(&["init", "--data", text(&data), "--service", name]);
    for taken in slipway_contract::services::NAMES {
        let (code, _, error) = init(taken);
        assert_eq!(code, Some(1), "{taken}");
        assert!(error.contains("the platform's services"), "{error}");
    }
    for taken in ["authority", "blobs", "secrets", "statements"] {
        let (code, _, error) = init(taken);
        assert_eq!(code, Some(1), "{taken}");
        assert!(error.contains("something else"), "{error}");
    }
    assert!(!data.join("secrets").exists(), "a refusal makes nothing");
    let (code, output, error) = init("scanner");
    assert_eq!(code, Some(0), "{error}");
    assert!(output.contains("secrets"), "{output}");
    assert!(data.join("secrets/scanner/certificate.pem").is_file());
    assert!(data.join("scanner").is_dir());
}
