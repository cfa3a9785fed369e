//! The caller's side: a call by name, to the next instance when one does not answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use reqwest::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::access;
use super::key::{Key, Signed};
use super::verify::{CALLER, SIGNATURE, TIME};
use crate::clock;
use crate::data::{DataDir, SERVICES};
use crate::discovery::view::View;
use crate::http::edge::{INSTANCE, SERVICE};

/// Time for a connection on a local network.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Time without a byte of the answer after which a call has failed.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Why a call did not bring an answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No instance could be reached: try later.
    #[error("no instance of {service} answers")]
    Unavailable {
        service: String,
        #[source]
        cause: Option<reqwest::Error>,
    },
    /// An answer that says no for good.
    #[error("{service} refused with {status} {code}: {detail}")]
    Refused {
        service: String,
        status: StatusCode,
        code: String,
        detail: String,
    },
    /// An answer that says no for now: 5xx, 408, 421, 425, 429; and 401 and 403, which speak of keys of services that do
    /// not fit together yet, not of what was asked.
    #[error("{service} failed with {status}: {detail}")]
    Failed {
        service: String,
        status: StatusCode,
        detail: String,
    },
    /// An answer that could not be read.
    #[error("the answer of {service} could not be read")]
    Unreadable {
        service: String,
        #[source]
        cause: reqwest::Error,
    },
}

/// Makes a client with our time-outs; the only place where one is made.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that the ban points to"
)]
pub fn http_client() -> reqwest::Client {
    // Calls between services are plain HTTP; the provider is what an https:// URL would need.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(Duration::from_secs(5))
        .no_proxy()
        .build()
        .unwrap_or_else(|_| reqwest::Client::new())
}

/// Calls other services; cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    caller: &'static str,
    keys: HashMap<&'static str, Key>,
    http: reqwest::Client,
    view: View,
    /// Seconds that each callee's clock is ahead of ours, learnt from a refusal.
    skew: HashMap<&'static str, AtomicI64>,
}

impl Client {
    /// Reads the caller's keys for every service that it may call.
    pub(crate) fn open(caller: &'static str, data: &DataDir, view: View) -> anyhow::Result<Self> {
        let mut keys = HashMap::new();
        for callee in SERVICES {
            if access::callers_of(callee).contains(&caller) {
                keys.insert(callee, Key::read(&data.pair_key(caller, callee))?);
            }
        }
        let skew = keys
            .keys()
            .map(|callee| (*callee, AtomicI64::new(0)))
            .collect();
        Ok(Self {
            inner: Arc::new(Inner {
                caller,
                keys,
                http: http_client(),
                view,
                skew,
            }),
        })
    }

    /// Calls `service` and reads the JSON of a 2xx answer.
    pub async fn call<T: DeserializeOwned>(
        &self,
        service: &'static str,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, CallError> {
        let body = body.map(|body| serde_json::to_vec(body).unwrap_or_default());
        let response = self
            .send(service, &method, path, body.as_deref(), None)
            .await?;
        response
            .json()
            .await
            .map_err(|cause| CallError::Unreadable {
                service: service.to_owned(),
                cause,
            })
    }

    /// Gets `path` of `service` and leaves the body of a 2xx answer to the caller.
    pub async fn get(
        &self,
        service: &'static str,
        path: &str,
        range: Option<&str>,
    ) -> Result<Response, CallError> {
        self.send(service, &Method::GET, path, None, range).await
    }

    /// Tries one instance after another until one answers; endpoints are safe to repeat.
    async fn send(
        &self,
        service: &'static str,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        range: Option<&str>,
    ) -> Result<Response, CallError> {
        let mut last = None;
        for instance in self.inner.view.candidates(service) {
            let target = Target {
                service,
                address: &instance.addr,
                instance: &instance.instance,
            };
            match self.exchange(target, method, path, body, range).await {
                Ok(response) if response.status() == StatusCode::MISDIRECTED_REQUEST => {}
                Ok(response) => return read_status(service, response).await,
                Err(cause) => last = Some(cause),
            }
        }
        Err(unavailable(service, last))
    }

    /// Calls a registry by its address.
    pub(crate) async fn call_registry<T: DeserializeOwned>(
        &self,
        address: &str,
        method: Method,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<T, CallError> {
        let service = "registry";
        let target = Target {
            service,
            address,
            instance: "*",
        };
        let response = self
            .exchange(target, &method, path, body, None)
            .await
            .map_err(|cause| unavailable(service, Some(cause)))?;
        let response = read_status(service, response).await?;
        response
            .json()
            .await
            .map_err(|cause| CallError::Unreadable {
                service: service.to_owned(),
                cause,
            })
    }

    /// One call, repeated once with what the callee said of its clock, and once with the instance that now has the
    /// address if it is of the same service: a process that was restarted there.
    async fn exchange(
        &self,
        target: Target<'_>,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        range: Option<&str>,
    ) -> reqwest::Result<Response> {
        let response = self.request(target, method, path, body, range).await?;
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(theirs) = header(TIME).and_then(|time| time.parse::<i64>().ok())
        {
            if let Some(skew) = self.inner.skew.get(target.service) {
                skew.store(theirs - clock::unix_millis() / 1000, Ordering::Relaxed);
            }
            return self.request(target, method, path, body, range).await;
        }
        if response.status() == StatusCode::MISDIRECTED_REQUEST
            && header(SERVICE.as_str()) == Some(target.service)
            && let Some(instance) = header(INSTANCE.as_str()).map(str::to_owned)
        {
            let target = Target {
                instance: &instance,
                ..target
            };
            return self.request(target, method, path, body, range).await;
        }
        Ok(response)
    }

    async fn request(
        &self,
        target: Target<'_>,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        range: Option<&str>,
    ) -> reqwest::Result<Response> {
        let skew = self.inner.skew.get(target.service);
        let time =
            clock::unix_millis() / 1000 + skew.map_or(0, |skew| skew.load(Ordering::Relaxed));
        let signed = Signed {
            caller: self.inner.caller,
            callee: target.service,
            instance: target.instance,
            method,
            path,
            time,
        };
        // Without a key the call goes out unsigned and is refused by the callee, which is the one that decides.
        let key = self.inner.keys.get(target.service);
        let signature = key.map(|key| key.sign(signed)).unwrap_or_default();
        let mut request = self
            .inner
            .http
            .request(method.clone(), format!("http://{}{path}", target.address))
            .header(CALLER, self.inner.caller)
            .header(INSTANCE.as_str(), target.instance)
            .header(TIME, time)
            .header(SIGNATURE, signature);
        if let Some(range) = range {
            request = request.header(http::header::RANGE, range);
        }
        if let Some(body) = body {
            request = request
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(body.to_vec());
        }
        request.send().await
    }
}

#[derive(Clone, Copy)]
struct Target<'a> {
    service: &'static str,
    address: &'a str,
    instance: &'a str,
}

fn unavailable(service: &str, cause: Option<reqwest::Error>) -> CallError {
    CallError::Unavailable {
        service: service.to_owned(),
        cause,
    }
}

async fn read_status(service: &str, response: Response) -> Result<Response, CallError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body: serde_json::Value = response.json().await.unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let service = service.to_owned();
    let detail = text("detail");
    let passes = matches!(status.as_u16(), 401 | 403 | 408 | 421 | 425 | 429);
    if status.is_client_error() && !passes {
        let code = text("code");
        return Err(CallError::Refused {
            service,
            status,
            code,
            detail,
        });
    }
    Err(CallError::Failed {
        service,
        status,
        detail,
    })
}
