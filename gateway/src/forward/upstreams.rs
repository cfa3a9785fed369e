//! The services behind the gateway, and what is asked of them.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderValue, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::Error;
use slipway_peers::Peers;
use slipway_peers::discovery::view::View;
use slipway_peers::identity::Identity;
use slipway_runtime::Problem;
use tokio::time::Instant;

use super::service::Services;
use super::target::Target;
use crate::connections::Connections;
use crate::deferred_body::{DeferredBody, Received};
use crate::routes::Upstream;
use crate::settings::Settings;

/// The services behind the gateway.
pub(crate) struct Upstreams {
    pub(super) connections: Connections,
    pub(super) identity: Identity,
    pub(super) services: Arc<Services>,
    pub(super) view: View,
    pub(super) run: Option<HeaderValue>,
    pub(super) begun: Instant,
}

/// What a request may take; [`crate::Settings`] says why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The longest time without a byte of a request's body.
    pub(super) body: Duration,
    /// The longest time without anything of an answer that has not begun.
    pub(super) silence: Duration,
    /// The longest time without a byte of an answer that has begun.
    pub(crate) answer: Duration,
    /// The longest time without a byte of a tunnel, and of an answer that is a stream of events.
    pub(crate) tunnel: Duration,
    /// Requests that are on their way to one service.
    pub(super) at_once: usize,
}

impl Limits {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            body: Duration::from_secs(settings.body.idle_seconds),
            silence: Duration::from_secs(settings.answer.silence_seconds),
            answer: Duration::from_secs(settings.answer.idle_seconds),
            tunnel: Duration::from_secs(settings.tunnel.idle_seconds),
            at_once: settings.upstream.max_requests,
        }
    }
}

/// What a request is sent by.
pub(crate) struct Sending<'a> {
    pub(crate) upstream: &'a Upstream,
    pub(crate) limits: &'a Limits,
    /// A tunnel is asked for (RFC 9110, 7.8).
    pub(crate) is_tunnel: bool,
    /// The bytes of the request's body are counted here.
    pub(crate) received: &'a Received,
}

/// What became of one attempt.
pub(super) enum Outcome {
    Answered(Response<Incoming>, Option<DeferredBody>),
    /// Nobody has seen the request: the next instance may have it.
    NotSent(Error),
    /// Another process has the address; perhaps one of the same service, which the answer names.
    Misdirected(Response<Incoming>),
    /// It ended before it had answered.
    Cut(Problem),
    /// It takes connections and proves itself on none.
    Hangs,
    Failed(Problem),
}

/// A service's answer.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    /// The request's body, which may still be on its way.
    pub(super) hold: Option<DeferredBody>,
    pub(super) target: Target,
}

/// A request that is ready to go.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) head: &'a Parts,
    pub(super) received: &'a Received,
    pub(super) limits: &'a Limits,
    /// A tunnel is asked for (RFC 9110, 7.8).
    pub(super) is_tunnel: bool,
}

impl Upstreams {
    pub(crate) fn new(peers: &Peers) -> Self {
        let run = peers.process.run.as_deref();
        let services = Arc::new(Services::new(peers.view.clone()));
        let parting = Arc::downgrade(&services);
        peers.view.when_leaving(move |record| {
            if let Some(services) = parting.upgrade() {
                services.part(record);
            }
        });
        Self {
            connections: Connections::new(peers.identity.clone()),
            identity: peers.identity.clone(),
            services,
            view: peers.view.clone(),
            run: run.and_then(|run| HeaderValue::from_str(run).ok()),
            begun: Instant::now(),
        }
    }

    /// Follows the view for as long as the process lives.
    pub(crate) async fn keep_current(&self) {
        self.services.keep_current().await;
    }
}
