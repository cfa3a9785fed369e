//! The program itself: what it gives, and what becomes of connections when it ends and comes again.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use slipway_handover::take_listener;

struct Door(Child);

impl Drop for Door {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(address: SocketAddr, socket: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway-door"));
    command.args(["--listen", &address.to_string(), "--socket"]);
    command.arg(socket).stderr(Stdio::piped());
    command
}

fn start(address: SocketAddr, socket: &Path) -> Door {
    Door(command(address, socket).spawn().expect("it starts"))
}

/// A gateway: its connection to the door, and the listener that it was given.
fn gateway(socket: &Path) -> (UnixStream, TcpListener) {
    let until = Instant::now() + Duration::from_secs(10);
    let door = loop {
        match UnixStream::connect(socket) {
            Ok(door) => break door,
            Err(error) => assert!(Instant::now() < until, "no door: {error}"),
        }
        thread::yield_now();
    };
    let listener = take_listener(&door).expect("a listener");
    listener.set_nonblocking(false).expect("it waits");
    (door, listener)
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

fn take(listener: &TcpListener, client: &TcpStream) {
    let (_, peer) = listener.accept().expect("a connection");
    assert_eq!(peer, client.local_addr().expect("an address"));
}

#[test]
fn a_connection_waits_while_there_is_no_gateway() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (address, socket) = (free_address(), folder.path().join("listener"));
    let _door = start(address, &socket);
    let (door, listener) = gateway(&socket);
    let first = TcpStream::connect(address).expect("a connection");
    take(&listener, &first);
    drop((door, listener));
    let second = TcpStream::connect(address).expect("it waits");
    let (_door, listener) = gateway(&socket);
    let (_other_door, other) = gateway(&socket);
    take(&listener, &second);
    let third = TcpStream::connect(address).expect("a connection");
    take(&other, &third);
}

#[test]
fn a_door_comes_again_at_the_port_that_gateways_still_have() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (address, socket) = (free_address(), folder.path().join("listener"));
    let first = start(address, &socket);
    let (connection, before) = gateway(&socket);
    drop(first);
    let ended = take_listener(&connection).expect_err("the door has ended");
    assert_eq!(ended.kind(), std::io::ErrorKind::UnexpectedEof);
    let client = TcpStream::connect(address).expect("what was given goes on");
    take(&before, &client);
    let _second = start(address, &socket);
    let (_connection, after) = gateway(&socket);
    drop(before);
    let client = TcpStream::connect(address).expect("a connection");
    take(&after, &client);
}

#[test]
fn there_is_one_door_at_a_socket() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (address, socket) = (free_address(), folder.path().join("listener"));
    let _door = start(address, &socket);
    let (_connection, listener) = gateway(&socket);
    let Output { status, stderr, .. } = command(free_address(), &socket).output().expect("it ends");
    let words = String::from_utf8_lossy(&stderr);
    assert!(
        !status.success() && words.contains("another door"),
        "{words}"
    );
    let client = TcpStream::connect(address).expect("the first holds its port");
    take(&listener, &client);
}
