//! The services behind the gateway, and what is asked of them.

use std::time::Duration;

use http::request::Parts;
use http::{HeaderValue, Response};
use hyper_util::client::legacy::Error;
use slipway_peers::Peers;
use slipway_peers::discovery::view::View;
use slipway_peers::identity::Identity;
use slipway_runtime::Problem;
use tokio::time::Instant;
use tower::retry::budget::TpsBudget;

use super::budget::budget;
use super::target::Target;
use crate::answer::Body;
use crate::connections::Connections;
use crate::deferred_body::Received;
use crate::routes::Upstream;
use crate::settings::Settings;

/// The services behind the gateway.
pub(crate) struct Upstreams {
    pub(super) connections: Connections,
    pub(super) identity: Identity,
    pub(super) budget: TpsBudget,
    pub(super) view: View,
    pub(super) run: Option<HeaderValue>,
    pub(super) limits: Limits,
    pub(super) begun: Instant,
}

/// The longest times in which nothing comes; [`crate::Settings`] says why.
pub(crate) struct Limits {
    /// Of a request's body.
    pub(super) body: Duration,
    /// Of an answer that has not begun.
    pub(super) silence: Duration,
    /// Of an answer that has begun.
    pub(super) answer: Duration,
}

impl Limits {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            body: Duration::from_secs(settings.body.idle_seconds),
            silence: Duration::from_secs(settings.answer.silence_seconds),
            answer: Duration::from_secs(settings.answer.idle_seconds),
        }
    }
}

/// What became of one attempt.
pub(super) enum Outcome {
    Answered(Response<Body>),
    /// Nobody has seen the request: the next instance may have it.
    NotSent(Error),
    /// Another process has the address; perhaps one of the same service.
    Misdirected(Option<Target>),
    /// It ended before it had answered.
    Cut(Problem),
    /// It takes connections and proves itself on none.
    Hangs,
    Failed(Problem),
}

/// A request that is ready to go.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) id: &'a HeaderValue,
    pub(super) head: &'a Parts,
    pub(super) received: &'a Received,
}

impl Upstreams {
    pub(crate) fn new(peers: &Peers, limits: Limits) -> Self {
        let run = peers.process.run.as_deref();
        Self {
            connections: Connections::new(peers.identity.clone(), limits.silence),
            identity: peers.identity.clone(),
            budget: budget(),
            view: peers.view.clone(),
            run: run.and_then(|run| HeaderValue::from_str(run).ok()),
            limits,
            begun: Instant::now(),
        }
    }
}
