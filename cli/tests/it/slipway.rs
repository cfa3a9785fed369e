//! The program under test, and the platform that it runs.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Far above what anything here takes, on a machine that builds beside it.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("HOME")
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("SLIPWAY_SERVER")
        .env_remove("SLIPWAY_TOKEN");
    command
}

/// Runs it to its end: the exit code, standard output, standard error.
pub(crate) fn slipway(arguments: &[&str]) -> (Option<i32>, String, String) {
    told(&command(arguments).output().expect("the program runs"))
}

pub(crate) fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

/// Asks until there is an answer, for as long as is sensible.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `slipway up` in a folder of its own, on a free port.
pub(crate) struct Platform {
    pub(crate) folder: TempDir,
    pub(crate) address: String,
    pub(crate) up: Child,
    /// What it said on standard output when it was ready.
    pub(crate) greeting: String,
}

impl Platform {
    /// Starts it and waits until it says that it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let log = fs::File::create(folder.path().join("log")).expect("a log file");
        let mut up = command(&["up", "--data", text(&data), "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program runs");
        let output = BufReader::new(up.stdout.take().expect("its output"));
        let lines: Vec<String> = output.lines().map_while(Result::ok).take(2).collect();
        let address = lines
            .first()
            .and_then(|line| line.strip_prefix("Slipway is ready at http://"));
        let address = address.expect("it tells its address").to_owned();
        Self {
            folder,
            address,
            up,
            greeting: lines.join("\n"),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn server(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn token_file(&self) -> PathBuf {
        self.data().join("admin-token")
    }

    /// What the running instances say of themselves, by the name of their file.
    pub(crate) fn announcements(&self) -> Vec<(String, Value)> {
        let mut found: Vec<_> = fs::read_dir(self.data().join("run"))
            .expect("the folder of what runs")
            .flatten()
            .filter_map(|entry| {
                let name = entry
                    .file_name()
                    .to_str()?
                    .strip_suffix(".json")?
                    .to_owned();
                Some((
                    name,
                    serde_json::from_slice(&fs::read(entry.path()).ok()?).ok()?,
                ))
            })
            .collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }

    pub(crate) fn pid(&self, name: &str) -> Option<i32> {
        let (_, announcement) = self
            .announcements()
            .into_iter()
            .find(|(found, _)| found == name)?;
        announcement["pid"].as_i64()?.try_into().ok()
    }

    pub(crate) fn pids(&self) -> Vec<i32> {
        self.announcements()
            .iter()
            .filter_map(|(name, _)| self.pid(name))
            .collect()
    }

    pub(crate) fn up_pid(&self) -> i32 {
        self.up.id().try_into().expect("a pid")
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let pids = self.pids();
        let _ = self.up.kill();
        let _ = self.up.wait();
        for pid in pids {
            signal(pid, Signal::KILL);
        }
    }
}

pub(crate) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether a process runs; one that has ended and waits for its parent does not.
pub(crate) fn runs(pid: i32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    let state = status
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}
