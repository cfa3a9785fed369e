//! The door of this process: another one that holds the public port and gives its listener (`slipway-door`), so that this
//! one may be replaced without a refused connection.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use slipway_handover::take_listener;
use tokio::io::{AsyncReadExt as _, Interest};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Pause before a door is looked for again: one that ended comes again within moments, and its port is refused until then.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A door that has given its listener. The connection to it ends when it does.
pub struct Door {
    path: PathBuf,
    connection: UnixStream,
}

impl Door {
    /// Waits for a door at `path`, and for its listener.
    pub(crate) async fn find(path: &Path) -> (Self, TcpListener) {
        let mut waits = false;
        loop {
            match ask(path).await {
                Ok((connection, listener)) => {
                    tracing::info!(path = %path.display(), "the door has given its listener");
                    let path = path.to_owned();
                    return (Self { path, connection }, listener);
                }
                Err(error) => {
                    if !waits {
                        tracing::warn!(path = %path.display(), %error, "no door gives a listener; waiting for one");
                        waits = true;
                    }
                    sleep(LOOK_AGAIN).await;
                }
            }
        }
    }

    /// The listeners of the doors that come after this one, for as long as somebody receives them. The port of a door that
    /// ended may be of a machine that is gone with it, as in containers.
    pub(super) fn followed(mut self) -> mpsc::Receiver<TcpListener> {
        let (given, taken) = mpsc::channel(1);
        tokio::spawn(async move {
            let following = async {
                loop {
                    self.ended().await;
                    tracing::warn!("the door has ended; working on with what it gave");
                    let (next, listener) = Self::find(&self.path).await;
                    self = next;
                    let _ = given.send(listener).await;
                }
            };
            tokio::select! {
                () = following => {}
                () = given.closed() => {}
            }
        });
        taken
    }

    /// Waits until it has ended. It says nothing after its listener.
    async fn ended(&mut self) {
        let mut said = [0; 64];
        while matches!(self.connection.read(&mut said).await, Ok(1..)) {}
    }
}

async fn ask(path: &Path) -> io::Result<(UnixStream, TcpListener)> {
    let connection = UnixStream::connect(path).await?;
    let listener = connection
        .async_io(Interest::READABLE, || take_listener(&connection))
        .await?;
    Ok((connection, TcpListener::from_std(listener)?))
}
