//! The callee's side: no internal request passes without a good signature and a line in [`super::access`].

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};

use super::access;
use super::key::Signed;
use crate::Problem;
use crate::clock;
use crate::process::Process;

pub(crate) const CALLER: &str = "x-slipway-caller";
pub(crate) const TIME: &str = "x-slipway-time";
pub(crate) const SIGNATURE: &str = "x-slipway-signature";

/// Seconds by which the clocks of two machines may differ; beyond it the refusal carries our time.
const SKEW_SECONDS: i64 = 300;

/// Lets requests outside `/internal/` through and checks those inside.
pub(crate) async fn check(
    State(process): State<Process>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path().starts_with("/internal/")
        && let Err(refusal) = check_request(&process, &request)
    {
        return refusal.into_response();
    }
    next.run(request).await
}

fn check_request(process: &Process, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let caller = header(headers, CALLER)?;
    let instance = header(headers, crate::http::edge::INSTANCE.as_str())?;
    let signature = header(headers, SIGNATURE)?;
    let time: i64 = header(headers, TIME)?.parse().map_err(|_| refused())?;
    let signed = Signed {
        caller,
        callee: process.service,
        instance,
        method: request.method(),
        path: request
            .uri()
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str),
        time,
    };
    // A configured URL is all that is known of a registry; everybody else is addressed by instance.
    let addressed =
        instance == &*process.instance || (instance == "*" && process.service == "registry");
    if !addressed || !process.key.derive(caller).verify(signed, signature) {
        return Err(refused());
    }
    let now = clock::unix_millis() / 1000;
    if (now - time).abs() > SKEW_SECONDS {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "clock_skew",
            "the clocks of two services differ by more than five minutes: set them",
        )
        .with_header(TIME, now.to_string()));
    }
    if !access::permits(
        process.service,
        request.method(),
        request.uri().path(),
        caller,
    ) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "caller_not_permitted",
            "this service may not ask for that",
        ));
    }
    Ok(())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Problem> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(refused)
}

fn refused() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "signature_invalid",
        "internal requests are signed, and this one is not or not rightly",
    )
}
