//! Files and sockets that one process gives to another: `SCM_RIGHTS` over a Unix socket (unix(7)).
//!
//! A listener that is given stays open however often the processes behind it are replaced: a connection that comes
//! meanwhile waits in its backlog. Nothing is inherited by accident: what is received is closed at the next `exec`.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;

use rustix::cmsg_space;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

/// The kernel's limit in one message (`SCM_MAX_FD`).
const MOST: usize = 253;
/// Bytes of the words beside them: a message has to fit into the socket's buffer (212,992 bytes by default).
const MOST_BYTES: usize = 128 * 1024;

/// Connections that wait at a listener to be taken; more than come in the time of a hiccup.
pub const BACKLOG: i32 = 1024;

/// What a child says on its lifeline when it is told to end: from then on another may take its place.
pub const DRAINING: &[u8] = b"draining\n";

/// Two ends of a connection that keeps the bounds of messages, closed at `exec`.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC;
    Ok(socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        flags,
        None,
    )?)
}

/// Sends `words`, not empty, and `given` in one message. Does not wait for room: an error leaves nothing sent.
pub fn give(socket: impl AsFd, words: &[u8], given: &[BorrowedFd<'_>]) -> io::Result<()> {
    if given.len() > MOST || words.len() > MOST_BYTES {
        let why = "more than one message may hold";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let mut space = vec![MaybeUninit::uninit(); cmsg_space!(ScmRights(given.len()))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !given.is_empty() && !control.push(SendAncillaryMessage::ScmRights(given)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    let sent = sendmsg(socket, &[IoSlice::new(words)], &mut control, flags)?;
    if sent < words.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    Ok(())
}

/// Waits for one message of [`give`].
pub fn take(socket: impl AsFd) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut words = vec![0; MOST_BYTES];
    let mut space = vec![MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut words)],
        &mut control,
        flags,
    )?;
    let taken = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(taken) => Some(taken),
        _ => None,
    });
    let taken = taken.flatten().collect();
    words.truncate(received.bytes);
    if words.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((words, taken))
}

/// Waits for a listener, and nothing else.
pub fn take_listener(socket: impl AsFd) -> io::Result<TcpListener> {
    let (_, taken) = take(socket)?;
    let Ok([listener]) = <[OwnedFd; 1]>::try_from(taken) else {
        let why = "it gave no listener";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    };
    let listener = TcpListener::from(listener);
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Tells who holds the other end of standard input that another may take the place of this process.
pub fn say_draining() -> io::Result<()> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    rustix::net::send(io::stdin(), DRAINING, flags)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_listener_that_was_given_takes_connections_when_its_giver_is_gone() {
        let (ours, theirs) = pair().expect("a pair");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        give(&ours, b"listener", &[listener.as_fd()]).expect("it is sent");
        drop((listener, ours));
        let client = TcpStream::connect(address).expect("the backlog takes it");
        let (words, taken) = take(&theirs).expect("a message");
        assert_eq!((words.as_slice(), taken.len()), (&b"listener"[..], 1));
        let taken = taken.into_iter().next().expect("a listener");
        let (_, peer) = TcpListener::from(taken).accept().expect("a connection");
        assert_eq!(peer, client.local_addr().expect("an address"));
        let ended = take(&theirs).expect_err("the giver is gone");
        assert_eq!(ended.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn more_than_a_message_holds_is_refused_before_it_is_sent() {
        let (ours, theirs) = pair().expect("a pair");
        let many = vec![ours.as_fd(); MOST + 1];
        give(&ours, b"many", &many).expect_err("too many");
        give(&ours, &vec![b'x'; MOST_BYTES + 1], &[]).expect_err("too long");
        give(&ours, b"fits", &many[..MOST]).expect("as many as there may be");
        let (words, taken) = take(&theirs).expect("a message");
        assert_eq!((words.as_slice(), taken.len()), (&b"fits"[..], MOST));
    }
}
