//! Several files as one release, at once and by the jobs of a matrix.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::slipway::{Platform, command, told};

struct Developer(Platform);

impl Developer {
    fn new() -> Self {
        Self(Platform::start(&[]))
    }

    fn package(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.folder.path().join(name);
        fs::write(&path, content).expect("a package");
        path
    }

    /// Runs a subcommand with `--json`: the exit code, and the document.
    fn runs(&self, subcommand: &str, files: &[&PathBuf], arguments: &[&str]) -> (i32, Value) {
        let mut run = command(&[subcommand, "--json", "--quiet", "--app", "notes"]);
        run.args(["--server", &self.0.server(), "--token-file"])
            .arg(self.0.token_file())
            .args(arguments)
            .args(files)
            .env("XDG_STATE_HOME", self.0.folder.path().join("state"));
        let (code, output, error) = told(&run.output().expect("the program runs"));
        let document = serde_json::from_str(&output);
        (
            code.expect("a code"),
            document.unwrap_or_else(|_| panic!("no document: {output}{error}")),
        )
    }
}

/// What every file here is sent as.
const ANY: [&str; 4] = ["--version", "1.2.0", "--platform", "any"];

fn names(document: &Value) -> Vec<&str> {
    let files = document["files"].as_array().expect("files");
    let mut names: Vec<_> = files
        .iter()
        .map(|file| file["filename"].as_str().expect("a name"))
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn several_files_are_one_release() {
    let developer = Developer::new();
    let (one, two) = (
        developer.package("one.bin", "one"),
        developer.package("two.bin", "two"),
    );
    let arguments = [&ANY[..], &["--create", "--notes", "Faster"]].concat();
    let (code, document) = developer.runs("publish", &[&one, &two], &arguments);
    assert_eq!(code, 0, "{document}");
    assert_eq!(document["state"], "published");
    assert_eq!(document["channels"], serde_json::json!(["stable"]));
    assert_eq!(names(&document), ["one.bin", "two.bin"]);

    let (code, again) = developer.runs("publish", &[&one, &two], &ANY);
    assert_eq!((code, &again), (0, &document), "a second time");
    let (code, refused) = developer.runs("publish", &[&one], &[&ANY[..], &["--draft"]].concat());
    assert_eq!((code, &refused["state"]), (0, &document["state"]));
    fs::write(&two, "other").expect("a package");
    let (code, refused) = developer.runs("publish", &[&one, &two], &ANY);
    assert_eq!(code, 4, "{refused}");
    assert_eq!(refused["error"]["code"], "release_published");
    let three = developer.package("three.bin", "three");
    let (code, refused) = developer.runs("publish", &[&one, &three], &ANY);
    assert_eq!(code, 4, "{refused}");
}

#[test]
fn the_jobs_of_a_matrix_fill_a_draft_and_one_releases_it() {
    let developer = Developer::new();
    let (one, two) = (
        developer.package("one.bin", "one"),
        developer.package("two.bin", "two"),
    );
    let draft = [&ANY[..], &["--draft", "--create"]].concat();
    for file in [&one, &two, &one] {
        let (code, document) = developer.runs("publish", &[file], &draft);
        assert_eq!(code, 0, "{document}");
        assert_eq!(document["state"], "draft");
    }
    let (code, document) = developer.runs("release", &[], &["1.2.0"]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(names(&document), ["one.bin", "two.bin"]);
    assert_eq!(document["channel"], "stable");
    let (code, again) = developer.runs("release", &[], &["1.2.0"]);
    assert_eq!((code, again), (0, document), "a second time");
    let (code, refused) = developer.runs("release", &[], &["1.2.0", "--channel", "beta"]);
    assert_eq!(code, 4, "{refused}");
    let (code, refused) = developer.runs("release", &[], &["9"]);
    assert_eq!(
        (code, &refused["error"]["code"]),
        (3, &"release_unknown".into())
    );
}

#[test]
fn the_same_release_by_several_runs_at_once_is_done_for_each() {
    let developer = Developer::new();
    let one = developer.package("one.bin", "one");
    let draft = [&ANY[..], &["--draft", "--create"]].concat();
    let (code, document) = developer.runs("publish", &[&one], &draft);
    assert_eq!(code, 0, "{document}");
    std::thread::scope(|scope| {
        let run = || developer.runs("release", &[], &["1.2.0"]);
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        for run in runs {
            let (code, document) = run.join().expect("no thread panics");
            assert_eq!(
                (code, &document["state"]),
                (0, &"published".into()),
                "{document}"
            );
        }
    });
}

#[test]
fn exactly_the_files_that_are_named_are_released() {
    let developer = Developer::new();
    let (one, two) = (
        developer.package("one.bin", "one"),
        developer.package("two.bin", "two"),
    );
    let draft = [&ANY[..], &["--draft", "--create"]].concat();
    for file in [&one, &two] {
        assert_eq!(developer.runs("publish", &[file], &draft).0, 0);
    }
    let (code, document) = developer.runs("release", &[&one], &["1.2.0"]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(names(&document), ["one.bin"]);
}

#[test]
fn a_strict_release_refuses_what_is_odd_about_its_draft() {
    let developer = Developer::new();
    let one = developer.package("one.bin", "no kind that is known");
    let draft = [&ANY[..], &["--draft", "--create"]].concat();
    assert_eq!(developer.runs("publish", &[&one], &draft).0, 0);
    let (code, refused) = developer.runs("release", &[], &["1.2.0", "--strict"]);
    assert_eq!(
        (code, &refused["error"]["code"]),
        (3, &"strict_refused".into())
    );
    let (code, document) = developer.runs("release", &[], &["1.2.0"]);
    assert_eq!(code, 0, "{document}");
    assert!(
        !document["warnings"]
            .as_array()
            .expect("warnings")
            .is_empty()
    );
}

#[test]
fn nothing_is_made_for_what_is_refused() {
    let developer = Developer::new();
    let package = developer.package("notes.bin", "notes");
    let torn = developer.package("notes.zip", "PK\u{3}\u{4}");
    let empty = developer.package("empty.bin", "");
    for (file, arguments, wanted) in [
        (&package, &ANY[..], "app_unknown"),
        (
            &package,
            &["--create", "--platform", "any"],
            "version_missing",
        ),
        (
            &package,
            &["--create", "--version", "1"],
            "platform_required",
        ),
        (&torn, &["--create", "--version", "1"], "package_damaged"),
        (&empty, &["--create", "--version", "1"], "package_empty"),
        (
            &package,
            &[
                "--create",
                "--version",
                "1",
                "--platform",
                "any",
                "--channel",
                "stabel",
            ],
            "channel_unknown",
        ),
        (
            &package,
            &[
                "--create",
                "--strict",
                "--version",
                "1",
                "--platform",
                "any",
            ],
            "strict_refused",
        ),
    ] {
        let (code, refused) = developer.runs("publish", &[file], arguments);
        assert_eq!(refused["error"]["code"], wanted, "{refused}");
        assert_eq!(code, 3, "{refused}");
    }
    // The app would be there otherwise.
    let (code, refused) = developer.runs("publish", &[&package], &ANY);
    assert_eq!(
        (code, &refused["error"]["code"]),
        (3, &"app_unknown".into())
    );
}

#[test]
fn a_typing_error_is_told_the_name_that_is_near() {
    let developer = Developer::new();
    let package = developer.package("notes.bin", "notes");
    let arguments = [&ANY[..], &["--create"]].concat();
    assert_eq!(developer.runs("publish", &[&package], &arguments).0, 0);
    let next = ["--version", "2", "--platform", "any"];
    for (more, near) in [
        (["--app", "notse"], "is notes meant?"),
        (["--channel", "stabel"], "is stable meant?"),
    ] {
        let mut publish = command(&["publish", "--server", &developer.0.server(), "--token-file"]);
        publish
            .arg(developer.0.token_file())
            .args(next)
            .arg(&package);
        if more[0] == "--channel" {
            publish.args(["--app", "notes"]);
        }
        let (code, output, error) = told(&publish.args(more).output().expect("it runs"));
        assert_eq!((code, output.as_str()), (Some(3), ""), "{error}");
        assert!(error.contains(near), "{error}");
    }
}
