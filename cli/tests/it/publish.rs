//! Against the whole platform, as `slipway up` runs it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::relay::Relay;
use crate::slipway::{Platform, command, signal, told};

/// A developer's machine: where packages lie, and where runs remember each other.
struct Developer<'a> {
    platform: &'a Platform,
    /// Where they reach it.
    server: String,
}

impl Developer<'_> {
    fn package(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.platform.folder.path().join(name);
        fs::write(&path, bytes).expect("a package");
        path
    }

    fn publish(&self, file: &Path, arguments: &[&str]) -> Command {
        let mut publish = command(&["publish", "--server", &self.server, "--create"]);
        publish
            .args(["--platform", "any", "--token-file"])
            .arg(self.platform.token_file())
            .arg(file)
            .args(arguments)
            .env("XDG_STATE_HOME", self.platform.folder.path().join("state"));
        publish
    }

    fn published(&self, file: &Path, arguments: &[&str]) -> (String, String) {
        let output = self.publish(file, arguments).output();
        let (code, output, error) = told(&output.expect("the program runs"));
        assert_eq!(code, Some(0), "{output}{error}");
        (output, error)
    }

    fn refused(&self, file: &Path, arguments: &[&str], exit: i32) -> String {
        let output = self.publish(file, arguments).output();
        let (code, output, error) = told(&output.expect("the program runs"));
        assert_eq!((code, output.as_str()), (Some(exit), ""), "{error}");
        error
    }

    /// How many uploads could be gone on with.
    fn remembered(&self) -> usize {
        let folder = self.platform.folder.path().join("state/slipway/uploads");
        fs::read_dir(folder).map_or(0, Iterator::count)
    }
}

/// The address behind a word of what `publish` said.
fn link<'a>(output: &'a str, word: &str) -> &'a str {
    let line = output.lines().find(|line| line.starts_with(word));
    line.and_then(|line| line.split_whitespace().nth(1))
        .expect("a link")
}

fn fetch(url: &str) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let get = async {
        let answer = slipway_runtime::http::client::http_client()
            .expect("a client")
            .get(url)
            .send()
            .await?;
        answer.error_for_status()?.bytes().await
    };
    runtime.block_on(get).expect("the bytes").to_vec()
}

/// Bytes after which the network is held: more than the requests before the upload, and far less than the package.
const HELD: u64 = 8 * 1024 * 1024;

/// A package that does not fit into the buffers between a client and the upload service.
fn large() -> Vec<u8> {
    bytes(1024 * 1024).repeat(64)
}

/// Bytes that no compression and no accident makes equal.
fn bytes(count: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(next).collect()
}

#[test]
fn what_is_published_can_be_fetched_and_proven() {
    let platform = Platform::start(&[]);
    let developer = Developer {
        platform: &platform,
        server: platform.server(),
    };
    let bytes = bytes(300_000);
    let package = developer.package("notes-1.2.3.bin", &bytes);

    let (output, error) = developer.published(&package, &["--version", "1.2.3"]);
    assert!(error.contains("the app is notes"), "{error}");
    assert!(error.contains("made the app notes"), "{error}");
    assert!(error.contains("sending 100 %"), "{error}");
    assert!(
        output.starts_with("notes 1.2.3 is published in stable\n"),
        "{output}"
    );
    assert_eq!(developer.remembered(), 0);
    let page = String::from_utf8(fetch(link(&output, "page"))).unwrap();
    assert!(page.contains("notes"), "{page}");

    let downloaded = platform.folder.path().join("downloaded");
    let (signature, key) = (
        downloaded.with_extension("minisig"),
        downloaded.with_extension("pub"),
    );
    fs::write(&downloaded, fetch(link(&output, "file"))).unwrap();
    fs::write(&signature, fetch(link(&output, "signature"))).unwrap();
    fs::write(&key, fetch(link(&output, "key"))).unwrap();
    assert_eq!(fs::read(&downloaded).unwrap(), bytes);
    let mut verify = command(&["verify"]);
    verify.arg(&downloaded).arg("--key").arg(&key);
    let (code, output, error) = told(&verify.output().unwrap());
    assert_eq!(code, Some(0), "{error}");
    assert!(output.contains("version  1.2.3"), "{output}");

    let error = developer.refused(&package, &[], 3);
    assert!(error.contains("give it with --version"), "{error}");

    // A second time changes nothing; other bytes are refused.
    developer.published(&package, &["--version", "1.2.3"]);
    fs::write(&package, "other").unwrap();
    let error = developer.refused(&package, &["--version", "1.2.3"], 4);
    assert!(error.contains("is published already"), "{error}");
    assert_eq!(
        developer.remembered(),
        0,
        "what is refused for good is not gone on with"
    );
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let platform = Platform::start(&[]);
    let relay = Relay::start(&platform.address, HELD);
    let server = format!("http://{}", relay.address);
    let developer = Developer {
        platform: &platform,
        server,
    };
    let bytes = large();
    let package = developer.package("large.bin", &bytes);
    let arguments = ["--app", "large", "--version", "1"];

    let mut first = developer
        .publish(&package, &arguments)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    relay.wait_until_held();
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(developer.remembered(), 1);

    relay.release();
    let (output, error) = developer.published(&package, &arguments);
    assert!(error.contains("are there already, going on"), "{error}");
    assert_eq!(fetch(link(&output, "file")), bytes);
    assert_eq!(developer.remembered(), 0);
}

