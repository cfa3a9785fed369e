//! Time in which nothing comes.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Runs while somebody waits for the next bytes, and only then: the time in which nobody wants any does not count.
pub struct Idle {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    running: bool,
}

impl Idle {
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            timer: None,
            running: false,
        }
    }

    /// Something came.
    pub fn fed(&mut self) {
        self.running = false;
    }

    /// Nothing came: ready when that has been so for the limit.
    pub fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = Instant::now() + self.limit;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if !std::mem::replace(&mut self.running, true) {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context)
    }
}
