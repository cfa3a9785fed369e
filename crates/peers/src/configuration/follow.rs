//! The watch of each registry node: a long poll that says what this process has made of the configuration, and is answered
//! with the documents themselves, so that nothing has to be asked for once more.

use std::time::Duration;

use http::Method;
use slipway_contract::configuration::Offer;

use crate::context::Peers;
use crate::discovery::nodes::{LOOK_AGAIN, Nodes};

/// Seconds that the registry holds a poll when nothing changes.
const WAIT_SECONDS: u64 = 30;
/// Pauses after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The pause where a registry does not know of a configuration: it is of an earlier version.
const EARLIER_VERSION: Duration = Duration::from_secs(30);

/// Follows every registry node, also those that appear later in the same data folder.
pub(crate) fn start(peers: &Peers) {
    let (looking, nodes) = (peers.clone(), Nodes::default());
    peers.process.spawn("configuration", move || {
        look(looking.clone(), nodes.clone())
    });
}

async fn look(peers: Peers, nodes: Nodes) {
    loop {
        nodes.watch(&peers, "configuration watch", watch);
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn watch(peers: Peers, address: String) {
    let mut pause = FIRST_PAUSE;
    while let Some(standing) = peers.configuration.standing() {
        let path = format!(
            "/internal/configuration/{}?wait={WAIT_SECONDS}",
            peers.process.instance
        );
        let answer = peers
            .client
            .call_registry::<Offer>(&address, Method::PUT, &path, Some(&standing))
            .await;
        match answer {
            Ok(offer) => {
                peers.configuration.take(&offer);
                pause = FIRST_PAUSE;
            }
            Err(error) => {
                tracing::debug!(%error, address, "a registry says nothing of the configuration");
                let longest = if error.not_taken().is_some() {
                    EARLIER_VERSION
                } else {
                    LONGEST_PAUSE
                };
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
        }
    }
}
