//! Work that goes on when whoever asked for it has gone, once at a time for each subject.
//!
//! A caller that hangs up and asks again joins the work that is under way instead of starting it anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use slipway_runtime::Problem;
use tokio_util::task::TaskTracker;

type Outcome = Result<String, Problem>;
type UnderWay = Shared<BoxFuture<'static, Outcome>>;

#[derive(Clone, Default)]
pub(crate) struct SingleFlight(Arc<Mutex<HashMap<String, UnderWay>>>);

impl SingleFlight {
    /// Waits for the work on `subject`; starts `work` on `tasks` when there is none.
    pub(crate) async fn join(
        &self,
        tasks: &TaskTracker,
        subject: String,
        work: impl Future<Output = Outcome> + Send + 'static,
    ) -> Outcome {
        let under_way = self.begin_or_join(tasks, subject, work);
        under_way.await
    }

    fn begin_or_join(
        &self,
        tasks: &TaskTracker,
        subject: String,
        work: impl Future<Output = Outcome> + Send + 'static,
    ) -> UnderWay {
        let mut all = self.lock();
        if let Some(under_way) = all.get(&subject) {
            return under_way.clone();
        }
        let remove = RemoveOnDrop {
            single_flight: self.clone(),
            subject: subject.clone(),
        };
        // The entry is removed by the task, which needs the lock that is held here: never before it is added.
        let task = tasks.spawn(async move {
            let _remove = remove;
            work.await
        });
        let under_way = task
            .map(|ended| ended.unwrap_or_else(|error| Err(Problem::internal(error))))
            .boxed()
            .shared();
        all.insert(subject, under_way.clone());
        under_way
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, UnderWay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the work, also when its work panics.
struct RemoveOnDrop {
    single_flight: SingleFlight,
    subject: String,
}

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        self.single_flight.lock().remove(&self.subject);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use slipway_contract::Code;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_the_caller_has_gone_and_is_joined_by_the_next() {
        let single_flight = SingleFlight::default();
        let tasks = TaskTracker::new();
        let begun = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Notify::new());
        let work = |words: &'static str| {
            let (begun, gate) = (begun.clone(), gate.clone());
            async move {
                begun.fetch_add(1, Ordering::Relaxed);
                gate.notified().await;
                Ok(words.to_owned())
            }
        };
        let subject = || "notes/1/a".to_owned();
        let mut first = Box::pin(single_flight.join(&tasks, subject(), work("first")));
        assert!(first.as_mut().now_or_never().is_none());
        drop(first);
        let second = single_flight.join(&tasks, subject(), work("second"));
        let elsewhere =
            single_flight.join(&tasks, "notes/1/b".to_owned(), async { Ok("b".to_owned()) });
        assert_eq!(elsewhere.await.unwrap(), "b");
        gate.notify_one();
        assert_eq!(second.await.unwrap(), "first");
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        assert!(single_flight.lock().is_empty());
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_work_alone() {
        let single_flight = SingleFlight::default();
        let tasks = TaskTracker::new();
        let broken = single_flight.join(&tasks, "a".to_owned(), async { panic!("broken") });
        assert_eq!(broken.await.unwrap_err().code, Code::Internal);
        let whole = single_flight.join(&tasks, "a".to_owned(), async { Ok("whole".to_owned()) });
        assert_eq!(whole.await.unwrap(), "whole");
    }
}
