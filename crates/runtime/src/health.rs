//! What a service says of itself.

use axum::Router;
use slipway_contract::fleet::{Saturation, Waiting};

use crate::metrics::Reading;

pub trait Health: Clone + Send + Sync + 'static {
    /// Whether it can do its own work: its database and store answer. Never whether its peers do.
    fn ready(&self) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Numbers to read at a scrape of `/metrics`.
    fn readings(&self) -> impl Future<Output = anyhow::Result<Vec<Reading>>> + Send {
        async { Ok(Vec::new()) }
    }

    /// How much of what it can do is in use, where that is something else than its processor time.
    fn saturation(&self) -> impl Future<Output = anyhow::Result<Option<Saturation>>> + Send {
        async { Ok(None) }
    }

    /// The oldest work that does not go on.
    fn waits(&self) -> impl Future<Output = anyhow::Result<Option<Waiting>>> + Send {
        async { Ok(None) }
    }

    /// What it shows operators beside health and numbers.
    fn pages(&self) -> Router {
        Router::new()
    }
}