#[test]
fn a_service_that_is_killed_on_the_way_does_not_stop_it() {
    let platform = Platform::start(&[]);
    let relay = Relay::start(&platform.address, HELD);
    let server = format!("http://{}", relay.address);
    let developer = Developer {
        platform: &platform,
        server,
    };
    let bytes = large();
    let package = developer.package("large.bin", &bytes);

    let mut publish = developer.publish(&package, &["--app", "large", "--version", "1"]);
    let publish = publish
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    relay.wait_until_held();
    signal(platform.pid("upload-1").unwrap(), Signal::KILL);
    relay.release();
    let (code, output, error) = told(&publish.wait_with_output().unwrap());
    assert_eq!(code, Some(0), "{error}");
    assert!(error.contains("trying again"), "{error}");
    assert_eq!(fetch(link(&output, "file")), bytes);
}

#[test]
fn a_token_that_does_not_do_is_refused_with_the_request_id() {
    let platform = Platform::start(&[]);
    let developer = Developer {
        platform: &platform,
        server: platform.server(),
    };
    let package = developer.package("notes.bin", b"notes");
    // Well-formed, and nobody's.
    let stranger = slipway_runtime::token::Token::random().unwrap();
    let file = developer.package("token", stranger.reveal().as_bytes());
    let mut publish = command(&["publish", "--server", &platform.server(), "--token-file"]);
    publish
        .arg(file)
        .args(["--version", "1", "--platform", "any"])
        .arg(&package)
        .env("XDG_STATE_HOME", platform.folder.path());
    let (code, _, error) = told(&publish.output().unwrap());
    assert_eq!(code, Some(3));
    assert!(error.contains("401 token_invalid, request "), "{error}");
    assert!(!error.contains(stranger.reveal()));

    let (code, _, error) = told(&command(&["publish"]).arg(&package).output().unwrap());
    assert_eq!(code, Some(2));
    assert!(
        error.contains("SLIPWAY_TOKEN") && error.contains("--token-file"),
        "{error}"
    );

    let mut damaged = command(&["publish"]);
    let damaged = damaged
        .arg(&package)
        .env("SLIPWAY_TOKEN", "slw_123")
        .output();
    let (_, _, error) = told(&damaged.unwrap());
    assert!(error.contains("SLIPWAY_TOKEN holds no token"), "{error}");
    assert!(!error.contains("slw_123"), "{error}");
}

#[test]
fn an_address_where_nobody_listens_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("notes.bin");
    fs::write(&package, "notes").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut publish = command(&["publish", "--server", &server]);
    let token = slipway_runtime::token::Token::random().unwrap();
    publish
        .args(["--version", "1", "--platform", "any"])
        .arg(&package)
        .env("SLIPWAY_TOKEN", token.reveal())
        .env("XDG_STATE_HOME", folder.path());
    let (code, _, error) = told(&publish.output().unwrap());
    assert_eq!(code, Some(5));
    assert!(
        error.contains(&server) && error.contains("cannot be reached"),
        "{error}"
    );
}
