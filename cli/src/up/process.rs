//! One process of an instance: begun here, or taken over from the program that `up` was before.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::unix::net;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};

use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use slipway_handover::{DRAINING, give, pair};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};

pub(super) struct Process {
    pid: Pid,
    /// Its standard input: it ends when this closes, so with us, however we end. It says here that it drains.
    lifeline: UnixStream,
}

impl Process {
    /// Starts it. What is to listen where we do is given the listener before anything else.
    pub(super) fn begin(command: &mut Command, listener: Option<&TcpListener>) -> io::Result<Self> {
        let (ours, theirs) = pair()?;
        if let Some(listener) = listener {
            give(&ours, b"listener", &[listener.as_fd()])?;
        }
        let child = command.stdin(Stdio::from(theirs)).spawn()?;
        Self::watch(Pid::from_child(&child), ours)
    }

    /// Takes over a child of this process that an earlier program has begun.
    pub(super) fn watch(pid: Pid, lifeline: OwnedFd) -> io::Result<Self> {
        let lifeline = net::UnixStream::from(lifeline);
        lifeline.set_nonblocking(true)?;
        let lifeline = UnixStream::from_std(lifeline)?;
        Ok(Self { pid, lifeline })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    pub(super) fn lifeline(&self) -> BorrowedFd<'_> {
        self.lifeline.as_fd()
    }

    /// Waits until it has ended. One caller alone: the kernel tells how a process ended once.
    pub(super) async fn ended(&self) -> io::Result<ExitStatus> {
        let mut children = signal(SignalKind::child())?;
        loop {
            if let Some((_, status)) = waitpid(Some(self.pid), WaitOptions::NOHANG)? {
                return Ok(ExitStatus::from_raw(status.as_raw()));
            }
            children.recv().await;
        }
    }

    /// Waits until it says that it drains; for ever, where it ends without or is of a version that does not say it.
    pub(super) async fn drains(&self) {
        let mut said = [0; 64];
        while self.lifeline.readable().await.is_ok() {
            match self.lifeline.try_read(&mut said) {
                Ok(length) if &said[..length] == DRAINING => return,
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // It reads no more: it has ended, or is just ending.
                Ok(0) | Err(_) => break,
            }
        }
        std::future::pending::<()>().await;
    }

    /// Tells it that no other takes its place: its standard input ends.
    pub(super) fn release(&self) {
        let _ = shutdown(&self.lifeline, Shutdown::Write);
    }

    /// For a process whose end nobody has waited for.
    pub(super) fn signal(&self, signal: Signal) {
        // One that has ended needs none.
        let _ = kill_process(self.pid, signal);
    }
}
