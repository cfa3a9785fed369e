//! Work that goes on when whoever asked for it has gone, once at a time for each subject.
//!
//! A caller that hangs up and asks again joins the work that is under way instead of starting it anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use slipway_service::Problem;
use tokio_util::task::TaskTracker;

type Outcome = Result<String, Problem>;
type Flight = Shared<BoxFuture<'static, Outcome>>;

#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<String, Flight>>>);

impl Flights {
    /// Waits for the work on `subject`; starts `work` on `tasks` when there is none.
    pub(crate) async fn join(
        &self,
        tasks: &TaskTracker,
        subject: String,
        work: impl Future<Output = Outcome> + Send + 'static,
    ) -> Outcome {
        let flight = self.under_way(tasks, subject, work);
        flight.await
    }

    fn under_way(
        &self,
        tasks: &TaskTracker,
        subject: String,
        work: impl Future<Output = Outcome> + Send + 'static,
    ) -> Flight {
        let mut flights = self.lock();
        if let Some(flight) = flights.get(&subject) {
            return flight.clone();
        }
        let landing = Landing {
            flights: self.clone(),
            subject: subject.clone(),
        };
        // The entry is removed by the task, which needs the lock that is held here: never before it is added.
        let task = tasks.spawn(async move {
            let _landing = landing;
            work.await
        });
        let flight = task
            .map(|ended| ended.unwrap_or_else(|error| Err(Problem::internal(error))))
            .boxed()
            .shared();
        flights.insert(subject, flight.clone());
        flight
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a flight, also when its work panics.
struct Landing {
    flights: Flights,
    subject: String,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.subject);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_the_caller_has_gone_and_is_joined_by_the_next() {
        let flights = Flights::default();
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
        let mut first = Box::pin(flights.join(&tasks, subject(), work("first")));
        assert!(first.as_mut().now_or_never().is_none());
        drop(first);
        let second = flights.join(&tasks, subject(), work("second"));
        let elsewhere = flights.join(&tasks, "notes/1/b".to_owned(), async { Ok("b".to_owned()) });
        assert_eq!(elsewhere.await.unwrap(), "b");
        gate.notify_one();
        assert_eq!(second.await.unwrap(), "first");
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn a_panic_ends_its_flight_alone() {
        let flights = Flights::default();
        let tasks = TaskTracker::new();
        let broken = flights.join(&tasks, "a".to_owned(), async { panic!("broken") });
        assert_eq!(broken.await.unwrap_err().code, "internal");
        let whole = flights.join(&tasks, "a".to_owned(), async { Ok("whole".to_owned()) });
        assert_eq!(whole.await.unwrap(), "whole");
    }
}
