//! Connections that stop being HTTP: those of the `WebSocket` protocol (RFC 6455) to services of an operator's own.
//!
//! That protocol alone: with `h2c` a client would speak to a service past every check here. And nothing is a tunnel before the
//! service has agreed: bytes of a client that were let through earlier could be requests to it (smuggling).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Version};
use hyper::body::Body;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::time::{Instant, sleep_until};
use tokio_util::io::InspectReader;
use tokio_util::sync::CancellationToken;

/// The one protocol.
pub(crate) const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// Whether a client asks for a tunnel (RFC 6455, 4.1; RFC 9110, 7.8).
pub(crate) fn is_asked<B: Body>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let options = headers.get_all(CONNECTION).iter();
    let mut options = options
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && request.body().is_end_stream()
        && options.any(|option| option.trim().eq_ignore_ascii_case("upgrade"))
        && is_agreed(headers)
}

/// Whether it is the one protocol that a head names, and no second one.
pub(crate) fn is_agreed(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(UPGRADE).iter();
    let first = protocols.next().map(HeaderValue::as_bytes);
    let is_websocket = |protocol: &[u8]| protocol.eq_ignore_ascii_case(WEBSOCKET.as_bytes());
    first.is_some_and(is_websocket) && protocols.next().is_none()
}

/// Carries bytes both ways until both ends have ended, one of them is lost, nothing moves for `idle`, or `stop` is
/// cancelled. `held` is dropped then.
pub(crate) async fn carry<H>(
    client: OnUpgrade,
    service: OnUpgrade,
    idle: Duration,
    stop: CancellationToken,
    held: H,
) {
    let moved = Moved::default();
    let carrying = async {
        let (client, service) = tokio::try_join!(client, service)?;
        let (mut client, mut service) = (moved.noted(client), moved.noted(service));
        copy_bidirectional(&mut client, &mut service).await?;
        anyhow::Ok(())
    };
    tokio::select! {
        ended = carrying => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a tunnel was cut");
            }
        }
        () = moved.is_over(idle) => tracing::debug!("a tunnel was idle for too long"),
        () = stop.cancelled() => {}
    }
    drop(held);
}

/// When something last moved.
#[derive(Clone)]
struct Moved(Arc<Mutex<Instant>>);

impl Default for Moved {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Moved {
    fn at(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One end, of which every byte that comes is noted.
    fn noted(&self, end: Upgraded) -> InspectReader<TokioIo<Upgraded>, impl FnMut(&[u8]) + use<>> {
        let moved = self.clone();
        InspectReader::new(TokioIo::new(end), move |_| {
            *moved.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        })
    }

    /// Returns when nothing has moved for `idle`.
    async fn is_over(&self, idle: Duration) {
        loop {
            let moved = self.at();
            sleep_until(moved + idle).await;
            if self.at() == moved {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_asked_by(method: &str, fields: &[(&str, &str)], body: &str) -> bool {
        let mut request = Request::builder().method(method).uri("/live");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        is_asked(&request.body(body.to_owned()).expect("a request"))
    }

    #[test]
    fn a_web_socket_is_asked_for_and_nothing_else() {
        let upgrade = ("connection", "keep-alive, Upgrade");
        let websocket = ("upgrade", "WebSocket");
        assert!(is_asked_by("GET", &[upgrade, websocket], ""));
        for (method, fields, body) in [
            ("POST", &[upgrade, websocket][..], ""),
            ("GET", &[upgrade, websocket], "body"),
            ("GET", &[websocket], ""),
            ("GET", &[upgrade], ""),
            ("GET", &[("connection", "close"), websocket], ""),
            ("GET", &[upgrade, ("upgrade", "h2c")], ""),
            ("GET", &[upgrade, ("upgrade", "h2c, websocket")], ""),
            ("GET", &[upgrade, websocket, ("upgrade", "h2c")], ""),
        ] {
            assert!(
                !is_asked_by(method, fields, body),
                "{method} {fields:?} {body}"
            );
        }
    }
}
