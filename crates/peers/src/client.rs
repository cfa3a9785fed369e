//! The caller's side: a call by name, to the next instance when one does not answer.
//!
//! A call may take long: a large file is read, a poll is held. So an answer has no short time-out; but an instance that
//! is found to hang meanwhile ([`probe::silence`]) is passed by.

mod answer;
mod budget;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::{Method, StatusCode};
use reqwest::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;

use slipway_contract::record::Record;
use slipway_runtime::http::client::{CONNECT_TIMEOUT, builder};
use tower::retry::budget::{Budget as _, TpsBudget};

use crate::discovery::view::View;
use crate::guard::{DRAINING, INSTANCE, RUN};
use crate::identity::Identity;
use crate::probe;
use answer::{read_json, read_status, unavailable};
use budget::{budget, goes_on};

pub use answer::{CallError, Cause};

/// Calls other services; cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    identity: Identity,
    run: Option<Arc<str>>,
    view: View,
    budget: TpsBudget,
    connections: Mutex<Connections>,
    /// The instance that was last met at a registry's address: a configured URL is all that is known of one before.
    registries: Mutex<HashMap<String, String>>,
}

/// A client for each service and address, all of one generation of the identity.
#[derive(Default)]
struct Connections {
    generation: u64,
    clients: HashMap<(&'static str, SocketAddr), reqwest::Client>,
}

/// More than instances that are called; beyond it addresses that are gone are forgotten with all others.
const MOST_CLIENTS: usize = 256;

impl Client {
    pub fn open(identity: Identity, run: Option<Arc<str>>, view: View) -> Self {
        Self {
            inner: Arc::new(Inner {
                identity,
                run,
                view,
                budget: budget(),
                connections: Mutex::default(),
                registries: Mutex::default(),
            }),
        }
    }

