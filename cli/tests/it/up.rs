use std::fs;

use rustix::process::Signal;

use crate::slipway::{Platform, command, runs, signal, slipway, text, told, until};

#[test]
fn a_second_up_is_refused_with_the_pid_of_the_first() {
    let platform = Platform::start(&[]);
    let data = platform.data();
    let (code, output, error) = slipway(&["up", "--data", text(&data), "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert_eq!(output, "");
    assert!(
        error.contains(&format!("pid {}", platform.up.id())),
        "{error}"
    );
    assert!(error.contains("--data"), "{error}");
}

#[test]
fn kill_9_of_up_leaves_no_child() {
    let mut platform = Platform::start(&["--instances", "upload=2"]);
    let pids = until("seven instances", || {
        Some(platform.pids()).filter(|pids| pids.len() == 7)
    });
    platform.up.kill().unwrap();
    platform.up.wait().unwrap();
    until("the children end", || {
        (!pids.iter().any(|pid| runs(*pid))).then_some(())
    });
    assert_eq!(
        platform.pids(),
        Vec::<i32>::new(),
        "they took their announcements back"
    );
}

#[test]
fn a_child_that_was_killed_comes_back() {
    let platform = Platform::start(&[]);
    let before = platform.pid("registry-1").unwrap();
    signal(before, Signal::KILL);
    let after = until("another registry", || {
        platform.pid("registry-1").filter(|pid| *pid != before)
    });
    assert!(runs(after));
}

#[test]
fn a_child_that_was_ready_comes_back_at_once_however_often_it_is_killed() {
    let platform = Platform::start(&[]);
    for _ in 0..4 {
        let before = until("a registry", || platform.pid("registry-1"));
        signal(before, Signal::KILL);
        until("another registry", || {
            platform.pid("registry-1").filter(|pid| *pid != before)
        });
    }
    let log = fs::read_to_string(platform.folder.path().join("log")).unwrap();
    let again = log.matches("starting it again in 100ms").count();
    assert_eq!(
        (again, log.matches("starting it again").count()),
        (4, 4),
        "{log}"
    );
}

#[test]
fn sigterm_ends_all_and_the_exit_code_is_0() {
    let mut platform = Platform::start(&[]);
    let pids = platform.pids();
    signal(platform.up_pid(), Signal::TERM);
    let status = platform.up.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(!pids.iter().any(|pid| runs(*pid)), "a child outlived up");
    let log = fs::read_to_string(platform.folder.path().join("log")).unwrap();
    assert!(!log.contains("was killed"), "a child had to be killed");
    for service in ["catalog", "download", "signing", "upload"] {
        let database = platform.data().join(format!("{service}/{service}.db"));
        assert!(database.exists());
        let log = database.with_extension("db-wal");
        assert!(!log.exists(), "{service}'s log is in its database");
    }
}

#[test]
fn the_admin_token_reaches_no_pipe_and_no_log() {
    let platform = Platform::start(&[]);
    let token = fs::read_to_string(platform.token_file()).unwrap();
    assert!(
        platform.greeting.contains("admin-token"),
        "{}",
        platform.greeting
    );
    assert!(!platform.greeting.contains(token.trim()));
    let log = fs::read_to_string(platform.folder.path().join("log")).unwrap();
    assert!(!log.contains(token.trim()), "the token is in the log");
}

#[test]
fn what_cannot_run_is_a_usage_error() {
    let (code, _, error) = slipway(&["up", "--instances", "gateway=0"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("is not a number from 1"), "{error}");
}

/// As a file on a full disk.
#[test]
fn a_log_that_the_disk_does_not_take_ends_nobody() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let (code, ..) = slipway(&["init", "--data", text(&data)]);
    assert_eq!(code, Some(0));
    let full = fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("a full device");
    let mut registry = command(&["run", "registry", "--data", text(&data)])
        .stderr(full)
        .spawn()
        .expect("the program runs");
    let announced = data.join("run/registry-1.json");
    until("it is ready", || announced.exists().then_some(()));
    signal(registry.id().try_into().expect("a pid"), Signal::TERM);
    let ended = registry.wait().expect("its end");
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn a_taken_port_and_a_wrong_setting_are_told_in_one_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = holder.local_addr().expect("its address").to_string();
    let elsewhere = ["--listen", "127.0.0.1:0"];
    let port = ["--listen", taken.as_str()];
    for (arguments, (name, value), words) in [
        (
            &port,
            ("SLIPWAY_UNUSED", ""),
            "another program listens there",
        ),
        (
            &elsewhere,
            ("SLIPWAY_UPLOAD__LIMITS__NOT_KNOWN", "1"),
            "unknown field",
        ),
        (
            &elsewhere,
            ("SLIPWAY_CATALOG__HTTP__PUBLIC_URL", "https://a.example/b"),
            "root of its host",
        ),
    ] {
        let mut up = command(&["up", "--data", text(&data)]);
        let output = up.args(arguments).env(name, value).output();
        let (code, output, error) = told(&output.expect("the program runs"));
        assert_eq!((code, output.as_str()), (Some(2), ""), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains(words), "{error}");
    }
    drop(holder);
    let (code, _, error) = slipway(&["up", "--public-url", "https://a.example/slipway"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("give https://a.example"), "{error}");
}

#[test]
fn slipway_alone_tells_its_help_and_the_server_is_a_binary_of_its_own() {
    let (code, output, error) = slipway(&[]);
    assert_eq!((code, output.as_str()), (Some(2), ""));
    assert!(error.contains("slipway publish"), "{error}");
    let server = |arguments: &[&str]| {
        let mut server = std::process::Command::new(env!("CARGO_BIN_EXE_slipway-server"));
        told(&server.args(arguments).output().expect("the program runs"))
    };
    let (code, output, _) = server(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(output.contains("--public-url"), "{output}");
    let (code, output, _) = server(&["publish", "--help"]);
    assert_eq!(code, Some(0));
    assert!(output.contains("--draft"), "{output}");
}
