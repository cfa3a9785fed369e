//! Requests to `/api/v1/config`.

use anyhow::Context as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde::de::DeserializeOwned;
use serde_json::Value;
use slipway_contract::configuration::{
    Changed, Compared, Configuration, Explained, InstanceConfiguration, Revision,
};

use crate::server::Server;

pub(super) struct Client(Server);

impl Client {
    pub(super) fn new(server: Server) -> Self {
        Self(server)
    }

    pub(super) async fn show(&self) -> anyhow::Result<Configuration> {
        self.get("").await
    }

    pub(super) async fn diff(&self, from: &str, to: Option<&str>) -> anyhow::Result<Compared> {
        let to = to.map(|to| format!("&to={}", encoded(to)));
        let query = format!("/diff?from={}{}", encoded(from), to.unwrap_or_default());
        self.get(&query).await
    }

    pub(super) async fn explain(
        &self,
        key: &str,
        environment: Option<&str>,
    ) -> anyhow::Result<Explained> {
        let environment = environment.map(|name| format!("&environment={}", encoded(name)));
        let query = format!(
            "/explain?key={}{}",
            encoded(key),
            environment.unwrap_or_default()
        );
        self.get(&query).await
    }

    pub(super) async fn history(&self, limit: u32) -> anyhow::Result<Vec<Revision>> {
        self.items(&format!("/changes?limit={limit}")).await
    }

    pub(super) async fn instances(&self) -> anyhow::Result<Vec<InstanceConfiguration>> {
        self.items("/instances").await
    }

    /// Changes something, or says what would be changed; `revision` is what it is based on.
    pub(super) async fn post(
        &self,
        what: &str,
        revision: Option<u64>,
        body: &Value,
        plan: bool,
    ) -> anyhow::Result<Changed> {
        let plan = if plan { "?dry_run=true" } else { "" };
        let url = self.0.resolve(&format!("/api/v1/config/{what}{plan}"))?;
        let mut request = self.0.request(Method::POST, url).json(body);
        if let Some(revision) = revision {
            request = request.header(IF_MATCH, format!("\"{revision}\""));
        }
        let answer = Server::read_json(self.0.send(request).await?).await?;
        read(answer)
    }

    async fn items<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        let mut page: Value = self.get(path).await?;
        read(page["items"].take())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let path = format!("/api/v1/config{path}");
        read(self.0.json(Method::GET, &path, None).await?)
    }
}

fn read<T: DeserializeOwned>(answer: Value) -> anyhow::Result<T> {
    serde_json::from_value(answer).context("an answer not known here")
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
