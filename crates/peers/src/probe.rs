//! Whether a process still answers. One that is stopped or hangs keeps its connections and takes new ones into its
//! backlog, so a caller that waits for an answer cannot tell it from one that works long. A new connection that proves
//! itself can: only a process that runs ends a handshake.

use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::discovery::view::View;
use crate::identity::Identity;

/// Time for a connection on a local network, with the proofs of both ends: milliseconds, but on a machine that is busy.
pub const PROOF_TIMEOUT: Duration = Duration::from_secs(3);
/// Time without an answer after which it is looked whether the other end still lives.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// Time for the same after which another is asked as well: on a machine that is not busy it is a hundred times enough.
const SIGN_TIMEOUT: Duration = Duration::from_millis(300);
/// Time between two looks at one that works long or holds a poll.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What became of an attempt to make a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A process of the service proved itself.
    Answers,
    /// Nobody listens there, or somebody else does. One that drains does not listen any more, and still answers what it
    /// was asked before.
    Refuses,
    /// Nothing came: it hangs, or its machine is gone.
    Silent,
}

/// Looks for a sign of life of the process of `service` at `address`.
pub async fn look(identity: &Identity, service: &'static str, address: SocketAddr) -> Sign {
    let Ok(name) = ServerName::try_from(service) else {
        return Sign::Refuses;
    };
    let connector = TlsConnector::from(identity.loaded().client.clone());
    let proving = async {
        let stream = TcpStream::connect(address).await?;
        connector.connect(name, stream).await
    };
    match timeout(PROOF_TIMEOUT, proving).await {
        Ok(Ok(_)) => Sign::Answers,
        Ok(Err(_)) => Sign::Refuses,
        Err(_) => Sign::Silent,
    }
}

/// Lets others of the service be asked before `instance`, which did not answer in time, until it proves itself again or is
/// not listed any more.
pub fn doubt(
    identity: &Identity,
    view: &View,
    service: &'static str,
    instance: &str,
    address: SocketAddr,
) {
    if !view.doubt(service, instance) {
        return;
    }
    let (identity, view, instance) = (identity.clone(), view.clone(), instance.to_owned());
    tokio::spawn(async move {
        while view.lists(service, &instance) {
            if look(&identity, service, address).await == Sign::Answers {
                break;
            }
            sleep(PATIENCE).await;
        }
        view.trust(service, &instance);
    });
}

/// Returns when the process at `address` gives no sign of life at once: it hangs, or has much to do. That is no reason to give
/// it up, but one to ask another beside it.
pub async fn hush(identity: &Identity, service: &'static str, address: SocketAddr) {
    sleep(PATIENCE).await;
    while timeout(SIGN_TIMEOUT, look(identity, service, address))
        .await
        .is_ok()
    {
        sleep(LOOK_AGAIN).await;
    }
}

/// Returns when the process at `address` is found to hang; never while it answers or is leaving.
pub async fn silence(identity: &Identity, service: &'static str, address: SocketAddr) {
    sleep(PATIENCE).await;
    while look(identity, service, address).await != Sign::Silent {
        sleep(LOOK_AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use hyper_util::service::TowerToHyperService;
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use slipway_runtime::data::DataDir;
    use slipway_runtime::http::serve::{Transport, serve};
    use slipway_runtime::settings::Http;

    #[tokio::test]
    async fn one_that_hangs_is_told_from_one_that_answers_and_from_one_that_is_gone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        slipway_init::prepare(&data).expect("a data folder");
        let caller = Identity::open("catalog", &data).expect("an identity");
        let bind = || TcpListener::bind("127.0.0.1:0");
        let (hanging, living, gone) = tokio::join!(bind(), bind(), bind());
        let (hanging, living) = (hanging.expect("a port"), living.expect("a port"));
        let address = |listener: &TcpListener| listener.local_addr().expect("an address");
        let (at_hanging, at_living) = (address(&hanging), address(&living));
        let at_gone = address(&gone.expect("a port"));
        let stop = CancellationToken::new();
        let transport = Transport::Proven(
            Identity::open("signing", &data)
                .expect("an identity")
                .proof(),
        );
        let serving = stop.clone();
        tokio::spawn(async move {
            let router = TowerToHyperService::new(Router::new());
            serve(living, transport, router, &Http::default(), serving).await;
        });
        assert_eq!(look(&caller, "signing", at_living).await, Sign::Answers);
        // It proves itself, but as another service.
        assert_eq!(look(&caller, "upload", at_living).await, Sign::Refuses);
        assert_eq!(look(&caller, "signing", at_gone).await, Sign::Refuses);
        assert_eq!(look(&caller, "signing", at_hanging).await, Sign::Silent);
        stop.cancel();
    }
}
