//! What a service says of itself.

use crate::metrics::Reading;

pub trait Health: Clone + Send + Sync + 'static {
    /// Whether it can do its own work: its database and store answer. Never whether its peers do.
    fn ready(&self) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Numbers to read at a scrape of `/metrics`.
    fn readings(&self) -> impl Future<Output = anyhow::Result<Vec<Reading>>> + Send {
        async { Ok(Vec::new()) }
    }
}
