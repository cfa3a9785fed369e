//! The children of `up`: what is wanted is started, what is not wanted any more is told to end.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::child::{Child, Ending, Nursery};
use super::succession::Left;
use crate::fleet::wanted::Instance;

pub(super) struct Fleet {
    nursery: Arc<Nursery>,
    ending: Ending,
    kept: Vec<Kept>,
    /// One task a child.
    tasks: TaskTracker,
}

struct Kept {
    instance: Instance,
    ending: Ending,
}

impl Fleet {
    pub(super) fn new(nursery: Nursery, ending: Ending) -> Self {
        Self {
            nursery: Arc::new(nursery),
            ending,
            kept: Vec::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Takes over the children that an earlier program has begun.
    pub(super) fn take_over(&mut self, left: Vec<Left>) {
        for Left {
            instance,
            process,
            leaves,
        } in left
        {
            let process = Arc::new(process);
            let table = &self.nursery.table;
            table.enter(instance, process.clone(), leaves);
            if leaves {
                self.child(instance, self.ending.of_one()).leave(process);
            } else {
                self.keep(instance, Some(process));
            }
        }
    }

    /// Runs these, and no others. All at once: no service waits for another.
    pub(super) fn follow(&mut self, wanted: &[Instance]) {
        let table = &self.nursery.table;
        self.kept.retain(|kept| {
            let stays = wanted.contains(&kept.instance);
            if !stays {
                kept.ending.politely.cancel();
                table.forget(&kept.instance);
            }
            stays
        });
        for instance in wanted {
            if !self.kept.iter().any(|kept| kept.instance == *instance) {
                self.keep(*instance, None);
            }
        }
    }

    /// Waits until all have ended that were told to.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.nursery.leaving.close();
        self.nursery.leaving.wait().await;
    }

    /// What is kept running.
    pub(super) fn instances(&self) -> Vec<Instance> {
        self.kept.iter().map(|kept| kept.instance).collect()
    }

    pub(super) fn nursery(&self) -> &Nursery {
        &self.nursery
    }

    fn keep(&mut self, instance: Instance, first: Option<Arc<super::process::Process>>) {
        let ending = self.ending.of_one();
        let child = self.child(instance, ending.clone());
        self.tasks.spawn(child.keep_running(first));
        self.kept.push(Kept { instance, ending });
    }

    fn child(&self, instance: Instance, ending: Ending) -> Child {
        Child {
            instance,
            nursery: self.nursery.clone(),
            ending,
        }
    }
}
