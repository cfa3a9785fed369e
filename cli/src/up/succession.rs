//! `up` becomes another program by `exec`, and keeps what it has: its children and their lifelines, the lock, the public
//! listener and the run.
//!
//! What is kept is sent to ourselves: it waits in a socket, which is the standard input of the program that we become. So
//! nothing stays open that nobody knows of. A program that could not be started changes nothing: it is asked beforehand, in
//! a process of its own, whether it takes over what we leave.

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::{SigSet, Signal};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::process::Pid;
use rustix::stdio::dup2_stdin;
use serde::{Deserialize, Serialize};
use slipway_contract::Digest;
use slipway_handover::{give, pair, take};

use super::process::Process;
use super::table::Entry;
use crate::fleet::wanted::Instance;

/// What the document means; another number is for other programs.
pub(super) const FORM: u32 = 1;

/// What an earlier program left, beside the descriptors.
#[derive(Serialize, Deserialize)]
struct Document {
    form: u32,
    run: String,
    /// The program that somebody started by hand.
    started: Digest,
    /// Whether the person at the terminal was told that all is ready.
    has_greeted: bool,
    /// What we become.
    up: Digest,
    /// In the order of their lifelines.
    children: Vec<ChildDocument>,
}

#[derive(Serialize, Deserialize)]
struct ChildDocument {
    instance: Instance,
    pid: i32,
    leaves: bool,
}

/// What `up` has while it runs, for the program that it becomes.
pub(super) struct Estate<'a> {
    pub(super) run: &'a str,
    pub(super) started: Digest,
    pub(super) has_greeted: bool,
    pub(super) lock: &'a File,
    pub(super) listener: &'a TcpListener,
    pub(super) children: &'a [Entry],
}

/// What was taken over.
pub(super) struct Inheritance {
    pub(super) run: String,
    pub(super) started: Digest,
    pub(super) has_greeted: bool,
    pub(super) up: Digest,
    pub(super) lock: File,
    pub(super) listener: TcpListener,
    pub(super) children: Vec<Left>,
}

pub(super) struct Left {
    pub(super) instance: Instance,
    pub(super) process: Process,
    pub(super) leaves: bool,
}

/// Becomes the program, and returns where that failed, with everything as it was.
pub(super) fn become_program(
    program: &Path,
    digest: Digest,
    arguments: &[OsString],
    estate: &Estate<'_>,
) -> anyhow::Result<Infallible> {
    let shown = program.display();
    let asked = Command::new(program)
        .args(["up", "--takes", &FORM.to_string()])
        .stdin(Stdio::null())
        .output();
    let answer = asked.with_context(|| format!("{shown} cannot be started"))?;
    ensure!(
        answer.status.success(),
        "{shown} does not take over from this version ({}): end `slipway up` and start that one",
        answer.status
    );
    let (ours, theirs) = pair()?;
    let before = std::io::stdin().as_fd().try_clone_to_owned()?;
    leave(&ours, digest, &before, estate)?;
    let path = CString::new(program.as_os_str().as_bytes())?;
    let mut words = vec![path.clone()];
    for argument in arguments {
        words.push(CString::new(argument.as_bytes())?);
    }
    // Until the next program listens: one that came between would end it without a word to its children.
    let signals = signals();
    signals.thread_block()?;
    dup2_stdin(&theirs)?;
    let failed = nix::unistd::execv(&path, &words);
    dup2_stdin(&before)?;
    signals.thread_unblock()?;
    failed.with_context(|| format!("{shown} cannot be started"))
}

/// Signals that were held back meanwhile come now.
pub(super) fn listen_to_signals() -> anyhow::Result<()> {
    Ok(signals().thread_unblock()?)
}

fn signals() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT].into_iter().collect()
}

fn leave(socket: &OwnedFd, up: Digest, stdin: &OwnedFd, estate: &Estate<'_>) -> anyhow::Result<()> {
    let mut children = Vec::new();
    let mut given: Vec<BorrowedFd<'_>> =
        vec![stdin.as_fd(), estate.lock.as_fd(), estate.listener.as_fd()];
    for child in estate.children {
        children.push(ChildDocument {
            instance: child.instance,
            pid: child.process.pid().cast_signed(),
            leaves: child.leaves,
        });
        given.push(child.process.lifeline());
    }
    let document = Document {
        form: FORM,
        run: estate.run.to_owned(),
        started: estate.started,
        has_greeted: estate.has_greeted,
        up,
        children,
    };
    give(socket, &serde_json::to_vec(&document)?, &given)
        .context("what is left could not be handed over")
}

/// Takes over what an earlier program has left on standard input, and gives that back what it was.
pub(super) fn take_over() -> anyhow::Result<Inheritance> {
    let (document, given) = take(std::io::stdin()).context("nothing was left to take over")?;
    let document: Document = serde_json::from_slice(&document)?;
    ensure!(
        document.form == FORM,
        "this program does not take over what has the form {}",
        document.form
    );
    let mut given = given.into_iter();
    let (Some(stdin), Some(lock), Some(listener)) = (given.next(), given.next(), given.next())
    else {
        bail!("the lock or the listener is missing");
    };
    dup2_stdin(&stdin)?;
    ensure!(
        given.len() == document.children.len(),
        "the lifelines are not those of the children"
    );
    let mut children = Vec::new();
    for (child, lifeline) in document.children.into_iter().zip(given) {
        let pid = Pid::from_raw(child.pid).context("a child has no pid")?;
        let process = Process::watch(pid, lifeline)
            .with_context(|| format!("the child {} is not ours", child.pid))?;
        children.push(Left {
            instance: child.instance,
            process,
            leaves: child.leaves,
        });
    }
    Ok(Inheritance {
        run: document.run,
        started: document.started,
        has_greeted: document.has_greeted,
        up: document.up,
        lock: lock.into(),
        listener: listener.into(),
        children,
    })
}
