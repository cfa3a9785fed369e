//! The thread that writes a body while the request receives it.
//!
//! Chunks go through a channel of a few places: a client faster than the disk waits, and memory stays flat whatever the
//! size of a package. A writer that is dropped ends its thread, and the staged file meets its fate there. The thread is
//! its own and not one of the runtime's: slow clients must not take those from everybody.

use std::io;
use std::thread;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::staging::Staged;

/// Chunks on their way to the disk; one is at most what a read of the socket brings, some 100 KiB.
const PLACES: usize = 8;

pub(crate) struct Writer {
    orders: mpsc::Sender<Order>,
    ended: oneshot::Receiver<(Staged, io::Result<()>)>,
}

enum Order {
    Append(Bytes),
    Persist(oneshot::Sender<u64>),
}

/// The thread has met an error and ended; [`Writer::finish`] tells which.
#[derive(Debug)]
pub(crate) struct Ended;

impl Writer {
    pub(crate) fn start(staged: Staged) -> io::Result<Self> {
        let (orders, incoming) = mpsc::channel(PLACES);
        let (done, ended) = oneshot::channel();
        thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                // Nobody waits any more when the request has ended; then the staged file ends here.
                let _ = done.send(work(staged, incoming));
            })?;
        Ok(Self { orders, ended })
    }

    pub(crate) async fn append(&self, bytes: Bytes) -> Result<(), Ended> {
        let order = Order::Append(bytes);
        self.orders.send(order).await.map_err(|_| Ended)
    }

    /// Makes durable what was appended and returns the length of the file.
    pub(crate) async fn persist(&self) -> Result<u64, Ended> {
        let (done, length) = oneshot::channel();
        let order = Order::Persist(done);
        self.orders.send(order).await.map_err(|_| Ended)?;
        length.await.map_err(|_| Ended)
    }

    /// Waits until all is written, though not yet durable.
    pub(crate) async fn finish(self) -> io::Result<(Staged, io::Result<()>)> {
        drop(self.orders);
        self.ended.await.map_err(io::Error::other)
    }
}

fn work(mut staged: Staged, mut incoming: mpsc::Receiver<Order>) -> (Staged, io::Result<()>) {
    while let Some(order) = incoming.blocking_recv() {
        if let Err(error) = carry_out(&mut staged, order) {
            return (staged, Err(error));
        }
    }
    (staged, Ok(()))
}

fn carry_out(staged: &mut Staged, order: Order) -> io::Result<()> {
    match order {
        Order::Append(bytes) => staged.append(&bytes),
        Order::Persist(done) => {
            staged.persist()?;
            // Nobody waits any more when the request has ended.
            let _ = done.send(staged.length());
            Ok(())
        }
    }
}
