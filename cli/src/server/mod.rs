//! Requests to a platform, and what it answers.

pub(crate) mod address;
mod certificates;
pub(crate) mod failure;
pub(crate) mod retry;
pub(crate) mod token;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde_json::Value;
use slipway_contract::Slug;
use slipway_runtime::token::Token;

use crate::proof::key::Key;
use crate::proof::text;
use crate::terminal;
use address::ServerAddress;
use failure::{Failure, Problem};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For answers that are made at once. Bytes on their way have no time limit, only a watch on their progress.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// Bytes of an answer that is kept in memory whole. The longest lists a release's packages; what never ends comes from
/// something that is no platform.
const LONGEST_ANSWER: u64 = 16 * 1024 * 1024;

/// Where the platform is, and who asks.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Connection {
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "Address of the platform; http is meant on this machine, else https [default: the variable SLIPWAY_SERVER, else http://127.0.0.1:8080]"
    )]
    server: Option<ServerAddress>,
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "File that holds the token [default: the variable SLIPWAY_TOKEN]"
    )]
    token_file: Option<PathBuf>,
    /// Certificates to trust instead of the system's: of authorities, or the server's own (PEM)
    #[arg(long, global = true, value_name = "FILE")]
    cacert: Option<PathBuf>,
}

impl Connection {
    /// The platform as whoever has the token.
    pub(crate) fn open(&self) -> anyhow::Result<Server> {
        let token = token::read(self.token_file.as_deref())?;
        let address = address::given(self.server.as_ref())?.unwrap_or_default();
        Server::new(&address, Some(&token), self.cacert.as_deref())
    }
}

/// Runs what speaks to a platform to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(work)
}

/// A platform and the token that we have for it, if any.
pub(crate) struct Server {
    client: reqwest::Client,
    root: Url,
}

impl Server {
    /// `certificates` is a file of those to trust instead of the system's.
    pub(crate) fn new(
        address: &ServerAddress,
        token: Option<&Token>,
        certificates: Option<&Path>,
    ) -> anyhow::Result<Self> {
        // Fails when it was installed before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("slipway/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(token) = token {
            if address.is_unprotected() {
                terminal::warn(
                    "the token travels unencrypted, because the address is http and not https",
                );
            }
            let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))?;
            bearer.set_sensitive(true);
            builder = builder.default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]));
        }
        if let Some(file) = certificates {
            builder = builder.tls_backend_preconfigured(certificates::trust(file)?);
        }
        if address.is_loopback() {
            builder = builder.no_proxy();
        }
        Ok(Self {
            client: builder.build()?,
            root: address.url().clone(),
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

    /// An address for people: with the origin that the platform names, else with the one that we reached it by.
    pub(crate) fn public(&self, address: &str) -> Result<Url, Failure> {
        self.root.join(address).map_err(|_| Failure::Strange)
    }

    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request that is answered at once.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let answer = request.timeout(ANSWER_TIMEOUT).send().await;
        self.accept(answer).await
    }

    /// Sends a request and returns its answer whatever its status, once its head is there.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> Result<Response, Failure> {
        match tokio::time::timeout(ANSWER_TIMEOUT, request.send()).await {
            Ok(answer) => answer.map_err(|error| Failure::of(self.origin(), error)),
            Err(_) => Err(Failure::Stalled(ANSWER_TIMEOUT)),
        }
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
        Self::read_json(self.send(request).await?).await
    }

    pub(crate) async fn read_json(answer: Response) -> Result<Value, Failure> {
        let bytes = whole(answer, LONGEST_ANSWER).await?;
        serde_json::from_slice(&bytes).map_err(|_| Failure::Strange)
    }

    /// The key that the platform shows for an app.
    pub(crate) async fn key(&self, app: &Slug) -> Result<Key, Failure> {
        let url = self.resolve(&format!("/keys/{app}/minisign.pub"))?;
        Key::parse(&self.short_text(url).await?).ok_or(Failure::Strange)
    }

    /// The text of a key or a signature.
    pub(crate) async fn short_text(&self, url: Url) -> Result<String, Failure> {
        let answer = self.send(self.request(Method::GET, url)).await?;
        let bytes = whole(answer, text::LONGEST).await?;
        String::from_utf8(bytes).map_err(|_| Failure::Strange)
    }

    /// An answer that says yes, or why not.
    pub(crate) async fn accept(
        &self,
        answer: reqwest::Result<Response>,
    ) -> Result<Response, Failure> {
        let answer = answer.map_err(|error| Failure::of(self.origin(), error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(refusal(answer).await.into())
    }
}

/// What an answer that is no success says. Of one whose body cannot be read its status and head still count.
pub(crate) async fn refusal(answer: Response) -> Problem {
    let (status, headers) = (answer.status(), answer.headers().clone());
    match whole(answer, LONGEST_ANSWER).await {
        Ok(bytes) => Problem::read(status, &headers, &bytes),
        Err(failure) => {
            let mut problem = Problem::read(status, &headers, &[]);
            problem.detail = format!("the server refuses, and why could not be read: {failure}");
            problem
        }
    }
}

/// The body of an answer, of `most` bytes at most.
async fn whole(mut answer: Response, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(more) = answer.chunk().await.map_err(Failure::Broken)? {
        bytes.extend_from_slice(&more);
        if bytes.len() as u64 > most {
            return Err(Failure::Strange);
        }
    }
    Ok(bytes)
}
