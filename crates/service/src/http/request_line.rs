//! The one line of the log that every request leaves, the same of every service.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Extensions, HeaderName, Method};

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

/// What is told of a request.
#[derive(Debug)]
pub struct RequestLine {
    /// Who tells it.
    pub service: &'static str,
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
}

impl RequestLine {
    /// Writes the line. `bytes` are those of the answer's body, `took` the time to its head, and a `cause` tells a fault of
    /// ours.
    pub fn write(&self, status: u16, bytes: u64, took: Duration, cause: Option<&str>) {
        let millis = millis(took);
        let Self {
            service,
            request_id,
            method,
            path,
            client,
            token,
            instance,
            received,
            ..
        } = self;
        let path = without_tokens(path);
        let path = path.as_ref();
        let route = self.route();
        let client = client.map(tracing::field::display);
        // A macro each, since a level is fixed where it is written.
        match cause {
            Some(cause) => {
                tracing::error!(service, %method, path, route, status, client, token, received, bytes, millis, request_id, instance, cause, "request failed");
            }
            None if status < 400 && ROUTINE.contains(&route) => {
                tracing::debug!(service, %method, path, route, status, client, token, received, bytes, millis, request_id, instance, "request");
            }
            None => {
                tracing::info!(service, %method, path, route, status, client, token, received, bytes, millis, request_id, instance, "request");
            }
        }
    }

    /// The same for a request that nobody waited for to the end.
    pub fn write_abandoned(&self, took: Duration) {
        let millis = millis(took);
        let Self {
            service,
            request_id,
            method,
            path,
            client,
            instance,
            received,
            ..
        } = self;
        let path = without_tokens(path);
        let path = path.as_ref();
        let route = self.route();
        let client = client.map(tracing::field::display);
        tracing::info!(service, %method, path, route, client, received, millis, request_id, instance, "the client went away before the answer");
    }

    /// The route as the log and the metrics name it.
    pub fn route(&self) -> &str {
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
