//! A download instance with made-up changes applied and files put into its store.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::header::HeaderName;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slipway_contract::Digest;
use slipway_contract::Word;
use slipway_contract::feed::{App, Change, Package, Release, Row, Visibility};
use slipway_contract::package::File;
use slipway_contract::quota::Quota;
use slipway_database::replica::copy::{Position, Replica as _};
use slipway_download::{DownloadState, Settings, problem_page, router};
use slipway_peers::guard::edge;
use slipway_runtime::http::operators::router as admin;
use slipway_testkit::TestProcess;
use slipway_testkit::call::{called_by, send, through_the_gateway};
use slipway_testkit::database::Engine;

pub(crate) struct Fixture {
    pub(crate) process: TestProcess,
    pub(crate) state: DownloadState,
    pub(crate) router: Router,
}

/// An answer with its body read to the end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("visible ASCII"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The status and the stable code of a problem.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text()
        );
        (
            self.status.as_u16(),
            self.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    }
}

impl Fixture {
    pub(crate) async fn open(engine: Engine) -> Self {
        Self::open_with(engine, Settings::default(), None).await
    }

    pub(crate) async fn open_with(
        engine: Engine,
        settings: Settings,
        public_url: Option<&str>,
    ) -> Self {
        let process = slipway_testkit::process("download", engine).await;
        Self::over(process, settings, public_url).await
    }

    /// Over a database of before.
    pub(crate) async fn over(
        mut process: TestProcess,
        settings: Settings,
        public_url: Option<&str>,
    ) -> Self {
        let common = Arc::make_mut(&mut process.process.settings);
        common.http.public_url = public_url.map(|url| url.parse().expect("an origin"));
        process.peers.process = process.process.clone();
        let state = DownloadState::open(&process.peers, &settings)
            .await
            .expect("a state");
        let routes = router(&state);
        let router = edge(&process.process, Some(problem_page), routes);
        let router = through_the_gateway(&process.process, router);
        Self {
            process,
            state,
            router,
        }
    }

    /// Applies changes numbered from `seq` on, as the follower does.
    pub(crate) async fn apply(&self, epoch: &str, seq: i64, rows: Vec<Row>) {
        let changes: Vec<Change> = rows
            .into_iter()
            .zip(seq..)
            .map(|(row, seq)| Change { seq, row })
            .collect();
        let applied = changes.last().map_or(seq, |change| change.seq);
        let copy = self.state.copy();
        let from = copy.position().await.expect("a position").epoch;
        let position = Position {
            epoch: epoch.to_owned(),
            applied,
            ..Position::default()
        };
        copy.apply(&changes, &position, &from)
            .await
            .expect("changes that apply");
    }

    /// Puts bytes into the store and returns the package that they are.
    pub(crate) fn store(
        &self,
        filename: &str,
        content: &[u8],
        kind: &str,
        platform: &str,
        arch: &str,
    ) -> Package {
        let digest = Digest::from_bytes(Sha256::digest(content).into());
        let path = self.process.process.data.blobs().join(digest.blob_path());
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the blob's folder");
        std::fs::write(path, content).expect("a blob");
        let mut package = package(filename, digest, kind, platform, arch);
        package.file.size = i64::try_from(content.len()).expect("a size");
        package
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(HeaderName, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        self.answer(request.body(Body::empty()).expect("a request"))
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[]).await
    }

    /// What the catalog gets.
    pub(crate) async fn get_as_catalog(&self, path: &str) -> Answer {
        let request = Request::builder()
            .uri(path)
            .body(Body::empty())
            .expect("a request");
        self.answer(called_by(&self.process.process, "catalog", request))
            .await
    }

    /// What whoever runs the platform gets, at the listener of its own.
    pub(crate) async fn get_as_operator(&self, path: &str) -> Answer {
        let operators = admin(&self.process.process, self.state.clone());
        let request = Request::get(path).body(Body::empty());
        answer(&operators, request.expect("a request")).await
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        answer(&self.router, request).await
    }
}

async fn answer(router: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = send(router, request).await.into_parts();
    let body = body
        .collect()
        .await
        .expect("a whole body")
        .to_bytes()
        .to_vec();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

/// A package without bytes.
pub(crate) fn package(
    filename: &str,
    digest: Digest,
    kind: &str,
    platform: &str,
    arch: &str,
) -> Package {
    Package {
        id: format!("id-{filename}"),
        file: File {
            filename: filename.parse().expect("a name"),
            sha256: digest,
            size: 0,
            kind: Word::read(kind),
            platform: Word::read(platform),
            arch: Word::read(arch),
        },
        blocks: None,
        signature: format!("untrusted comment: {filename}\n"),
        facts: json!({"kind": kind, "abis": [], "signer_verified": false, "warnings": []}),
    }
}

pub(crate) fn app(slug: &str) -> Row {
    Row::App(App {
        slug: slug.to_owned(),
        name: format!("The {slug}"),
        public_key: Some(format!(
            "untrusted comment: minisign public key of {slug}\nRWQkey\n"
        )),
        deleted: false,
        quota: Quota::default(),
    })
}

pub(crate) fn release(version: &str, visibility: Visibility, packages: Vec<Package>) -> Release {
    Release {
        app: Word::read("notes"),
        version: Word::read(version),
        visibility: Word::Known(visibility),
        channels: vec![Word::read("stable")],
        notes: Some("Better.".to_owned()),
        published_at: Some(1_795_000_000_000),
        reason: None,
        packages,
    }
}

pub(crate) fn published(version: &str, packages: Vec<Package>) -> Row {
    Row::Release(release(version, Visibility::Published, packages))
}
