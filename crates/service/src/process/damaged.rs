//! A service whose database was found damaged before it could be built: it answers, and says so.

use std::marker::PhantomData;

use axum::Router;
use axum::body::Body;
use axum::routing::any;

use super::{Assembled, Health, Process, RouterService, Service};
use crate::database::fault::Fault;
use crate::http::problem::Problem;

/// What takes the place of the service `S`.
pub(super) struct Damaged<S>(PhantomData<S>);

impl<S: Service> Service for Damaged<S> {
    const NAME: &'static str = S::NAME;
    const SOURCES: &'static str = S::SOURCES;
    type Settings = ();
    type Http = RouterService;
    type Body = Body;
    type Health = NeverReady;

    async fn build(
        process: Process,
        (): (),
    ) -> anyhow::Result<Assembled<RouterService, NeverReady>> {
        let refused = any(|| async { Problem::from(Fault::Damaged) });
        let routes = Router::new()
            .route("/", refused.clone())
            .route("/{*path}", refused);
        Ok(Assembled::new(&process, NeverReady, None, routes))
    }
}

/// The process itself says that a damaged database makes nobody ready, and which one it is.
#[derive(Clone)]
pub(super) struct NeverReady;

impl Health for NeverReady {
    async fn ready(&self) -> anyhow::Result<()> {
        anyhow::bail!("the service was not built")
    }
}
