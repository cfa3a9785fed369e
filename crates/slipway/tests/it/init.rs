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
