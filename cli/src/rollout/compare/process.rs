//! What the kernel and a process itself tell of it: its size, its sockets, what it has answered.

use std::net::SocketAddr;

use procfs::WithCurrentSystemInfo as _;
use procfs::net::{tcp, tcp6};
use procfs::process::{FDTarget, Process};

use super::recorder::Counts;
use crate::rollout::rules::verdict::Size;

pub(super) fn size(pid: u32) -> Option<Size> {
    let process = kernel(pid)?;
    Some(Size {
        memory: process.stat().ok()?.rss_bytes().get(),
        descriptors: process.fd_count().ok()?.try_into().ok()?,
    })
}

/// The socket on this machine, or in the network of a process on it, at the other end of a connection; none before a process
/// has taken it.
pub(super) fn other_end(
    network: Option<u32>,
    local: SocketAddr,
    remote: SocketAddr,
) -> Option<u64> {
    let (own, own6) = match network {
        Some(pid) => {
            let process = kernel(pid)?;
            (process.tcp(), process.tcp6())
        }
        None => (tcp(), tcp6()),
    };
    let all = own.into_iter().chain(own6).flatten();
    let same = |one: SocketAddr, other: SocketAddr| {
        one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
    };
    let mut ends =
        all.filter(|entry| same(entry.remote_address, local) && same(entry.local_address, remote));
    ends.next()
        .map(|entry| entry.inode)
        .filter(|inode| *inode != 0)
}

pub(super) fn has_socket(pid: u32, inode: u64) -> bool {
    let Some(descriptors) = kernel(pid).and_then(|process| process.fd().ok()) else {
        return false;
    };
    descriptors
        .flatten()
        .any(|descriptor| descriptor.target == FDTarget::Socket(inode))
}

fn kernel(pid: u32) -> Option<Process> {
    Process::new(i32::try_from(pid).ok()?).ok()
}

/// Reads `slipway_http_requests_total` out of Prometheus' text format.
pub(super) fn counts(metrics: &str) -> Counts {
    let mut counts = Counts::default();
    for line in metrics.lines() {
        let Some((labels, value)) = line
            .strip_prefix("slipway_http_requests_total{")
            .and_then(|rest| rest.rsplit_once("} "))
        else {
            continue;
        };
        let Ok(value) = value.trim().parse::<usize>() else {
            continue;
        };
        counts.served += value;
        if labels.contains("status=\"5") {
            counts.failed += value;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_process_at_the_other_end_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let client = TcpStream::connect(address).expect("a connection");
        let local = client.local_addr().expect("an address");
        assert_eq!(other_end(None, local, address), None, "nobody has taken it");
        let (_taken, _) = listener.accept().expect("a connection");
        let inode = other_end(None, local, address).expect("a socket");
        assert!(has_socket(std::process::id(), inode));
        assert!(!has_socket(1, inode));
        assert!(size(std::process::id()).expect("a size").memory > 0);
    }

    #[test]
    fn what_was_answered_is_counted() {
        let text = "# TYPE slipway_http_requests_total counter\n\
            slipway_http_requests_total{method=\"GET\",route=\"/d/{app}\",status=\"200\"} 7\n\
            slipway_http_requests_total{method=\"GET\",route=\"/d/{app}\",status=\"503\"} 2\n";
        assert_eq!(
            counts(text),
            Counts {
                served: 9,
                failed: 2
            }
        );
    }
}
