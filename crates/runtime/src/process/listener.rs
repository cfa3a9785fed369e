//! Where connections are taken: a listener that stays, or one that a door may replace.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::door::Door;

pub struct Listener {
    current: TcpListener,
    /// What takes its place.
    next: Option<mpsc::Receiver<TcpListener>>,
    /// Connections that waited at those before.
    left: VecDeque<(TcpStream, SocketAddr)>,
}

impl From<TcpListener> for Listener {
    fn from(current: TcpListener) -> Self {
        Self {
            current,
            next: None,
            left: VecDeque::new(),
        }
    }
}

impl Listener {
    /// What `door` has given, and what its successors give.
    pub(super) fn behind(door: Door, current: TcpListener) -> Self {
        Self {
            next: Some(door.followed()),
            ..current.into()
        }
    }

    /// The next connection. Nothing is lost when this is not waited for to its end.
    pub(crate) async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            if let Some(connection) = self.left.pop_front() {
                return Ok(connection);
            }
            let next = async {
                match &mut self.next {
                    Some(next) => next.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                accepted = self.current.accept() => return accepted,
                Some(next) = next => {
                    let former = std::mem::replace(&mut self.current, next);
                    self.left = queued(former).collect();
                }
            }
        }
    }

    /// The connections that wait to be accepted now. The listener ends with them.
    pub(crate) fn queued(self) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
        self.left.into_iter().chain(queued(self.current))
    }
}

/// What waits at one of them, which ends with it.
fn queued(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        // It does not block: with nobody left, that is the error.
        let (stream, peer) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use rustix::fd::AsFd as _;
    use slipway_handover::give;
    use tokio::task::spawn_blocking;

    use super::*;

    /// Gives the listener to one gateway, and returns what ends when this door does.
    async fn door(path: &Path, public: &std::net::TcpListener) -> impl Send + use<> {
        let _ = std::fs::remove_file(path);
        let gateways = UnixListener::bind(path).expect("a Unix socket");
        let public = public.try_clone().expect("the same listener");
        let given = spawn_blocking(move || {
            let (gateway, _) = gateways.accept().expect("a gateway");
            give(&gateway, b"listener", &[public.as_fd()]).expect("it is given");
            (gateways, gateway)
        });
        given.await.expect("a gateway")
    }

    #[tokio::test]
    async fn what_waits_at_a_listener_is_taken_when_the_door_has_another() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("listener");
        let bound = || std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = |listener: &std::net::TcpListener| listener.local_addr().expect("an address");
        let connect = |address| TcpStream::connect(address);
        let (first, second) = (bound(), bound());
        let ((found, current), held) = tokio::join!(Door::find(&path), door(&path, &first));
        let mut listener = Listener::behind(found, current);
        let client = connect(at(&first)).await.expect("a connection");
        let (_, peer) = listener.accept().await.expect("it is taken");
        assert_eq!(peer, client.local_addr().expect("an address"));

        let waiting = connect(at(&first)).await.expect("it waits");
        drop(held);
        let _held = door(&path, &second).await;
        let later = connect(at(&second)).await.expect("a connection");
        let mut peers = Vec::new();
        for _ in 0..2 {
            peers.push(listener.accept().await.expect("it is taken").1);
        }
        for client in [waiting, later] {
            let own = client.local_addr().expect("an address");
            assert!(peers.contains(&own), "{own} was not taken");
        }
        let address = at(&first);
        drop(first);
        connect(address).await.expect_err("nobody holds the first");
    }
}
