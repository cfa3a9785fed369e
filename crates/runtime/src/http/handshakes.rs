//! Handshakes in progress: a limit that nobody can fill for others.
//!
//! Whoever can reach a listener can begin handshakes and leave them, without a certificate. If those beyond the limit
//! waited, a few silent connections would keep everybody out. So the oldest ends: a real one takes milliseconds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::bail;
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
pub(super) struct Handshakes {
    most: usize,
    begun: Arc<Mutex<Begun>>,
}

#[derive(Default)]
struct Begun {
    last: u64,
    /// What ends each, in the order in which they began.
    ends: BTreeMap<u64, CancellationToken>,
}

impl Handshakes {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            begun: Arc::default(),
        }
    }

    /// Does `shaking`, unless so many others begin meanwhile that it has become the oldest of too many.
    pub(super) async fn with<T>(
        &self,
        shaking: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let (place, end) = self.begin();
        let outcome = tokio::select! {
            outcome = shaking => outcome,
            () = end.cancelled() => bail!("more connections have begun since than may be unproven"),
        };
        drop(place);
        outcome
    }

    fn begin(&self) -> (Place<'_>, CancellationToken) {
        let end = CancellationToken::new();
        let mut begun = self.lock();
        while begun.ends.len() >= self.most.max(1) {
            if let Some((_, oldest)) = begun.ends.pop_first() {
                oldest.cancel();
            }
        }
        begun.last += 1;
        let number = begun.last;
        begun.ends.insert(number, end.clone());
        drop(begun);
        let place = Place {
            handshakes: self,
            number,
        };
        (place, end)
    }

    fn lock(&self) -> MutexGuard<'_, Begun> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One in progress; it ends when this is dropped, by a time-out too.
struct Place<'a> {
    handshakes: &'a Handshakes,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.handshakes.lock().ends.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn the_oldest_ends_and_the_newest_goes_on() {
        let handshakes = Handshakes::new(2);
        let silent: Vec<_> = (0..5)
            .map(|_| {
                let handshakes = handshakes.clone();
                tokio::spawn(async move { handshakes.with(pending::<anyhow::Result<()>>()).await })
            })
            .collect();
        // They take their places in turn on this one thread.
        tokio::task::yield_now().await;
        let real = handshakes.with(async { Ok("proven") }).await;
        assert_eq!(real.expect("the newest"), "proven");
        let mut ended = 0;
        for one in silent {
            if tokio::time::timeout(std::time::Duration::from_millis(100), one)
                .await
                .is_ok()
            {
                ended += 1;
            }
        }
        assert_eq!(ended, 4, "one silent handshake is within the limit");
    }
}
