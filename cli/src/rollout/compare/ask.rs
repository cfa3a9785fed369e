//! One request to one process, and to no other.
//!
//! Whoever rolls out owns the data folder, and so may ask as the gateway and as the catalog do. Gateways share the public
//! listener: a connection is made again until the one that is meant has taken it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RANGE};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use reqwest::RequestBuilder;
use slipway_peers::access::INSTANCE_PATH;
use slipway_peers::guard::{INSTANCE, RUN};
use slipway_peers::identity::Identity;
use slipway_runtime::data::DataDir;
use slipway_runtime::http::client::{builder, http_client};
use slipway_runtime::token::Token;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::process::{has_socket, other_end};
use super::question::{Caller, Heard, Question};
use crate::rollout::look::{Listener, Whom};
use crate::run::Service;

/// Of an answer; whoever takes longer does not answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Of a process that is asked whether it is ready: it is asked again.
const READY_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections that are made until one gateway of several has taken one.
const TRIES: usize = 100;
/// In which a connection is taken by some gateway.
const TAKEN_TIMEOUT: Duration = Duration::from_secs(2);
/// Of a large file: its first bytes.
const PART: &str = "bytes=0-262143";
/// Bytes of an answer.
const MOST_BYTES: usize = 16 * 1024 * 1024;

pub(in crate::rollout) struct Asker {
    gateway: Identity,
    catalog: Identity,
    token: Option<Token>,
    plain: reqwest::Client,
    /// By caller, service and address: an address may be that of another service later.
    proven: Mutex<HashMap<(Caller, Service, SocketAddr), reqwest::Client>>,
    /// Connections that a gateway has taken, by its process. Which one took it is looked up once and not for each question:
    /// the kernel's table of sockets is long on a busy machine.
    taken: Mutex<HashMap<u32, Vec<Sender>>>,
}

type Sender = SendRequest<Full<Bytes>>;

/// Nobody was asked: nothing is known.
#[derive(Debug, thiserror::Error)]
#[error("the gateway took none of {TRIES} connections")]
pub(super) struct NotReached;

impl Asker {
    pub(in crate::rollout) fn open(data: &DataDir) -> anyhow::Result<Self> {
        // What TLS needs. It fails when it was installed before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Without it little can be asked, and nothing is wrong.
        let token = std::fs::read_to_string(data.admin_token());
        Ok(Self {
            gateway: Identity::open(Service::Gateway.name(), data)?,
            catalog: Identity::open(Service::Catalog.name(), data)?,
            token: token.ok().and_then(|text| text.trim().parse().ok()),
            plain: http_client()?,
            proven: Mutex::default(),
            taken: Mutex::default(),
        })
    }

    pub(super) async fn ask(&self, whom: &Whom, question: &Question) -> anyhow::Result<Heard> {
        let is_operator = question.caller == Caller::Operator;
        if whom.service == Service::Gateway && !is_operator {
            let (sender, is_kept) = match self.kept(whom) {
                Some(kept) => (kept, true),
                None => (connect(whom).await?, false),
            };
            let asked = timed(self.ask_over(sender, is_kept, whom, question));
            return asked.await;
        }
        let request = if is_operator {
            let url = format!("http://{}{}", whom.said.admin, question.path);
            self.plain.get(url)
        } else {
            self.request(whom, question)?
        };
        timed(heard(request)).await
    }

    /// Whether a process is ready, as it says itself at its own listener.
    pub(in crate::rollout) async fn is_ready(&self, admin: SocketAddr) -> bool {
        let asked = self.plain.get(format!("http://{admin}/readyz"));
        let answered = timeout(READY_TIMEOUT, asked.send()).await;
        answered.is_ok_and(|sent| sent.is_ok_and(|answer| answer.status().is_success()))
    }

    /// The name of the instance at an address, as it says itself once it has proven to be of the service.
    pub(in crate::rollout) async fn instance(
        &self,
        service: Service,
        address: SocketAddr,
    ) -> anyhow::Result<String> {
        let name = service.name();
        let url = format!("https://{name}:{}{INSTANCE_PATH}", address.port());
        let client = self.client(Caller::World, service, address)?;
        let answer = timeout(READY_TIMEOUT, client.get(url).send()).await;
        let answer = answer.context("it did not answer in time")??;
        let named = answer.headers().get(&INSTANCE);
        let named = named.context("it does not say which instance it is")?;
        Ok(named.to_str()?.to_owned())
    }

    fn request(&self, whom: &Whom, question: &Question) -> anyhow::Result<RequestBuilder> {
        let said = &whom.said;
        let address: SocketAddr = said.addr.parse().context("it says no address")?;
        let name = whom.service.name();
        let url = format!("https://{name}:{}{}", address.port(), question.path);
        let client = self.client(question.caller, whom.service, address)?;
        let mut request = client.request(question.method.clone(), url);
        request = request.header(INSTANCE.as_str(), &said.instance);
        if let Some(run) = &said.run {
            request = request.header(RUN.as_str(), run);
        }
        if let Some(bearer) = self.bearer(question) {
            request = request.header(AUTHORIZATION, bearer);
        }
        if question.is_part {
            request = request.header(RANGE, PART);
        }
        if let Some(body) = &question.body {
            request = request.json(body);
        }
        Ok(request)
    }

