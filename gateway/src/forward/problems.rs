//! What a client is told when a service did not answer.

use http::StatusCode;
use hyper_util::client::legacy::Error;
use slipway_contract::Code;
use slipway_runtime::Problem;

use crate::deferred_body::BodyError;
use crate::routes::Upstream;

pub(super) fn unavailable(upstream: &Upstream) -> Problem {
    Problem::unavailable(
        upstream.unavailable,
        format!(
            "the {} service is away for the moment: try again in a few seconds",
            upstream.name
        ),
    )
}

pub(super) fn away(upstream: &Upstream, cause: Option<Error>) -> Problem {
    match cause {
        Some(error) => unavailable(upstream).with_cause(error),
        None => unavailable(upstream),
    }
}

/// As many requests are on their way to the service as may be.
pub(super) fn busy(upstream: &Upstream) -> Problem {
    Problem::unavailable(
        Code::Busy,
        format!(
            "too much is asked of the {} service at once: send this again in a moment",
            upstream.name
        ),
    )
}

/// It answered 101 without having been asked, or for another protocol.
pub(super) fn unwanted_tunnel(upstream: &Upstream) -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        Code::UpstreamFailed,
        format!(
            "the {} service wants to speak another protocol than it was asked for: tell its operator",
            upstream.name
        ),
    )
}

pub(super) fn silent(upstream: &Upstream) -> Problem {
    Problem::new(
        StatusCode::GATEWAY_TIMEOUT,
        Code::UpstreamTimeout,
        format!(
            "the {} service does not answer, and what it did is not known: look, then try again",
            upstream.name
        ),
    )
}

pub(super) fn failed(upstream: &Upstream, error: Error, of_body: Option<BodyError>) -> Problem {
    match of_body {
        Some(BodyError::Broken) => Problem::bad_request(
            Code::BodyIncomplete,
            "the body ended early or its chunks could not be read: send it again",
        ),
        Some(BodyError::Idle) => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            Code::BodyTimeout,
            "nothing of the body came for too long: send it again, or resume the upload",
        ),
        _ => Problem::new(
            StatusCode::BAD_GATEWAY,
            Code::UpstreamFailed,
            format!(
                "the {} service ended before it had answered, and what it did is not known: look, then try again",
                upstream.name
            ),
        )
        .with_cause(error),
    }
}
