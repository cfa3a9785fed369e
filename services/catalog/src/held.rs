//! What is kept of a hold: why nothing is changed, and which tokens are not believed meanwhile.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// Why nothing may be changed now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unchanged {
    #[error("the feed is held, because this database is older than what its followers have")]
    Held,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Which tokens cannot be believed while the feed is held, as upload knows it. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Doubts(pub(crate) Arc<Mutex<Option<Doubted>>>);

/// What upload said last.
pub(crate) struct Doubted {
    pub(crate) at: Instant,
    pub(crate) epoch: String,
    /// Ids of tokens that would be permitted more; `None` when nobody can tell.
    pub(crate) tokens: Option<HashSet<String>>,
}
