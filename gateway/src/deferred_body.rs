//! The body of a request, held back until the service behind the gateway asks for it.
//!
//! Every request with a body goes on with `Expect: 100-continue` (RFC 9110, 10.1.1), whether the client sent it or not.
//! Until the service says 100 not a byte of the body is taken from the client. So a refusal arrives before the body, a
//! client's own `Expect` works from end to end (hyper says 100 to the client when the body is first polled), and an
//! instance that is not there costs nothing: the body is still whole for the next one.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use slipway_runtime::http::idle::Idle;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep};

/// Time after which the body goes to a service that says nothing: it may not know 100 (RFC 9110, 10.1.1).
const PATIENCE: Duration = Duration::from_secs(1);

/// Why a body did not get to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the client's body ended early or could not be read")]
    Broken,
    #[error("the client sent nothing for too long")]
    Idle,
    #[error("the exchange that the body belongs to has ended")]
    Abandoned,
}

/// The exchange's side of a body. When it is dropped, what was not sent is never sent, and the service sees a body that
/// was cut off, not one that ended.
pub(crate) struct DeferredBody(Arc<Shared>);

/// Bytes that were taken from a client; a clone counts the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received(Arc<AtomicU64>);

impl Received {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add<E>(&self, frame: &Poll<Option<Result<Frame<Bytes>, E>>>) {
        if let Poll::Ready(Some(Ok(frame))) = frame
            && let Some(data) = frame.data_ref()
        {
            self.0.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    asked: Notify,
    received: Received,
}

#[derive(Default)]
struct State {
    stage: Stage,
    /// When the body last moved.
    moved: Option<Instant>,
    failure: Option<BodyError>,
    waker: Option<Waker>,
}

#[derive(Default)]
enum Stage {
    #[default]
    Held,
    /// Goes on as fast as the service takes it. The body is here, and not at the connection, so that it goes with the
    /// exchange also when the connection waits for a service that hangs: the client's own connection ends with it.
    Flowing(Incoming),
    /// Nothing more is taken from the client.
    Paused,
    Ended,
    Abandoned,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, stage: Stage) {
        let waker = {
            let mut state = self.lock();
            if matches!(state.stage, Stage::Ended) {
                return;
            }
            state.stage = stage;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl DeferredBody {
    /// A body of the size of `body` that sends nothing yet; `idle` is the longest time without a byte of the client.
    /// Its bytes are counted in `received`.
    pub(crate) fn new(body: &Incoming, idle: Duration, received: Received) -> (Self, UpstreamBody) {
        let shared = Arc::new(Shared {
            received,
            ..Shared::default()
        });
        let held = UpstreamBody {
            shared: shared.clone(),
            size: body.size_hint(),
            patience: None,
            impatient: false,
            idle: Idle::new(idle),
        };
        (Self(shared), held)
    }

    /// Makes a `100 Continue` to `request` count as asking.
    pub(crate) fn listen<B>(&self, request: &mut Request<B>) {
        let shared = self.0.clone();
        hyper::ext::on_informational(request, move |answer| {
            if answer.status() == StatusCode::CONTINUE {
                shared.asked.notify_one();
            }
        });
    }

    /// Waits until the service wants the body: it said so, or it has the head and has been silent for [`PATIENCE`].
    pub(crate) async fn asked(&self) {
        self.0.asked.notified().await;
    }

    pub(crate) fn release(&self, body: Incoming) {
        self.0.enter(Stage::Flowing(body));
    }

    /// Takes nothing more from the client: the service has refused and stops reading, and what we sent on would break
    /// the connection before its answer is here.
    pub(crate) fn pause(&self) {
        self.0.enter(Stage::Paused);
    }

    /// Whether the client's connection can take another request after this one: its body was read, or still is.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.0.lock().stage, Stage::Flowing(_) | Stage::Ended)
    }

    /// When the body last moved: bytes went on to the service, or it ended; `None` when it did not yet.
    pub(crate) fn moved(&self) -> Option<Instant> {
        self.0.lock().moved
    }

    pub(crate) fn failure(&self) -> Option<BodyError> {
        self.0.lock().failure
    }
}

impl Drop for DeferredBody {
    fn drop(&mut self) {
        self.0.enter(Stage::Abandoned);
    }
}

/// The connection's side of a body.
pub(crate) struct UpstreamBody {
    shared: Arc<Shared>,
    size: SizeHint,
    patience: Option<Pin<Box<Sleep>>>,
    impatient: bool,
    /// Runs while the client was asked and has sent nothing.
    idle: Idle,
}

impl UpstreamBody {
    /// Waits for the next stage; before the body was asked for, no longer than [`PATIENCE`].
    fn poll_asked(&mut self, context: &mut Context<'_>) {
        if self.impatient {
            return;
        }
        // The first poll: the head is on its way, so the time of the service begins.
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        if patience.as_mut().poll(context).is_ready() {
            self.impatient = true;
            self.shared.asked.notify_one();
        }
    }

    fn poll_data(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let shared = self.shared.clone();
        let mut state = shared.lock();
        let State {
            stage,
            moved,
            waker,
            ..
        } = &mut *state;
        match stage {
            Stage::Flowing(body) => {
                let frame = next_data(body, context);
                if frame.is_pending() {
                    // The client wakes us, and so does the end of the exchange, which takes the body away.
                    *waker = Some(context.waker().clone());
                    let over = self.idle.poll_over(context);
                    return over.map(|()| Some(Err(BodyError::Idle)));
                }
                self.idle.fed();
                shared.received.add(&frame);
                *moved = Some(Instant::now());
                if matches!(frame, Poll::Ready(None)) || body.is_end_stream() {
                    *stage = Stage::Ended;
                }
                frame
            }
            Stage::Abandoned => Poll::Ready(Some(Err(BodyError::Abandoned))),
            Stage::Ended => Poll::Ready(None),
            Stage::Held | Stage::Paused => {
                *waker = Some(context.waker().clone());
                let held = matches!(stage, Stage::Held);
                drop(state);
                if held {
                    self.poll_asked(context);
                }
                // The next stage wakes us.
                Poll::Pending
            }
        }
    }
}

/// Trailers are not passed on: a header that is refused in the head could come back in them.
fn next_data(
    body: &mut Incoming,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
    loop {
        match ready!(Pin::new(&mut *body).poll_frame(context)) {
            Some(Ok(frame)) if !frame.is_data() => {}
            frame => {
                return Poll::Ready(frame.map(|frame| frame.map_err(|_| BodyError::Broken)));
            }
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(self.poll_data(context));
        if let Some(Err(error)) = &frame {
            self.shared.lock().failure = Some(*error);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.shared.lock().stage, Stage::Ended)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.shared.lock().stage {
            Stage::Flowing(body) => body.size_hint(),
            _ => self.size,
        }
    }
}
