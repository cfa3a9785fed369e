//! What `up` keeps while its children, and itself, are replaced.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::slipway::{Platform, command, runs, signal, text, until};

const SERVICES: [&str; 6] = [
    "registry", "upload", "signing", "catalog", "download", "gateway",
];

/// Somebody who asks again and again, each time over a new connection, and counts what fails.
struct Visitor {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    asking: std::thread::JoinHandle<Vec<String>>,
}

impl Visitor {
    fn begin(address: &str, path: &str) -> Self {
        let (stop, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (address, path) = (address.to_owned(), path.to_owned());
        let (stopped, count) = (stop.clone(), asked.clone());
        let asking = std::thread::spawn(move || {
            let mut failed = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                match status(&address, &path) {
                    Ok(200) => {}
                    Ok(other) => failed.push(other.to_string()),
                    Err(error) => failed.push(error.to_string()),
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
            failed
        });
        Self {
            stop,
            asked,
            asking,
        }
    }

    /// Waits until so many more have been answered.
    fn goes_on(&self, more: usize) {
        let before = self.asked.load(Ordering::Relaxed);
        until("the visitor goes on", || {
            (self.asked.load(Ordering::Relaxed) >= before + more).then_some(())
        });
    }

    fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.asking.join().expect("the visitor ends")
    }
}

fn status(address: &str, path: &str) -> std::io::Result<u16> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(Duration::from_mins(1)))?;
    write!(
        connection,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    let whole = answer.split_once("\r\n\r\n").and_then(|(head, body)| {
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))?;
        (length.parse() == Ok(body.len())).then_some(())
    });
    let status = whole.and(status);
    status.ok_or_else(|| std::io::Error::other(format!("cut off: {answer:.300}")))
}

/// What `up` tells of its children: service and pid of those that do not leave.
fn fleet(platform: &Platform) -> Option<Value> {
    let text = fs::read(platform.data().join("run/fleet")).ok()?;
    serde_json::from_slice(&text).ok()
}

fn serving(platform: &Platform, service: &str) -> Option<i32> {
    let fleet = fleet(platform)?;
    let children = fleet["children"].as_array()?;
    let mut own = children
        .iter()
        .filter(|child| child["service"] == service && child["leaves"] == false);
    i32::try_from(own.next()?["pid"].as_i64()?).ok()
}

/// Whether a process has said that it is ready.
fn is_ready(platform: &Platform, pid: i32) -> bool {
    platform.pids().contains(&pid)
}

fn publish(platform: &Platform) -> String {
    let file = platform.folder.path().join("notes.bin");
    fs::write(&file, vec![7; 300_000]).expect("a file");
    let server = platform.server();
    let token = platform.token_file();
    let words = [
        "publish",
        text(&file),
        "--app",
        "notes",
        "--version",
        "1.0.0",
        "--create",
    ];
    let mut command = command(&words);
    command.args([
        "--platform",
        "any",
        "--server",
        &server,
        "--token-file",
        text(&token),
    ]);
    command.env("XDG_STATE_HOME", platform.folder.path().join("state"));
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    "/d/notes/1.0.0/notes.bin".to_owned()
}

#[test]
fn nothing_is_refused_while_each_service_is_told_to_end_in_turn() {
    let platform = Platform::start(&[]);
    let path = publish(&platform);
    let visitor = Visitor::begin(&platform.address, &path);
    visitor.goes_on(5);
    for service in SERVICES {
        let before = until("a process", || serving(&platform, service));
        signal(before, Signal::TERM);
        let after = until("its successor", || {
            serving(&platform, service).filter(|pid| *pid != before)
        });
        until("it is ready", || is_ready(&platform, after).then_some(()));
        until("the old one ends", || (!runs(before)).then_some(()));
        visitor.goes_on(5);
    }
    assert_eq!(visitor.end(), Vec::<String>::new());
    let log = fs::read_to_string(platform.folder.path().join("log")).expect("the log");
    assert!(!log.contains("was killed"), "{log}");
}