    fn bearer(&self, question: &Question) -> Option<String> {
        let token = self.token.as_ref()?;
        let is_own = question.caller == Caller::Administrator;
        is_own.then(|| format!("Bearer {}", token.reveal()))
    }

    fn client(
        &self,
        caller: Caller,
        service: Service,
        address: SocketAddr,
    ) -> anyhow::Result<reqwest::Client> {
        let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = proven.get(&(caller, service, address)) {
            return Ok(client.clone());
        }
        let identity = match caller {
            Caller::Catalog => &self.catalog,
            _ => &self.gateway,
        };
        let client = builder()
            .https_only(true)
            .http1_only()
            .tls_backend_preconfigured((*identity.loaded().client).clone())
            .resolve(service.name(), address)
            .build()?;
        proven.insert((caller, service, address), client.clone());
        Ok(client)
    }

    async fn ask_over(
        &self,
        mut sender: Sender,
        is_kept: bool,
        whom: &Whom,
        question: &Question,
    ) -> anyhow::Result<(u16, Bytes)> {
        let mut request = Request::builder()
            .method(question.method.clone())
            .uri(&question.path)
            .header(HOST, &whom.said.addr);
        if let Some(bearer) = self.bearer(question) {
            request = request.header(AUTHORIZATION, bearer);
        }
        if question.is_part {
            request = request.header(RANGE, PART);
        }
        let body = match &question.body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Bytes::from(serde_json::to_vec(body)?)
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(body))?;
        let answer = sender.send_request(request).await;
        // It may have ended when it was not used; one that is new is made the next time.
        let answer = answer.map_err(|error| {
            if is_kept {
                NotReached.into()
            } else {
                anyhow::Error::from(error)
            }
        });
        let (head, body) = answer?.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?;
        if sender.ready().await.is_ok() {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.entry(whom.said.pid).or_default().push(sender);
        }
        Ok((head.status.as_u16(), body.to_bytes()))
    }

    /// A connection that the process took before, and that is open.
    fn kept(&self, whom: &Whom) -> Option<Sender> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get_mut(&whom.said.pid)?;
        std::iter::from_fn(|| own.pop()).find(Sender::is_ready)
    }
}

/// An answer in time, and the time.
async fn timed(
    asking: impl Future<Output = anyhow::Result<(u16, Bytes)>>,
) -> anyhow::Result<Heard> {
    let begun = Instant::now();
    let answered = timeout(ANSWER_TIMEOUT, asking).await;
    let (status, body) = answered.context("it did not answer in time")??;
    Ok(Heard {
        status,
        body,
        millis: u64::try_from(begun.elapsed().as_millis())?,
    })
}

async fn heard(request: RequestBuilder) -> anyhow::Result<(u16, Bytes)> {
    let mut answer = request.send().await?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(more) = answer.chunk().await? {
        body.extend_from_slice(&more);
        ensure!(body.len() <= MOST_BYTES, "the answer has no end");
    }
    Ok((status, body.into()))
}

/// A new connection that the process has taken.
async fn connect(whom: &Whom) -> anyhow::Result<Sender> {
    let stream = reach(whom).await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with its sender.
    tokio::spawn(connection);
    Ok(sender)
}

/// A connection that the process has taken, whichever others listen there.
async fn reach(whom: &Whom) -> anyhow::Result<TcpStream> {
    let address: SocketAddr = whom.said.addr.parse().context("it says no address")?;
    let address = reachable(address);
    let held_by = match whom.listener {
        Listener::Own => return Ok(TcpStream::connect(address).await?),
        Listener::Shared => None,
        Listener::HeldBy(pid) => Some(pid),
    };
    for _ in 0..TRIES {
        let stream = TcpStream::connect(address).await?;
        let (local, remote) = (stream.local_addr()?, stream.peer_addr()?);
        let taken = async {
            loop {
                match other_end(held_by, local, remote) {
                    Some(socket) => return has_socket(whom.said.pid, socket),
                    None => sleep(Duration::from_millis(1)).await,
                }
            }
        };
        if timeout(TAKEN_TIMEOUT, taken).await.is_ok_and(|own| own) {
            return Ok(stream);
        }
    }
    Err(NotReached.into())
}

/// On this machine: an address that stands for all is none that can be asked.
fn reachable(address: SocketAddr) -> SocketAddr {
    use std::net::{Ipv4Addr, Ipv6Addr};

    match address {
        SocketAddr::V4(all) if all.ip().is_unspecified() => {
            (Ipv4Addr::LOCALHOST, all.port()).into()
        }
        SocketAddr::V6(all) if all.ip().is_unspecified() => {
            (Ipv6Addr::LOCALHOST, all.port()).into()
        }
        address => address,
    }
}
