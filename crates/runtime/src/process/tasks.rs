//! Background tasks: one that panics is counted and begun anew, and `/readyz` says when that does not help.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::context::Process;
use super::gone::Gone;
use crate::metrics::Metrics;
use crate::retry;

/// How long a task runs after a panic until that is forgotten.
const STEADY: Duration = Duration::from_secs(10);
/// Panics in a row after which a task counts as gone: the first ones may be of one moment.
const GONE_AFTER: i64 = 3;

impl Process {
    /// Runs what `begin` returns in the background until it or the process ends. When it panics, that is counted under
    /// `name`, and after a pause that grows it is begun anew.
    pub fn spawn<Task>(&self, name: &'static str, begin: impl FnMut() -> Task + Send + 'static)
    where
        Task: Future<Output = ()> + Send + 'static,
    {
        let (running, shutdown) = (self.keep_running(name, begin), self.shutdown.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = running => {}
                () = shutdown.cancelled() => {}
            }
        });
    }

    /// The same for a task that ends by itself when `shutdown` is cancelled, because it has something to write down then.
    pub fn spawn_to_its_end<Task>(
        &self,
        name: &'static str,
        begin: impl FnMut() -> Task + Send + 'static,
    ) where
        Task: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(self.keep_running(name, begin));
    }

    /// Runs `task` in the background until it or the process ends. A panic is counted under `name`; the work is done
    /// again by whoever takes up what it has left.
    pub fn spawn_once(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let (metrics, shutdown) = (self.metrics.clone(), self.shutdown.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                ended = AssertUnwindSafe(task).catch_unwind() => {
                    if let Err(panic) = ended {
                        note(&metrics, name, &*panic);
                    }
                }
                () = shutdown.cancelled() => {}
            }
        });
    }

    fn keep_running<Task>(
        &self,
        name: &'static str,
        begin: impl FnMut() -> Task + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static
    where
        Task: Future<Output = ()> + Send + 'static,
    {
        self.metrics.watch_task(name);
        let (metrics, gone) = (self.metrics.clone(), self.gone.clone());
        keep_running(
            (name, STEADY),
            begin,
            (metrics, gone),
            self.shutdown.clone(),
        )
    }
}

async fn keep_running<Task: Future<Output = ()> + Send>(
    (name, steady): (&'static str, Duration),
    mut begin: impl FnMut() -> Task + Send,
    (metrics, gone): (Metrics, Gone),
    shutdown: CancellationToken,
) {
    let mut panics = 0;
    let mut entry = None;
    loop {
        let running = AssertUnwindSafe(async { begin().await }).catch_unwind();
        tokio::pin!(running);
        let ended = tokio::select! {
            ended = &mut running => ended,
            () = tokio::time::sleep(steady), if panics > 0 => {
                panics = 0;
                entry = None;
                running.await
            }
        };
        let Err(panic) = ended else { return };
        note(&metrics, name, &*panic);
        panics += 1;
        if panics >= GONE_AFTER && entry.is_none() {
            entry = Some(gone.add(name));
        }
        let pause = Duration::from_millis(retry::pause(panics).unsigned_abs());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

fn note(metrics: &Metrics, name: &'static str, panic: &(dyn Any + Send)) {
    metrics.task_panicked(name);
    tracing::error!(task = name, panic = words(panic), "a task panicked");
}

/// What a panic said.
pub(crate) fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::mpsc;

    use super::*;
    use crate::data::DataDir;
    use crate::settings::Common;

    struct Fixture {
        process: Process,
        _folder: tempfile::TempDir,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        Fixture {
            process: Process::open("upload", data, Common::default()).expect("a process"),
            _folder: folder,
        }
    }

    fn counted(process: &Process, task: &str) -> bool {
        let text = process.metrics.render(&[]);
        text.lines().any(|line| line == task)
    }

    #[tokio::test]
    async fn a_task_that_panics_is_counted_and_begun_anew() {
        let Fixture { process, _folder } = fixture();
        let (begun, mut beginnings) = mpsc::unbounded_channel();
        let count = AtomicUsize::new(0);
        process.spawn("work", move || {
            let (begun, number) = (begun.clone(), count.fetch_add(1, Ordering::Relaxed));
            async move {
                begun.send(number).expect("somebody listens");
                assert!(number > 1, "the first two go wrong");
                std::future::pending::<()>().await;
            }
        });
        assert!(counted(
            &process,
            "slipway_task_panics_total{task=\"work\"} 0"
        ));
        for number in 0..3 {
            assert_eq!(beginnings.recv().await, Some(number));
        }
        assert!(counted(
            &process,
            "slipway_task_panics_total{task=\"work\"} 2"
        ));
        assert!(
            process.gone.names().is_empty(),
            "two are no reason to worry"
        );
    }

    #[tokio::test]
    async fn a_task_that_always_panics_is_gone_until_it_runs_steadily() {
        let Fixture { process, _folder } = fixture();
        let wrong = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let (begun, mut beginnings) = mpsc::unbounded_channel();
        let is_wrong = wrong.clone();
        let begin = move || {
            let (begun, wrong) = (begun.clone(), is_wrong.load(Ordering::Relaxed));
            async move {
                begun.send(()).expect("somebody listens");
                assert!(!wrong, "it goes wrong");
                std::future::pending::<()>().await;
            }
        };
        let steady = Duration::from_millis(500);
        let (metrics, gone) = (process.metrics.clone(), process.gone.clone());
        tokio::spawn(keep_running(
            ("work", steady),
            begin,
            (metrics, gone),
            process.shutdown.clone(),
        ));
        for _ in 0..4 {
            beginnings.recv().await.expect("a beginning");
        }
        assert_eq!(process.gone.names(), ["work"]);
        wrong.store(false, Ordering::Relaxed);
        beginnings.recv().await.expect("a beginning");
        assert_eq!(process.gone.names(), ["work"], "nobody knows yet");
        let forgotten = async {
            while !process.gone.names().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let forgotten = tokio::time::timeout(Duration::from_secs(20), forgotten).await;
        forgotten.expect("a task that runs steadily is there again");
    }

    #[tokio::test]
    async fn what_runs_once_is_counted_and_ends() {
        let Fixture { process, _folder } = fixture();
        process.spawn_once("once", async { panic!("it goes wrong") });
        process.tasks.close();
        process.tasks.wait().await;
        assert!(counted(
            &process,
            "slipway_task_panics_total{task=\"once\"} 1"
        ));
        assert!(process.gone.names().is_empty());
    }

    #[tokio::test]
    async fn a_task_of_its_own_end_ends_with_the_process_also_in_a_pause() {
        let Fixture { process, _folder } = fixture();
        process.spawn_to_its_end("work", || async { panic!("it goes wrong") });
        process.shutdown.cancel();
        process.tasks.close();
        process.tasks.wait().await;
    }
}
