//! What is read out of the bytes, and who is right when the uploader says otherwise.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use http::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, until};

#[tokio::test]
async fn a_version_is_read_out_of_the_bytes_or_missing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let answer = fixture
            .put("notes.bin?channel=stable", "no version inside")
            .await;
        assert_eq!(answer.verdict(), (422, "version_missing"));
        assert!(fixture.staged().is_empty() && fixture.blobs().is_empty());
    }
}

#[tokio::test]
async fn an_inspection_that_dies_understands_nothing_and_stops_nobody() {
    for engine in engines() {
        let starved = Fixture::with(engine, |settings| {
            settings.inspection.memory_bytes = 1 << 20;
        })
        .await;
        let answer = starved.put("notes.bin?version=1", "bytes").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(answer.body["package"]["kind"], "other");
        let absent = Fixture::with(engine, |settings| {
            settings.inspection.program = Some("/nowhere/slipway".into());
        })
        .await;
        let answer = absent.put("notes.bin?version=1", "bytes").await;
        assert_eq!(
            answer.verdict(),
            (500, "internal"),
            "not inspected is not accepted"
        );
        assert!(absent.staged().is_empty() && absent.blobs().is_empty());
    }
}

#[tokio::test]
async fn an_inspection_that_is_killed_costs_its_package_the_facts_alone() {
    for engine in engines() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = stopped(folder.path());
        let fixture = Fixture::with(engine, |settings| {
            settings.inspection.program = Some(program.clone());
        })
        .await;
        // The first child is the one that upload tries out at its start.
        kill_child(&program).await;
        let (answer, ()) = tokio::join!(
            fixture.put("climbing.zip?version=1", climbing_zip()),
            kill_child(&program)
        );
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(answer.body["package"]["kind"], "other");
        let delivery = fixture.catalog.deliveries().pop().expect("one delivery");
        let warnings = delivery.facts["warnings"].to_string();
        assert!(warnings.contains("did not come to an end"), "{warnings}");
    }
}

/// What `confine` says on a kernel that refuses it is in `tests/confinement.rs`; this is what becomes of it.
#[tokio::test]
async fn without_confinement_no_package_is_read_and_none_is_stopped() {
    for engine in engines() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = script(folder.path(), "echo seccomp was refused; exit 3");
        let fixture = Fixture::with(engine, |settings| {
            settings.inspection.program = Some(program.clone());
        })
        .await;
        let answer = fixture.put("climbing.zip?version=1", climbing_zip()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(answer.body["package"]["kind"], "other");
    }
}

/// An inspection that stops itself before it begins, so that it can be found and killed.
fn stopped(folder: &Path) -> PathBuf {
    let real = env!("CARGO_BIN_EXE_slipway-upload");
    script(folder, &format!("kill -STOP $$; exec '{real}' \"$@\""))
}

/// Written by another process: a child of another test that begins meanwhile would hold it open for writing, and what
/// is open for writing cannot be run (execve(2), `ETXTBSY`).
fn script(folder: &Path, line: &str) -> PathBuf {
    let path = folder.join("inspection");
    let status = Command::new("install")
        .args(["-m", "700", "/dev/stdin"])
        .arg(&path)
        .stdin(text(&format!("#!/bin/sh\n{line}\n")))
        .status();
    assert!(status.expect("coreutils").success());
    path
}

fn text(text: &str) -> std::io::PipeReader {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(text.as_bytes()).expect("a short text");
    reader
}

/// Waits for a stopped process that runs `program`, and kills it.
async fn kill_child(program: &Path) {
    let mut killed = false;
    until("a stopped inspection", async || {
        for process in fs::read_dir("/proc").expect("Linux").flatten() {
            // One that has ended meanwhile has no files.
            let holds = |name, text: &str| {
                let read = fs::read_to_string(process.path().join(name));
                read.is_ok_and(|read| read.contains(text))
            };
            if holds("cmdline", &program.to_string_lossy()) && holds("status", "State:\tT") {
                let pid = process.file_name().to_string_lossy().parse().ok();
                let pid = pid.and_then(Pid::from_raw).expect("a process");
                kill_process(pid, Signal::KILL).expect("a child of ours");
                killed = true;
            }
        }
        killed
    })
    .await;
}

#[tokio::test]
async fn an_archive_that_is_built_to_harm_is_refused_by_its_rule() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let answer = fixture.put("climbing.zip?version=1", climbing_zip()).await;
        assert_eq!(answer.verdict(), (422, "archive_refused"));
        assert_eq!(answer.body["rule"], "climbing");
        assert!(fixture.staged().is_empty() && fixture.blobs().is_empty());
    }
}

