//! Work that waits for a peer is woken as soon as somebody new is known.

use std::fmt::Display;

use crate::context::Peers;

/// Calls `wake` whenever somebody new is known, until the process ends: it may be whom the work waits for.
pub fn wake_when_somebody_comes<Waking, E>(
    peers: &Peers,
    wake: impl Fn() -> Waking + Clone + Send + 'static,
) where
    Waking: Future<Output = Result<(), E>> + Send,
    E: Display,
{
    let view = peers.view.clone();
    peers.process.spawn("waking", move || {
        let (mut changes, wake) = (view.subscribe(), wake.clone());
        async move {
            while changes.changed().await.is_ok() {
                if let Err(error) = wake().await {
                    tracing::warn!(%error, "waiting work could not be woken; it wakes by itself");
                }
            }
        }
    });
}
