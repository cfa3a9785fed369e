//! Downloads that are proven, and keys that are pinned, against the whole platform.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::slipway::{Platform, command, told};

/// A platform with the versions 1.0.0 and 1.1.0 of `notes`, and somebody who has neither.
struct User {
    platform: Platform,
    /// The server that they reach it by.
    server: String,
}

impl User {
    fn new() -> Self {
        let platform = Platform::start(&[]);
        let user = Self {
            server: platform.server(),
            platform,
        };
        for version in ["1.0.0", "1.1.0"] {
            let name = format!("notes-{version}.bin");
            let file = user.file(&name);
            fs::write(&file, bytes(version)).expect("a package");
            let mut publish = user.run("publish");
            publish.arg("--token-file").arg(user.platform.token_file());
            publish.args(["--app", "notes", "--platform", "any", "--create"]);
            publish.args(["--version", version]).arg(&file);
            let (code, _, error) = told(&publish.output().expect("it runs"));
            assert_eq!(code, Some(0), "{error}");
            fs::remove_file(&file).expect("it was there");
        }
        user
    }

    fn file(&self, name: &str) -> PathBuf {
        self.platform.folder.path().join(name)
    }

    fn run(&self, subcommand: &str) -> Command {
        let mut run = command(&[subcommand, "--server", &self.server, "--json"]);
        run.current_dir(self.platform.folder.path())
            .env("XDG_CONFIG_HOME", self.file("config"))
            .env("XDG_STATE_HOME", self.file("state"));
        run
    }

    fn runs(&self, subcommand: &str, arguments: &[&str]) -> (i32, Value, String) {
        let output = self.run(subcommand).args(arguments).output();
        let (code, output, error) = told(&output.expect("it runs"));
        let document = serde_json::from_str(&output);
        let document = document.unwrap_or_else(|_| panic!("no document: {output}{error}"));
        (code.expect("a code"), document, error)
    }

    fn address(&self, version: &str) -> String {
        format!("{}/d/notes/{version}/notes-{version}.bin", self.server)
    }

    fn known(&self) -> PathBuf {
        self.file("config/slipway/known_apps")
    }
}

/// The content of a version: 3 MiB, all of it other than another version's.
fn bytes(version: &str) -> Vec<u8> {
    version.repeat(3 * 1024 * 1024 / version.len()).into_bytes()
}

const OTHER: &str = "RWTXWpgBgrEKt9damAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

#[test]
fn a_download_gets_its_name_when_it_is_proven_and_its_key_is_pinned() {
    let user = User::new();
    let (code, document, error) = user.runs("download", &["notes"]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(
        (&document["version"], &document["pinned"]),
        (&"1.1.0".into(), &"first".into())
    );
    assert!(error.contains("SHA256:"), "{error}");
    let file = user.file("notes-1.1.0.bin");
    assert_eq!(fs::read(&file).expect("the file"), bytes("1.1.0"));
    assert!(user.file("notes-1.1.0.bin.minisig").exists());
    assert!(!user.file("notes-1.1.0.bin.part").exists());

    // A second time it is there; another file of its name stays.
    let (code, document, _) = user.runs("download", &["notes"]);
    assert_eq!((code, &document["pinned"]), (0, &"known".into()));
    fs::write(&file, "mine").expect("a file");
    let (code, refused, _) = user.runs("download", &["notes"]);
    assert_eq!(
        (code, &refused["error"]["code"]),
        (4, &"file_exists".into())
    );
    assert_eq!(fs::read(&file).expect("the file"), b"mine");

    // The pinned key is enough from here on, and an older version is not the one that is asked for.
    let older = ["--app", "notes", "--version", "1.0.0", "-o", "old.bin"];
    let (code, document, error) = user.runs("download", &older);
    assert_eq!(
        (code, &document["version"]),
        (0, &"1.0.0".into()),
        "{error}"
    );
    let (code, _, error) = user.runs("verify", &["old.bin", "--app", "notes", "--version", "1"]);
    assert_eq!(code, 0, "{error}");
    for expectation in [["--version", "1.1.0"], ["--app", "other"]] {
        let (code, refused, error) =
            user.runs("verify", &[&["old.bin"], &expectation[..]].concat());
        assert_eq!(
            code,
            if expectation[0] == "--app" { 3 } else { 1 },
            "{refused}"
        );
        assert!(
            error.contains("1.0.0") || expectation[0] == "--app",
            "{error}"
        );
    }
}

#[test]
fn a_key_that_changed_is_refused_with_both_fingerprints() {
    let user = User::new();
    let (code, document, error) = user.runs("download", &[&user.address("1.0.0")]);
    assert_eq!(code, 0, "{error}");
    let real = &document["key"];
    let known = fs::read_to_string(user.known()).expect("known apps");
    let line = format!(
        "{} notes {}\n",
        user.server,
        real["text"].as_str().expect("a key")
    );
    assert!(known.ends_with(&line), "{known}");
    fs::write(user.known(), format!("{} notes {OTHER}\n", user.server)).expect("known apps");
    let other = user.address("1.1.0");
    let key = ["--key", real["text"].as_str().expect("a key")];
    for (subcommand, arguments) in [
        ("download", vec![other.as_str()]),
        ("download", [&[other.as_str()], &key[..]].concat()),
        ("verify", [&["notes-1.0.0.bin"], &key[..]].concat()),
    ] {
        let (code, refused, error) = user.runs(subcommand, &arguments);
        assert_eq!(
            (code, &refused["error"]["code"]),
            (1, &"key_changed".into()),
            "{error}"
        );
        for part in [
            real["fingerprint"].as_str().expect("a fingerprint"),
            "B70AB18201985AD7",
            "line 1 of",
            "in another way",
        ] {
            assert!(error.contains(part), "{part} is missing in {error}");
        }
    }
    assert!(!user.file("notes-1.1.0.bin").exists());
}

#[test]
fn a_part_is_gone_on_with_and_one_of_another_file_is_not() {
    let user = User::new();
    let whole = bytes("1.1.0");
    let part = user.file("notes-1.1.0.bin.part");
    for (there, what) in [
        (whole[..2_000_000].to_vec(), "going on"),
        (bytes("1.0.0")[..2_000_000].to_vec(), "beginning anew"),
        (whole.clone(), "going on"),
        ([&whole[..], b"more"].concat(), "beginning anew"),
    ] {
        fs::write(&part, there).expect("a part");
        let (code, _, error) = user.runs("download", &["notes"]);
        assert_eq!(code, 0, "{error}");
        assert!(error.contains(what), "{what} is missing in {error}");
        let file = user.file("notes-1.1.0.bin");
        assert_eq!(fs::read(&file).expect("the file"), whole);
        fs::remove_file(file).expect("it was there");
    }
}

#[test]
fn what_there_is_not_is_told() {
    let user = User::new();
    for (arguments, exit, code) in [
        (vec!["nots"], 3, "app_unknown"),
        (vec!["notes", "--channel", "nightly"], 3, "channel_unknown"),
        (vec!["notes", "--version", "9"], 3, "release_unknown"),
        (vec!["notes", "--app", "other"], 2, "usage"),
        (vec!["https://apps.example.org/"], 2, "usage"),
    ] {
        let (ended, refused, error) = user.runs("download", &arguments);
        assert_eq!(
            (ended, &refused["error"]["code"]),
            (exit, &code.into()),
            "{error}"
        );
    }
}
