//! What everything in a process is given.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::address::Address;
use super::gone::Gone;
use crate::damage::Damage;
use crate::data::{DataDir, private_folder};
use crate::metrics::Metrics;
use crate::settings::Common;
use crate::settings::environment::environment;

/// What a service gets from its process; cheap to clone.
#[derive(Clone)]
pub struct Process {
    pub service: &'static str,
    /// Of the service; one that nobody has told it is lower than any.
    pub version: &'static str,
    /// A UUID made at the process's start.
    pub instance: Arc<str>,
    /// Where others reach it, once it listens.
    pub address: Option<Address>,
    /// What an operator calls it, once it has its place; `Record::name` says more.
    pub name: Arc<str>,
    pub data: DataDir,
    environment: Arc<str>,
    pub settings: Arc<Common>,
    /// The run of `slipway up` that it belongs to, if one runs.
    pub run: Option<Arc<str>>,
    pub metrics: Metrics,
    /// Tasks that panic whenever they are begun.
    pub(crate) gone: Gone,
    /// What was found wrong with the database.
    pub damage: Damage,
    /// Background tasks; those that [`Process::spawn`] did not start end by themselves when `shutdown` is cancelled.
    pub tasks: TaskTracker,
    pub shutdown: CancellationToken,
    /// Cancelled from SIGTERM on: the others are told, and it works on as before.
    pub draining: CancellationToken,
    /// Cancelled when the others know it: then whoever waits here for news is sent away, and the listener closes.
    pub closing: CancellationToken,
    /// Cancelled when no other will take this process's place: nobody supervises it, or its supervisor ends too.
    pub without_successor: CancellationToken,
    /// What the listener stays open for after SIGTERM.
    pub(crate) keeping_open: TaskTracker,
    /// What is done when all background tasks have ended, such as closing the database; they wait for `ended`.
    pub(crate) last: TaskTracker,
    pub(crate) ended: CancellationToken,
}

impl Process {
    /// Makes the service's folder where it is missing.
    pub fn open(service: &'static str, data: DataDir, settings: Common) -> anyhow::Result<Self> {
        private_folder(&data.service(service))?;
        Ok(Self {
            service,
            version: "0.0.0",
            instance: Uuid::now_v7().to_string().into(),
            address: None,
            name: "".into(),
            run: data.current_run().map(Into::into),
            data,
            environment: environment()?.into(),
            settings: Arc::new(settings),
            metrics: Metrics::default(),
            gone: Gone::default(),
            damage: Damage::default(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
            without_successor: CancellationToken::new(),
            keeping_open: TaskTracker::new(),
            last: TaskTracker::new(),
            ended: CancellationToken::new(),
        })
    }

    /// The listener stays open until `task` has ended, which has an end after `draining`.
    pub fn keep_open(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.keeping_open.spawn(task);
    }

    /// Waits for all that the listener stays open for.
    pub async fn kept_open(&self) {
        self.keeping_open.close();
        self.keeping_open.wait().await;
    }

    /// Does `task` at the very end of the process, when its requests and background tasks have ended.
    pub fn at_the_end(&self, task: impl Future<Output = ()> + Send + 'static) {
        let ended = self.ended.clone();
        self.last.spawn(async move {
            ended.cancelled().await;
            task.await;
        });
    }

    /// In which environment it is.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The tasks that do nothing but panic.
    pub fn tasks_gone(&self) -> Vec<&'static str> {
        self.gone.names()
    }
}
