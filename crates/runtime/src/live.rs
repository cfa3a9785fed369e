//! A value that the central configuration may change while the process runs.

use std::sync::Arc;

use tokio::sync::watch;

/// Cheap to clone. What is read once holds for as long as it is kept: a request is answered by one state of it.
#[derive(Debug)]
pub struct Live<T>(watch::Receiver<Arc<T>>);

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Live<T> {
    /// A value that never changes.
    pub fn fixed(value: T) -> Self {
        let (_, values) = watch::channel(Arc::new(value));
        Self(values)
    }

    /// A value, and by what it is changed.
    pub fn new(value: T) -> (watch::Sender<Arc<T>>, Self) {
        let (sender, values) = watch::channel(Arc::new(value));
        (sender, Self(values))
    }

    /// The value as it is now.
    pub fn now(&self) -> Arc<T> {
        self.0.borrow().clone()
    }

    /// Returns at the next change; never, where nothing changes it any more.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
