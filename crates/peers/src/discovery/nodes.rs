//! The registry's nodes, each with a task of its own that watches it, also those that appear later in the same data folder.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::registries::registries;
use crate::context::Peers;

/// How often nodes are looked for that have come.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The nodes that have a task, by their addresses; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Nodes(Arc<Mutex<BTreeSet<String>>>);

impl Nodes {
    /// Begins `watch` for each node that has none yet, as a task of this name.
    pub(crate) fn watch<Watching>(
        &self,
        peers: &Peers,
        name: &'static str,
        watch: fn(Peers, String) -> Watching,
    ) where
        Watching: Future<Output = ()> + Send + 'static,
    {
        for address in registries(&peers.process) {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let is_new = known.insert(address.clone());
            drop(known);
            if is_new {
                let watching = peers.clone();
                let begin = move || watch(watching.clone(), address.clone());
                peers.process.spawn(name, begin);
            }
        }
    }
}
