//! The one line of the log that every request leaves, the same of every service.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::{Extensions, HeaderName, Method, Request, StatusCode};

use crate::metrics::Metrics;
use crate::token::without_tokens;

/// The client of a request, from the gateway to the service behind it.
pub static CLIENT: HeaderName = HeaderName::from_static("x-slipway-client");
/// The id of the token that a request was permitted by, from the service to the gateway.
pub static TOKEN: HeaderName = HeaderName::from_static("x-slipway-token");

/// Routes that processes and operators' programs ask by themselves all day long, whether or not anybody wants something:
/// leases, proofs, polls of changes, health and metrics. At a fault they are told like all others.
const ROUTINE: [&str; 8] = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/internal/instance",
    "/internal/instances",
    "/internal/instances/{instance}",
    "/internal/changes",
    "/internal/held",
];

/// What is told of a request, and counted. It begins with the request; the time is that to the head of the answer, since a
/// download takes as long as its client does.
#[derive(Debug)]
pub struct RequestLine {
    begun: Instant,
    /// Who tells it.
    service: &'static str,
    pub request_id: String,
    pub method: Method,
    pub path: String,
    /// The pattern of the path; `None` where there is no such address.
    pub route: Option<String>,
    /// Where it came from; `None` between services.
    pub client: Option<IpAddr>,
    /// Id of the token, which is no secret.
    pub token: Option<String>,
    /// The instance that the gateway asked.
    pub instance: Option<String>,
    /// Bytes of the request's body that were read.
    pub received: u64,
    /// `None` while nothing is answered.
    answered: Option<Answered>,
}

#[derive(Debug)]
struct Answered {
    status: u16,
    took: Duration,
    /// A fault of ours.
    cause: Option<String>,
}

impl RequestLine {
    /// Begins the line of a request that has just come.
    pub fn begin<B>(service: &'static str, request_id: String, request: &Request<B>) -> Self {
        Self {
            begun: Instant::now(),
            service,
            request_id,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            route: None,
            client: None,
            token: None,
            instance: None,
            received: 0,
            answered: None,
        }
    }

    /// Counts the request, whose answer has a head now. A `cause` tells a fault of ours.
    pub fn answered(&mut self, metrics: &Metrics, status: StatusCode, cause: Option<String>) {
        let (status, took) = (status.as_u16(), self.begun.elapsed());
        metrics.observe(self.method.as_str(), self.route(), status, took);
        self.answered = Some(Answered {
            status,
            took,
            cause,
        });
    }

    /// Writes the line; `bytes` are those of the answer's body. Without an answer, nobody waited for one to the end.
    pub fn write(&self, bytes: u64) {
        let Self {
            begun,
            service,
            request_id,
            method,
            path,
            client,
            token,
            instance,
            received,
            answered,
            ..
        } = self;
        let path = without_tokens(path);
        let path = path.as_ref();
        let route = self.route();
        let client = client.map(tracing::field::display);
        // A macro each, since a level is fixed where it is written.
        let Some(Answered {
            status,
            took,
            cause,
        }) = answered
        else {
            let millis = millis(begun.elapsed());
            tracing::info!(service, %method, path, route, client, received, millis, request_id, instance, "the client went away before the answer");
            return;
        };
        let millis = millis(*took);
        match cause {
            Some(cause) => {
                tracing::error!(service, %method, path, route, status, client, token, received, bytes, millis, request_id, instance, cause, "request failed");
            }
            None if *status < 400 && ROUTINE.contains(&route) => {
                tracing::debug!(service, %method, path, route, status, client, token, received, bytes, millis, request_id, instance, "request");
            }
            None => {
                tracing::info!(service, %method, path, route, status, client, token, received, bytes, millis, request_id, instance, "request");
            }
        }
    }

    /// The route as the log and the metrics name it.
    fn route(&self) -> &str {
        self.route.as_deref().unwrap_or("(none)")
    }
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

/// A place in a request's extensions for the id of the token that it was permitted by.
#[derive(Clone, Debug, Default)]
pub(super) struct Permitted(pub(super) Arc<OnceLock<String>>);

/// Notes the id of the token that permits a request, for its line.
pub fn permitted_by(extensions: &Extensions, token_id: &str) {
    if let Some(Permitted(id)) = extensions.get() {
        let _ = id.set(token_id.to_owned());
    }
}
