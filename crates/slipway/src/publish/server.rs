//! Requests to the platform, and what it answers, in words.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::bail;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use slipway_service::token::Token;

use crate::terminal;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For answers that are made at once. Bytes on their way have no time limit, only a watch on their progress.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// The longest that a server may ask us to wait.
const LONGEST_RETRY_AFTER: u64 = 60;

/// A platform and the token that we have for it.
pub(crate) struct Server {
    client: reqwest::Client,
    root: Url,
}

/// Why a request brought nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0} cannot be reached (is the address right, and does the platform run there?)")]
    Unreachable(String, #[source] reqwest::Error),
    #[error("the connection broke")]
    Broken(#[source] reqwest::Error),
    #[error("nothing moved for {} s", .0.as_secs())]
    Stalled(Duration),
    #[error(transparent)]
    Refused(#[from] Problem),
    #[error("the answer is not what Slipway answers: is this the address of a platform?")]
    Strange,
}

/// A refusal as the platform says it (RFC 9457).
#[derive(Debug, thiserror::Error)]
#[error("{detail} ({} {code}{})", status.as_u16(), request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default())]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) request_id: Option<String>,
    retry_after: Option<Duration>,
}

impl Failure {
    /// Whether the same request may succeed later.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Unreachable(..) | Self::Broken(_) | Self::Stalled(_) => true,
            Self::Refused(problem) => {
                let status = problem.status.as_u16();
                (status >= 500 && status != 501) || matches!(status, 408 | 421 | 423 | 425 | 429)
            }
            Self::Strange => false,
        }
    }

    /// What the server asked for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after,
            _ => None,
        }
    }

    /// The refusal's code.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            _ => None,
        }
    }

    /// The refusal's status.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused(problem) => Some(problem.status),
            _ => None,
        }
    }
}

impl Server {
    pub(crate) fn new(address: &Url, token: &Token) -> anyhow::Result<Self> {
        if !matches!(address.scheme(), "http" | "https") || !address.has_host() {
            bail!("{address} is no address of a platform: write it as https://apps.example.org");
        }
        let loopback = is_loopback(address);
        if address.scheme() == "http" && !loopback {
            terminal::note(
                "the token travels unencrypted, because the address is http and not https",
            );
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))?;
        bearer.set_sensitive(true);
        // Fails when it was installed before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("slipway/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        if loopback {
            builder = builder.no_proxy();
        }
        Ok(Self {
            client: builder.build()?,
            root: address.join("/")?,
        })
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        self.root.origin().ascii_serialization()
    }

    /// An address of the platform as we reach it, whatever origin it was given with: the token goes nowhere else.
    pub(crate) fn resolve(&self, address: &str) -> Result<Url, Failure> {
        let given = self.root.join(address).map_err(|_| Failure::Strange)?;
        let mut own = self.root.clone();
        own.set_path(given.path());
        own.set_query(given.query());
        Ok(own)
    }

    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request that is answered at once.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let answer = request.timeout(ANSWER_TIMEOUT).send().await;
        self.accept(answer).await
    }

    /// Sends JSON, if any, and reads JSON.
    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let mut request = self.request(method, self.resolve(path)?);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = self.send(request).await?;
        answer.json().await.map_err(|error| {
            if error.is_decode() {
                Failure::Strange
            } else {
                Failure::Broken(error)
            }
        })
    }

    /// An answer that says yes, or why not.
    pub(crate) async fn accept(
        &self,
        answer: reqwest::Result<Response>,
    ) -> Result<Response, Failure> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => {
                return Err(Failure::Unreachable(self.origin(), error.without_url()));
            }
            Err(error) => return Err(Failure::Broken(error.without_url())),
        };
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(Problem::read(answer).await.into())
    }
}

impl Problem {
    async fn read(answer: Response) -> Self {
        #[derive(Default, Deserialize)]
        struct Body {
            code: String,
            detail: String,
            request_id: Option<String>,
        }
        let status = answer.status();
        let header = |name| {
            answer
                .headers()
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let retry_after = header(RETRY_AFTER.as_str()).and_then(|text| text.parse::<u64>().ok());
        let request_id = header("x-request-id").map(str::to_owned);
        let body = answer.json::<Body>().await.unwrap_or_else(|_| Body {
            // An answer to HEAD has no body, and a proxy in between has its own.
            code: status.canonical_reason().unwrap_or_default().to_lowercase(),
            detail: "the server refuses".to_owned(),
            request_id: None,
        });
        Self {
            status,
            code: body.code,
            detail: body.detail,
            request_id: body.request_id.or(request_id),
            retry_after: retry_after
                .map(|seconds| Duration::from_secs(seconds.min(LONGEST_RETRY_AFTER))),
        }
    }
}

fn is_loopback(address: &Url) -> bool {
    let host = address.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