#[test]
fn up_becomes_another_program_and_keeps_all_that_it_has() {
    let platform = Platform::start(&[]);
    let digest = installed(&platform, env!("CARGO_BIN_EXE_slipway"));
    let before = fleet(&platform).expect("a fleet");
    let run = fs::read(platform.data().join("run/run")).expect("a run");
    let visitor = Visitor::begin(&platform.address, "/readyz");
    want(&platform, 1, &digest);
    let after = until("another program", || {
        fleet(&platform).filter(|fleet| fleet["up"] == digest.as_str())
    });
    assert_eq!(after["pid"], before["pid"]);
    assert_eq!(after["children"], before["children"], "the same children");
    assert_eq!(
        run,
        fs::read(platform.data().join("run/run")).expect("a run")
    );
    visitor.goes_on(5);
    assert_eq!(visitor.end(), Vec::<String>::new());
    let (code, _, error) = crate::slipway::slipway(&[
        "up",
        "--data",
        text(&platform.data()),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(code, Some(1), "the lock is kept: {error}");

    let killed = serving(&platform, "signing").expect("a process");
    signal(killed, Signal::KILL);
    let again = until("another one", || {
        serving(&platform, "signing").filter(|pid| *pid != killed)
    });
    until("it is ready", || is_ready(&platform, again).then_some(()));
    let pids = platform.pids();
    signal(platform.up_pid(), Signal::KILL);
    until("the children end with it", || {
        (!pids.iter().any(|pid| runs(*pid))).then_some(())
    });
}

#[test]
fn what_cannot_take_over_changes_nothing() {
    let platform = Platform::start(&["--unsigned"]);
    let broken = platform.folder.path().join("broken");
    fs::write(&broken, "#!/bin/false\n").expect("a file");
    let digest = installed(&platform, text(&broken));
    let before = fleet(&platform).expect("a fleet");
    want(&platform, 1, &digest);
    let after = until("it says why", || {
        fleet(&platform).filter(|fleet| fleet["refused"].is_string())
    });
    assert_eq!(after["children"], before["children"]);
    assert_eq!(
        (&after["up"], &after["pid"]),
        (&Value::Null, &before["pid"])
    );
    let why = after["refused"].as_str().expect("words");
    assert!(why.contains("does not take over"), "{why}");
    want(&platform, 2, &"0".repeat(64));
    until("none is there", || {
        let why = fleet(&platform)?["refused"].as_str()?.to_owned();
        why.contains("there is no program").then_some(())
    });
    assert_eq!(
        status(&platform.address, "/readyz").expect("an answer"),
        200
    );
}

#[test]
fn what_is_in_no_release_is_not_started() {
    let platform = Platform::start(&[]);
    let unproven = platform.folder.path().join("unproven");
    fs::write(&unproven, "#!/bin/true\n").expect("a file");
    let digest = installed(&platform, text(&unproven));
    let before = fleet(&platform).expect("a fleet");
    want(&platform, 1, &digest);
    let after = until("it says why", || {
        fleet(&platform).filter(|fleet| fleet["refused"].is_string())
    });
    let why = after["refused"].as_str().expect("words");
    assert!(why.contains("--unsigned"), "{why}");
    assert_eq!(after["children"], before["children"]);
}

/// Puts an executable where programs are; returns its digest.
fn installed(platform: &Platform, executable: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;

    let sum = std::process::Command::new("sha256sum")
        .arg(executable)
        .output()
        .expect("sha256sum runs");
    let sum = String::from_utf8(sum.stdout).expect("a digest");
    let digest = sum.split(' ').next().expect("a digest").to_owned();
    let folder = platform.data().join("versions").join(&digest);
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(executable, folder.join("slipway")).expect("a copy");
    let mode = fs::Permissions::from_mode(0o700);
    fs::set_permissions(folder.join("slipway"), mode).expect("it can be run");
    digest
}

/// Says that `up` is to be another program.
fn want(platform: &Platform, revision: u64, up: &str) {
    let wanted = platform.data().join("versions/wanted.json");
    let new = wanted.with_extension("new");
    let document = json!({"revision": revision, "up": up, "instances": []});
    fs::write(&new, document.to_string()).expect("a document");
    fs::rename(new, wanted).expect("it is there whole");
}
