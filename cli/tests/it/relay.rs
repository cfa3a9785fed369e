//! A network between a client and the platform that stops when it is told to, so that a test can kill somebody while
//! bytes are on their way, on a fast machine and on a slow one.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// What has passed towards the platform, in bytes, and what may.
struct Passed {
    bytes: u64,
    limit: u64,
}

pub(crate) struct Relay {
    pub(crate) address: String,
    state: Arc<(Mutex<Passed>, Condvar)>,
}

impl Relay {
    /// Passes everything on to `platform`, until `limit` bytes have gone there.
    pub(crate) fn start(platform: &str, limit: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let state = Arc::new((Mutex::new(Passed { bytes: 0, limit }), Condvar::new()));
        let (platform, shared) = (platform.to_owned(), state.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&platform) else {
                    continue;
                };
                let (answers, to) = (server.try_clone(), client.try_clone());
                let shared = shared.clone();
                thread::spawn(move || pass(client, server, Some(&shared)));
                thread::spawn(move || {
                    pass(answers.expect("a handle"), to.expect("a handle"), None);
                });
            }
        });
        Self { address, state }
    }

    /// Waits until it has stopped.
    pub(crate) fn wait_until_held(&self) {
        let (passed, changed) = &*self.state;
        let guard = passed.lock().expect("no thread panics");
        let is_open = |passed: &mut Passed| passed.bytes < passed.limit;
        drop(
            changed
                .wait_while(guard, is_open)
                .expect("no thread panics"),
        );
    }

    /// Lets everything pass from here on.
    pub(crate) fn release(&self) {
        let (passed, changed) = &*self.state;
        passed.lock().expect("no thread panics").limit = u64::MAX;
        changed.notify_all();
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, state: Option<&(Mutex<Passed>, Condvar)>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
        let Some((passed, changed)) = state else {
            continue;
        };
        let mut guard = passed.lock().expect("no thread panics");
        guard.bytes += count as u64;
        changed.notify_all();
        let is_held = |passed: &mut Passed| passed.bytes >= passed.limit;
        drop(
            changed
                .wait_while(guard, is_held)
                .expect("no thread panics"),
        );
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
