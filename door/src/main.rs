//! Holds the public port and hands its listener to gateways, over a Unix socket (`SCM_RIGHTS`). Gateways come and go behind
//! it, and a connection that comes meanwhile waits in the backlog. It takes no connection of the world and reads no byte of
//! one. A gateway keeps its connection to this process: its end tells that the listener has a successor.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use rustix::fd::AsFd as _;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
use slipway_handover::{BACKLOG, give};

/// Pause after a gateway's connection could not be taken: what was lacking comes back.
const PAUSE: Duration = Duration::from_millis(100);

/// Holds Slipway's public port and hands it to gateways
#[derive(clap::Parser)]
#[command(name = "slipway-door", version)]
struct Options {
    /// Address of the public port
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Unix socket at which gateways ask for it (`http.door` of the gateway), in a folder of nobody else
    #[arg(long, value_name = "PATH", default_value = "/run/door/listener")]
    socket: PathBuf,
}

fn main() -> ExitCode {
    match hold(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn hold(options: &Options) -> anyhow::Result<()> {
    let path = &options.socket;
    let _lock = lock(path)?;
    let public = public(options.listen)
        .with_context(|| format!("could not listen on {}", options.listen))?;
    let gateways = meeting_point(path)
        .with_context(|| format!("could not meet gateways at {}", path.display()))?;
    let (public, address) = (Arc::new(public), options.listen);
    say(format_args!(
        "holds {address} for gateways at {}",
        path.display()
    ));
    for gateway in gateways.incoming() {
        match gateway {
            Ok(gateway) => {
                let public = public.clone();
                thread::Builder::new().spawn(move || hand(&gateway, &public))?;
            }
            Err(error) => {
                say(format_args!("a gateway could not be met: {error}"));
                thread::sleep(PAUSE);
            }
        }
    }
    Ok(())
}

/// There is one door at a socket. The lock ends with its process, however that ends.
fn lock(socket: &Path) -> anyhow::Result<File> {
    let path = socket.with_extension("lock");
    let lock = File::create(&path).with_context(|| format!("could not open {}", path.display()))?;
    lock.try_lock()
        .with_context(|| format!("another door holds {}", path.display()))?;
    Ok(lock)
}

/// The public port. Gateways hold what an earlier door gave them until they have what this one gives: both are there for a
/// moment, where both are of one network namespace.
fn public(address: SocketAddr) -> io::Result<TcpListener> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

fn meeting_point(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(path)
}

/// Gives a gateway the port, and keeps the connection until it leaves.
fn hand(mut gateway: &UnixStream, public: &TcpListener) {
    match give(gateway, b"listener", &[public.as_fd()]) {
        Ok(()) => say(format_args!("a gateway has the port")),
        Err(error) => {
            return say(format_args!(
                "a gateway could not be given the port: {error}"
            ));
        }
    }
    let _ = io::copy(&mut gateway, &mut io::sink());
    say(format_args!("a gateway has left"));
}

/// Not by a macro that panics where the log's disk is full.
fn say(words: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "door: {words}");
}
