//! More requests at once than a process is made for are refused at once, so that the others stay as fast as they were.
//!
//! There are two classes, each with a limit of its own: what the world asks for, and what services ask each other. Were
//! there one, a flood from outside would keep the change feed and the leases of everybody waiting.

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::Request;
use slipway_contract::Code;
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{BoxError, ServiceBuilder, ServiceExt as _};

use super::problem::Problem;
use crate::settings::Http;

/// `1` in a 503: nothing was done of what was asked, so that it may be asked of another instance, whatever it is.
pub const UNPROCESSED: &str = "x-slipway-unprocessed";

/// Puts the limits in front of routes. A request counts until the head of its answer is there.
pub(super) fn shed(settings: &Http, routes: &Router) -> Router {
    let class = |most| {
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(busy))
            .layer(LoadShedLayer::new())
            .layer(ConcurrencyLimitLayer::new(most))
            .service(routes.clone())
    };
    let classes = [
        class(settings.max_public_requests),
        class(settings.max_internal_requests),
    ];
    Router::new().fallback(move |request: Request| {
        let is_internal = request.uri().path().starts_with("/internal/");
        classes[usize::from(is_internal)].clone().oneshot(request)
    })
}

async fn busy(_: BoxError) -> Problem {
    Problem::unavailable(
        Code::Busy,
        "too much is asked for at once: send this again in a moment",
    )
    .with_header(UNPROCESSED, "1")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::Body;
    use axum::extract::State;
    use axum::routing::get;
    use http::StatusCode;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn one_class_does_not_keep_the_other_out_and_is_let_in_again() {
        let held = Arc::new(Semaphore::new(0));
        let wait = |State(held): State<Arc<Semaphore>>| async move {
            held.acquire().await.expect("never closed").forget();
        };
        let routes = Router::new()
            .route("/public", get(wait))
            .route("/internal/instance", get(|| async {}))
            .with_state(held.clone());
        let settings = Http {
            max_public_requests: 1,
            max_internal_requests: 1,
            ..Http::default()
        };
        let routes = shed(&settings, &routes);
        let ask = |path: &str| {
            let request = Request::get(path).body(Body::empty()).expect("a request");
            routes.clone().oneshot(request)
        };
        let (first, (second, internal)) = tokio::join!(ask("/public"), async {
            tokio::task::yield_now().await;
            let answers = (ask("/public").await, ask("/internal/instance").await);
            held.add_permits(2);
            answers
        });
        assert_eq!(first.expect("an answer").status(), StatusCode::OK);
        let second = second.expect("an answer");
        assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(second.headers()["retry-after"], "1");
        assert_eq!(second.headers()[UNPROCESSED], "1");
        assert_eq!(internal.expect("an answer").status(), StatusCode::OK);
        let again = ask("/public").await.expect("an answer");
        assert_eq!(again.status(), StatusCode::OK);
    }
}
