//! The thread that writes a body while the request receives it.
//!
//! Chunks go through a channel of a few places: a client faster than the disk waits, and memory stays flat whatever the
//! size of a package. A writer that is dropped ends its thread, and the staged file meets its retention there. The thread is
//! its own and not one of the runtime's: slow clients must not take those from everybody. A second one hashes the blocks, so
//! that hashing each byte twice takes no longer than once where there is a second processor.

use std::io;
use std::sync::mpsc::SyncSender;
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

/// Writes, while a thread beside hashes the blocks of what was written.
fn work(mut staged: Staged, incoming: mpsc::Receiver<Order>) -> (Staged, io::Result<()>) {
    let (written, arriving) = std::sync::mpsc::sync_channel::<Bytes>(PLACES);
    let mut blocks = staged.split();
    let beside = thread::Builder::new().name("blocks".to_owned());
    let beside = beside.spawn(move || {
        while let Ok(bytes) = arriving.recv() {
            blocks.update(&bytes);
        }
        blocks
    });
    let beside = match beside {
        Ok(beside) => beside,
        Err(error) => return (staged, Err(error)),
    };
    let mut result = write(&mut staged, incoming, &written);
    // It ends when nothing can come any more.
    drop(written);
    match beside.join() {
        Ok(blocks) => staged.join(blocks),
        Err(_) => result = Err(io::Error::other("the thread that hashes blocks has died")),
    }
    (staged, result)
}

fn write(
    staged: &mut Staged,
    mut incoming: mpsc::Receiver<Order>,
    written: &SyncSender<Bytes>,
) -> io::Result<()> {
    while let Some(order) = incoming.blocking_recv() {
        carry_out(staged, order, written)?;
    }
    Ok(())
}

fn carry_out(staged: &mut Staged, order: Order, written: &SyncSender<Bytes>) -> io::Result<()> {
    match order {
        Order::Append(bytes) => {
            staged.append_whole(&bytes)?;
            // Only what is written counts: a piece that the disk refuses is no part of the file.
            written.send(bytes).map_err(io::Error::other)
        }
        Order::Persist(done) => {
            staged.persist()?;
            // Nobody waits any more when the request has ended.
            let _ = done.send(staged.length());
            Ok(())
        }
    }
}
