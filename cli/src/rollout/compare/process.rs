//! What the kernel and a process itself tell of it: its size, its sockets, what it has answered.

use std::fs;
use std::net::SocketAddr;

use procfs::net::{TcpNetEntries, TcpNetEntry};
use procfs::process::{FDTarget, Process};
use procfs::{FromBufReadSI as _, WithCurrentSystemInfo as _, current_system_info};

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
    let all = ["tcp", "tcp6"]
        .into_iter()
        .flat_map(|table| sockets_of(network, table, local.port()));
    let same = |one: SocketAddr, other: SocketAddr| {
        one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
    };
    let mut ends =
        all.filter(|entry| same(entry.remote_address, local) && same(entry.local_address, remote));
    ends.next()
        .map(|entry| entry.inode)
        .filter(|inode| *inode != 0)
}

/// Those that name a port: a busy machine has thousands of others, which are closed already and take long to read.
fn sockets_of(network: Option<u32>, table: &str, port: u16) -> Vec<TcpNetEntry> {
    let process = network.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    // Without IPv6 there is no second one.
    let Ok(text) = fs::read_to_string(format!("/proc/{process}/net/{table}")) else {
        return Vec::new();
    };
    let named = format!(":{port:04X} ");
    let mut lines = text.lines();
    let head = lines.next().into_iter();
    let lines: Vec<_> = head
        .chain(lines.filter(|line| line.contains(&named)))
        .collect();
    let read = TcpNetEntries::from_buf_read(lines.join("\n").as_bytes(), current_system_info());
    read.map_or_else(|_| Vec::new(), |read| read.0)
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