    /// Calls `service` and reads the JSON of a 2xx answer.
    pub async fn call<T: DeserializeOwned>(
        &self,
        service: &'static str,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, CallError> {
        let body = written(service, body)?;
        let response = self
            .send(service, &method, path, body.as_deref(), None)
            .await?;
        read_json(service, response).await
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

    /// Tries one instance after another until one answers; endpoints are safe to repeat. One that gives no sign of life is
    /// waited for while the next is asked as well. Beyond the budget of calls that are made once more a call waits for its
    /// caller to make it again.
    async fn send(
        &self,
        service: &'static str,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        range: Option<&str>,
    ) -> Result<Response, CallError> {
        let Inner { budget, view, .. } = &*self.inner;
        budget.deposit();
        let candidates = view.candidates(service);
        let mut untried = candidates.iter();
        let mut asked = FuturesUnordered::new();
        let mut last = None;
        let mut is_spent = false;
        loop {
            let newest = untried.next().filter(|_| !is_spent);
            if let Some(instance) = newest {
                let target = Target {
                    service,
                    address: &instance.addr,
                    instance: Some(&instance.instance),
                };
                asked.push(self.exchange(target, method, path, body, range));
            }
            let answered = tokio::select! {
                answered = asked.next() => answered,
                () = self.late(service, newest), if newest.is_some() => {
                    is_spent = !goes_on(budget, &Cause::Hangs);
                    continue;
                }
            };
            match answered {
                // Nobody is left.
                None => break,
                Some(Ok(response)) if response.status() == StatusCode::MISDIRECTED_REQUEST => {}
                Some(Ok(response)) => return read_status(service, response).await,
                Some(Err(cause)) => {
                    is_spent = is_spent || !goes_on(budget, &cause);
                    last = Some(cause);
                }
            }
        }
        Err(unavailable(service, last))
    }

    /// Returns when `instance`, which was asked, gives no sign of life. Others are asked before it from then on.
    async fn late(&self, service: &'static str, instance: Option<&Record>) {
        let Some((instance, address)) =
            instance.and_then(|record| Some((&record.instance, record.addr.parse().ok()?)))
        else {
            return std::future::pending().await;
        };
        let Inner { identity, view, .. } = &*self.inner;
        probe::hush(identity, service, address).await;
        probe::doubt(identity, view, service, instance, address);
    }

    /// Calls one instance and no other.
    pub async fn call_instance<T: DeserializeOwned>(
        &self,
        record: &Record,
        service: &'static str,
        path: &str,
    ) -> Result<T, CallError> {
        let target = Target {
            service,
            address: &record.addr,
            instance: Some(&record.instance),
        };
        let response = self
            .request(target, &Method::GET, path, None, None)
            .await
            .map_err(|cause| unavailable(service, Some(cause)))?;
        read_json(service, read_status(service, response).await?).await
    }

    /// Calls a registry by its address.
    pub async fn call_registry<T: DeserializeOwned>(
        &self,
        address: &str,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, CallError> {
        let service = "registry";
        let body = written(service, body)?;
        let known = self.registries().get(address).cloned();
        let target = Target {
            service,
            address,
            instance: known.as_deref(),
        };
        let response = self
            .exchange(target, &method, path, body.as_deref(), None)
            .await
            .map_err(|cause| unavailable(service, Some(cause)))?;
        if let Some(met) = header(&response, &INSTANCE)
            && known.as_deref() != Some(met)
        {
            self.registries().insert(address.to_owned(), met.to_owned());
        }
        read_json(service, read_status(service, response).await?).await
    }

    /// One call, repeated once with the instance that now has the address: a process that was restarted there. Its word
    /// counts, because its certificate has proven that it is of the same service.
    async fn exchange(
        &self,
        target: Target<'_>,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        range: Option<&str>,
    ) -> Result<Response, Cause> {
        let response = self.request(target, method, path, body, range).await?;
        if response.status() == StatusCode::MISDIRECTED_REQUEST
            && let Some(instance) = header(&response, &INSTANCE).map(str::to_owned)
        {
            let target = Target {
                instance: Some(&instance),
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
    ) -> Result<Response, Cause> {
        let address = resolve(target.address).await?;
        // The host is the service's name, which the other end has to prove; the port is there because an override of a
        // name has none.
        let url = format!("https://{}:{}{path}", target.service, address.port());
        let client = self.client(target.service, address)?;
        let mut request = client.request(method.clone(), url);
        if let Some(instance) = target.instance {
            request = request.header(INSTANCE.as_str(), instance);
        }
        if let Some(run) = &self.inner.run {
            request = request.header(RUN.as_str(), &**run);
        }
        if let Some(range) = range {
            request = request.header(http::header::RANGE, range);
        }
        if let Some(body) = body {
            request = request
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(body.to_vec());
        }
        let Inner { identity, view, .. } = &*self.inner;
        let answered = tokio::select! {
            answered = request.send() => answered.map_err(Cause::Exchange),
            () = probe::silence(identity, target.service, address) => Err(Cause::Hangs),
        };
        match (&answered, target.instance) {
            (Err(cause), Some(instance)) if cause.is_silence() => {
                probe::doubt(identity, view, target.service, instance, address);
            }
            // Whoever has this address now may be another; its 421 says so.
            (Ok(answer), Some(instance))
                if header(answer, &DRAINING).is_some()
                    && answer.status() != StatusCode::MISDIRECTED_REQUEST =>
            {
                view.leaves(target.service, instance);
            }
            _ => {}
        }
        answered
    }

    /// The client of one address. Those of an earlier generation of our certificates are dropped, and their idle
    /// connections with them.
    fn client(
        &self,
        service: &'static str,
        address: SocketAddr,
    ) -> reqwest::Result<reqwest::Client> {
        let loaded = self.inner.identity.loaded();
        let mut connections = lock(&self.inner.connections);
        if connections.generation != loaded.generation || connections.clients.len() >= MOST_CLIENTS
        {
            connections.generation = loaded.generation;
            connections.clients.clear();
        }
        if let Some(client) = connections.clients.get(&(service, address)) {
            return Ok(client.clone());
        }
        let client = builder()
            .https_only(true)
            .http1_only()
            .tls_backend_preconfigured((*loaded.client).clone())
            .resolve(service, address)
            .build()?;
        connections
            .clients
            .insert((service, address), client.clone());
        Ok(client)
    }

    fn registries(&self) -> MutexGuard<'_, HashMap<String, String>> {
        lock(&self.inner.registries)
    }
}

/// The body of a call. One that cannot be written is not sent: an empty one says something else.
fn written(
    service: &'static str,
    body: Option<&impl Serialize>,
) -> Result<Option<Vec<u8>>, CallError> {
    body.map(serde_json::to_vec)
        .transpose()
        .map_err(|cause| CallError::Unwritten { service, cause })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn header<'a>(response: &'a Response, name: &http::HeaderName) -> Option<&'a str> {
    response.headers().get(name.as_str())?.to_str().ok()
}

/// A lease carries a resolved address; a configured registry has a name.
async fn resolve(address: &str) -> Result<SocketAddr, Cause> {
    if let Ok(address) = address.parse() {
        return Ok(address);
    }
    let looking = tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::lookup_host(address));
    let mut found = looking
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    found
        .next()
        .ok_or_else(|| io::Error::other("the name has no address").into())
}

#[derive(Clone, Copy)]
struct Target<'a> {
    service: &'static str,
    address: &'a str,
    /// `None` for a registry that was not met yet.
    instance: Option<&'a str>,
}
