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
