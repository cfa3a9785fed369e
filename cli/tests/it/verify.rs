//! Against the real `minisign`, which signs here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::slipway::{slipway, text};

/// A folder with `notes.apk`, signed by `notes.pub`, and another key in `other.pub`. `None` where minisign is missing.
fn signed() -> Option<TempDir> {
    signed_with("timestamp:1790000000\tfile:notes.apk\tversion:1.2.3\tapp:notes")
}

/// The same with this trusted comment.
fn signed_with(comment: &str) -> Option<TempDir> {
    if Command::new("minisign")
        .arg("-v")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "minisign is missing, and under CI=true nothing is skipped"
        );
        #[expect(
            clippy::print_stderr,
            reason = "a skip is said where the test's result is"
        )]
        {
            eprintln!("skipped: minisign is not installed");
        }
        return None;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let minisign = |arguments: &[&str]| {
        let status = Command::new("minisign")
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("minisign runs").success(), "{arguments:?}");
    };
    fs::write(folder.path().join("notes.apk"), vec![7; 3 * 1024 * 1024]).expect("a file");
    for key in ["notes", "other"] {
        minisign(&[
            "-G",
            "-W",
            "-p",
            &format!("{key}.pub"),
            "-s",
            &format!("{key}.key"),
        ]);
    }
    minisign(&["-S", "-s", "notes.key", "-t", comment, "-m", "notes.apk"]);
    Some(folder)
}

fn verify(file: &Path, key: &str) -> (Option<i32>, String, String) {
    let key: PathBuf = file.with_file_name(key);
    slipway(&["verify", text(file), "--key", text(&key)])
}

#[test]
fn what_minisign_signed_is_proven_and_the_trusted_comment_is_told() {
    let Some(folder) = signed() else { return };
    let (code, output, error) = verify(&folder.path().join("notes.apk"), "notes.pub");
    assert_eq!(code, Some(0), "{error}");
    assert!(output.contains("is proven"), "{output}");
    for fact in [
        "signed   2026-09-21T",
        "file     notes.apk",
        "version  1.2.3",
        "app      notes",
    ] {
        assert!(output.contains(fact), "{fact} is missing in {output}");
    }
}

#[test]
fn a_size_that_was_signed_is_that_of_the_file() {
    let comment = |size: u32| format!("file:notes.apk\tversion:1.2.3\tapp:notes\tsize:{size}");
    let size = 3 * 1024 * 1024;
    let Some(folder) = signed_with(&comment(size)) else {
        return;
    };
    let file = folder.path().join("notes.apk");
    let (code, output, error) = verify(&file, "notes.pub");
    assert_eq!(code, Some(0), "{error}");
    assert!(output.contains("size     3145728"), "{output}");
    let Some(folder) = signed_with(&comment(size + 1)) else {
        return;
    };
    let file = folder.path().join("notes.apk");
    let (code, output, error) = verify(&file, "notes.pub");
    assert_eq!((code, output.as_str()), (Some(1), ""), "{error}");
    assert!(
        error.contains("NOT PROVEN: it has 3145728 bytes, and its signature says 3145729"),
        "{error}"
    );
}

#[test]
fn the_signature_may_lie_elsewhere() {
    let Some(folder) = signed() else { return };
    let (file, key) = (
        folder.path().join("notes.apk"),
        folder.path().join("notes.pub"),
    );
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(folder.path().join("notes.apk.minisig"), &elsewhere).unwrap();
    let (code, ..) = slipway(&[
        "verify",
        text(&file),
        "--signature",
        text(&elsewhere),
        "--key",
        text(&key),
    ]);
    assert_eq!(code, Some(0));
}

#[test]
fn one_bit_anywhere_is_not_proven() {
    let Some(folder) = signed() else { return };
    let file = folder.path().join("notes.apk");
    let flip = |name: &str, place: usize| {
        let path = folder.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes[place] ^= 1;
        fs::write(&path, bytes).unwrap();
    };
    let signature = fs::read_to_string(folder.path().join("notes.apk.minisig")).unwrap();
    let of_line = |start: &str| signature.find(start).unwrap() + start.len();
    let second_line = signature.find('\n').unwrap() + 40;
    for (name, place) in [
        ("notes.apk", 2_000_000),
        ("notes.apk.minisig", second_line),
        (
            "notes.apk.minisig",
            of_line("trusted comment: timestamp:") + 3,
        ),
    ] {
        flip(name, place);
        let (code, output, error) = verify(&file, "notes.pub");
        assert_eq!((code, output.as_str()), (Some(1), ""), "{name} {place}");
        assert_eq!(error.matches("PROVEN").count(), 1, "{error}");
        flip(name, place);
        assert_eq!(verify(&file, "notes.pub").0, Some(0), "mended");
    }
}

#[test]
fn another_apps_key_proves_nothing() {
    let Some(folder) = signed() else { return };
    let (code, _, error) = verify(&folder.path().join("notes.apk"), "other.pub");
    assert_eq!(code, Some(1));
    assert!(error.contains("the signature is of the key"), "{error}");
}

#[test]
fn what_cannot_be_read_is_no_verdict() {
    let Some(folder) = signed() else { return };
    let file = folder.path().join("notes.apk");
    assert_eq!(
        verify(&folder.path().join("missing.apk"), "notes.pub").0,
        Some(2)
    );
    assert_eq!(verify(&file, "missing.pub").0, Some(2));
    assert_eq!(slipway(&["verify", text(&file)]).0, Some(2), "no key");
    // A megabyte of sevens is no key.
    let (code, _, error) = verify(&file, "notes.apk");
    assert_eq!(code, Some(2));
    assert!(error.contains("too long"), "{error}");
    fs::remove_file(folder.path().join("notes.apk.minisig")).unwrap();
    let (code, _, error) = verify(&file, "notes.pub");
    assert_eq!(code, Some(2));
    assert!(error.contains("notes.apk.minisig"), "{error}");
}