#[tokio::test]
async fn what_is_not_whole_is_refused_and_not_kept() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let apk = include_bytes!("../../../../crates/packages/tests/files/signed-rsa.apk");
        let changed =
            include_bytes!("../../../../crates/packages/tests/files/apk-v3-digest-mismatch.apk");
        for (name, body, words) in [
            ("notes.apk", &apk[..5000], "no directory"),
            ("notes.bin", &apk[..5000], "no directory"),
            (
                "notes.apk",
                &b"<html>502 Bad Gateway</html>"[..],
                "HTML page",
            ),
            ("notes.deb", &apk[..], "kind deb"),
            ("notes.apk", &changed[..], "changed after it was signed"),
        ] {
            let answer = fixture
                .put(&format!("{name}?version=1&channel=stable"), body)
                .await;
            assert_eq!(answer.verdict(), (422, "package_damaged"), "{name}");
            let detail = answer.body["detail"].as_str().expect("words");
            assert!(
                detail.contains(words) && detail.contains("kind=other"),
                "{detail}"
            );
        }
        assert!(fixture.staged().is_empty() && fixture.blobs().is_empty());
        let answer = fixture.put("notes.apk?version=1", &apk[..]).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(answer.body["package"]["kind"], "apk");
    }
}

#[tokio::test]
async fn what_is_declared_to_be_of_no_known_kind_is_taken_as_it_is() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let apk = include_bytes!("../../../../crates/packages/tests/files/signed-rsa.apk");
        let changed =
            include_bytes!("../../../../crates/packages/tests/files/apk-v3-digest-mismatch.apk");
        let page = &b"<html>502 Bad Gateway</html>"[..];
        for (version, body, warnings) in [
            (1, &apk[..5000], 2),
            (2, page, 2),
            (3, &changed[..], 1),
            (4, &apk[..], 1),
        ] {
            let path = format!("notes.apk?version={version}&kind=other");
            let answer = fixture.put(&path, body).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
            let package = &answer.body["package"];
            assert_eq!(package["kind"], "other");
            assert_eq!(package["platform"], "none");
            let facts = facts(&fixture);
            assert!(facts["identifier"].is_null() && facts["signer_sha256"].is_null());
            let said = facts["warnings"].as_array().expect("a list");
            assert_eq!(said.len(), warnings, "{said:?}");
        }
        let answer = fixture
            .put("notes.apk?version=5&kind=other&platform=android", page)
            .await;
        assert_eq!(answer.body["package"]["platform"], "none");
        let said = facts(&fixture)["warnings"].to_string();
        assert!(said.contains("platform=android was passed over"), "{said}");
        let answer = fixture
            .put("climbing.zip?version=6&kind=other", climbing_zip())
            .await;
        assert_eq!(answer.verdict(), (422, "archive_refused"));
        let answer = fixture.put("notes.apk?version=6&kind=apk", &apk[..]).await;
        assert_eq!(answer.verdict(), (422, "kind_unknown"));
        let answer = fixture
            .put("notes.apk?kind=other&channel=stable", &apk[..])
            .await;
        assert_eq!(answer.verdict(), (422, "version_missing"));
    }
}

/// Of the package that was delivered last.
fn facts(fixture: &Fixture) -> serde_json::Value {
    fixture
        .catalog
        .deliveries()
        .pop()
        .expect("a delivery")
        .facts
}

/// A child that was led astray is not believed, and its weakness stops nobody.
#[tokio::test]
async fn an_inspection_that_names_what_is_not_there_has_understood_nothing() {
    let names = r#"{"outcome":{"outcome":"understood","kind":"apk","platform":"android","arch":null,"identifier":null,
        "version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],
        "signer_sha256":null,"signer_verified":false,"warnings":[]},
        "content":{"block":1,"directory":2,"end":99999999,"digests":[{"algorithm":"sha256","digest":"00"}]}}"#;
    for engine in engines() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = script(
            folder.path(),
            &format!("echo '{}'", names.replace('\n', " ")),
        );
        let fixture = Fixture::with(engine, |settings| {
            settings.inspection.program = Some(program.clone());
        })
        .await;
        // Whose name is the word of its uploader, and nothing else is known of it.
        let answer = fixture.put("notes.apk?version=1", "bytes").await;
        assert_eq!(answer.verdict(), (422, "platform_required"));
        let answer = fixture
            .put("notes.apk?version=1&platform=android", "bytes")
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(answer.body["package"]["kind"], "other");
    }
}

#[tokio::test]
async fn the_word_of_the_uploader_does_not_contradict_the_bytes() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        // Two load commands short of a program, but its magic number says what it runs on.
        let mut program = vec![
            0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0,
        ];
        program.resize(64, 0);
        let answer = fixture
            .put("notes?version=1&platform=windows", program.clone())
            .await;
        assert_eq!(answer.verdict(), (422, "platform_mismatch"));
        let answer = fixture.put("notes?version=1&platform=macos", program).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        assert_eq!(answer.body["package"]["platform"], "macos");
    }
}

/// A zip with one empty entry that climbs out of the folder it is unpacked into.
fn climbing_zip() -> Vec<u8> {
    let name = b"../evil";
    let length = u16::try_from(name.len())
        .expect("a short name")
        .to_le_bytes();
    let mut zip = Vec::new();
    zip.extend(b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    zip.extend(length);
    zip.extend([0, 0]);
    zip.extend(name);
    let directory = u32::try_from(zip.len()).expect("a small file");
    zip.extend(b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    zip.extend(length);
    zip.extend([0; 16]);
    zip.extend(name);
    let size = u32::try_from(zip.len()).expect("a small file") - directory;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(size.to_le_bytes());
    zip.extend(directory.to_le_bytes());
    zip.extend([0, 0]);
    zip
}
