//! Connections that end after the answer that is on them when they are told to. hyper-util 0.1 has the same, but not for
//! connections that may become tunnels, and it closes at once those on which no request is.

use std::pin::pin;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1::UpgradeableConnection;
use hyper::service::HttpService;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Connections that end together.
#[derive(Default)]
pub(super) struct Graceful {
    stop: CancellationToken,
    open: TaskTracker,
}

/// One of them, which counts until this is dropped.
pub(super) struct Watcher {
    stop: CancellationToken,
    patience: Duration,
    _open: TaskTrackerToken,
}

impl Graceful {
    /// When they are told to end, one on which no request is waits for another for `patience`.
    pub(super) fn watcher(&self, patience: Duration) -> Watcher {
        Watcher {
            stop: self.stop.clone(),
            patience,
            _open: self.open.token(),
        }
    }

    /// Tells all of them to end, and waits until they have. Tunnels are not among them any more.
    pub(super) async fn shutdown(self) {
        self.stop.cancel();
        self.open.close();
        self.open.wait().await;
    }
}

impl Watcher {
    /// Cancelled when the next answer is the last one.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Serves a connection to its end.
    pub(super) async fn watch<I, S, B>(
        self,
        connection: UpgradeableConnection<I, S>,
    ) -> hyper::Result<()>
    where
        S: HttpService<Incoming, ResBody = B>,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        I: Read + Write + Unpin + Send + 'static,
        B: Body + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut connection = pin!(connection);
        tokio::select! {
            ended = &mut connection => return ended,
            () = self.stop.cancelled() => {}
        }
        tokio::select! {
            ended = &mut connection => return ended,
            () = tokio::time::sleep(self.patience) => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    }
}
