//! The real services, for the tests of the others: each starts in the test's process, in the data folder of the test, with
//! a database and a certificate of its own, on a port of its own.
//!
//! This crate knows several services, so that no service's tests have to name another's crate. A test that needs a fault
//! puts it in front: `in_front` gets the service's routes and may look at what passes, or spoil it.

use axum::Router;
use slipway_download::DownloadState;
use slipway_peers::Assembled;
use slipway_peers::discovery::view::View;
use slipway_runtime::Process;
use slipway_testkit::start::{Running, start};

/// Signing; it calls nobody.
pub async fn signing(process: Process, in_front: impl FnOnce(Router) -> Router) -> Running {
    let building = async |peers: slipway_peers::Peers| {
        let settings = slipway_signing::Settings::default();
        let state = slipway_signing::open(&peers, settings).await?;
        let routes = in_front(slipway_signing::router(state.clone()));
        Ok(Assembled::new(&peers.process, state, None, routes))
    };
    start(process, View::fixed(Vec::new()), building).await
}

/// Download; it follows the catalog that `view` knows, from when it knows one.
pub async fn download(
    process: Process,
    view: View,
    in_front: impl FnOnce(Router) -> Router,
) -> Running {
    let building = async |peers: slipway_peers::Peers| {
        let settings = slipway_download::Settings::default();
        let state = DownloadState::open(&peers, &settings).await?;
        let routes = in_front(slipway_download::router(&state));
        let page = Some(slipway_download::problem_page as _);
        Ok(Assembled::new(&peers.process, state, page, routes))
    };
    start(process, view, building).await
}
