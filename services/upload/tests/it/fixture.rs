//! An instance of upload in a folder of its own, a catalog beside it, and requests to it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use slipway_contract::FileHash;
use slipway_contract::grant::Scope;
use slipway_peers::Peers;
use slipway_peers::discovery::view::View;
use slipway_peers::guard::edge;
use slipway_runtime::{Health as _, Process};
use slipway_testkit::TestProcess;
use slipway_testkit::call::{call, called_by, through_the_gateway};
use slipway_testkit::database::Engine;
use slipway_upload::{Settings, UploadState, open, router};
use sqlx::{AnyConnection, Connection as _};

use crate::catalog::Catalog;

pub(crate) struct Fixture {
    address: String,
    pub(crate) catalog: Catalog,
    pub(crate) test: TestProcess,
    pub(crate) instance: Instance,
    /// May upload and release everywhere.
    pub(crate) token: String,
}

/// One running instance.
pub(crate) struct Instance {
    pub(crate) process: Process,
    pub(crate) router: Router,
    pub(crate) state: UploadState,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Fixture {
    /// The database beside the instances' own connections.
    pub(crate) async fn database(&self) -> AnyConnection {
        let process = &self.test.process;
        let file = process.data.service("upload").join("upload.db");
        let url = process.settings.database.url.clone();
        let url = url.unwrap_or_else(|| format!("sqlite://{}", file.display()));
        AnyConnection::connect(&url).await.expect("the database")
    }

    /// What the catalog gets at an internal address.
    pub(crate) async fn internal(&self, path: &str) -> Value {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let request = called_by(&self.instance.process, "catalog", request);
        let (status, body) = call(&self.instance.router, request).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    pub(crate) async fn new(engine: Engine) -> Self {
        Self::with(engine, |_| {}).await
    }

    pub(crate) async fn with(engine: Engine, change: impl Fn(&mut Settings)) -> Self {
        let catalog = Catalog::new();
        catalog.add_app("notes");
        let test = slipway_testkit::process("upload", engine).await;
        Self::over(test, catalog, change).await
    }

    /// Over a database of before, beside a catalog that is said.
    pub(crate) async fn over(
        test: TestProcess,
        catalog: Catalog,
        change: impl Fn(&mut Settings),
    ) -> Self {
        let token = catalog.add_token(&[Scope::Upload, Scope::Release], None, None);
        let address = catalog.start().await;
        let instance = Instance::start(&test, &address, &change).await;
        Self {
            address,
            catalog,
            test,
            instance,
            token,
        }
    }

    /// Another instance beside the first, with the same folder and database.
    pub(crate) async fn another(&self, change: impl Fn(&mut Settings)) -> Instance {
        Instance::start(&self.test, &self.address, &change).await
    }

    /// An instance that knows a catalog which is not there.
    pub(crate) async fn alone(&self) -> Instance {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        drop(listener);
        Instance::start(&self.test, &address, &|_| {}).await
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        request_by(&self.token, method, path)
    }

    /// A new token, when the instance knows it.
    pub(crate) async fn token(&self, scopes: &[Scope], end: Option<i64>) -> String {
        let token = self.catalog.add_token(scopes, None, end);
        self.until_known(&token, true).await;
        token
    }

    /// Revokes a token, and waits until the instance knows.
    pub(crate) async fn revoke(&self, token: &str) {
        self.catalog.revoke(token);
        self.until_known(token, false).await;
    }

    async fn until_known(&self, token: &str, known: bool) {
        until("the token is known as it is", async || {
            let path = "/api/v1/apps/notes/packages/none";
            let request = request_by(token, "GET", path).body(Body::empty());
            let answer = self.instance.send(request.expect("a request")).await;
            (answer.status != StatusCode::UNAUTHORIZED) == known
        })
        .await;
    }

    pub(crate) async fn put(&self, path: &str, body: impl Into<Body>) -> Answer {
        let path = format!("/api/v1/apps/notes/packages/{path}");
        let request = self.request("PUT", &path).body(body.into());
        self.instance.send(request.expect("a request")).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = self.request("GET", path).body(Body::empty());
        self.instance.send(request.expect("a request")).await
    }

    /// The files in staging.
    pub(crate) fn staged(&self) -> Vec<PathBuf> {
        files(self.test.process.data.blobs().join("staging"))
    }

    /// The file names of all blobs.
    pub(crate) fn blob_names(&self) -> Vec<String> {
        let (_, blobs) = self.stored();
        let name = |path: PathBuf| {
            let name = path.file_name().expect("a name");
            name.to_string_lossy().into_owned()
        };
        let mut names: Vec<_> = blobs.into_iter().map(name).collect();
        names.sort();
        names
    }

    /// The same, when each has the right list of its blocks beside it and nobody may write to either.
    pub(crate) fn blobs(&self) -> Vec<String> {
        let (lists, blobs) = self.stored();
        assert_eq!(lists.len(), blobs.len(), "each blob has a list");
        for path in &blobs {
            let mut hash = FileHash::default();
            hash.update(&std::fs::read(path).expect("a blob"));
            let list = path.with_extension("blocks");
            let there = std::fs::read(&list).expect("a list");
            assert_eq!(there, hash.blocks().as_bytes(), "{}", list.display());
            for path in [path, &list] {
                let file = std::fs::metadata(path).expect("a file");
                assert_eq!(
                    file.permissions().mode() & 0o777,
                    0o444,
                    "{}",
                    path.display()
                );
            }
        }
        self.blob_names()
    }

    /// The lists of blocks, and the blobs.
    fn stored(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let folders = std::fs::read_dir(self.test.process.data.blobs().join("sha256"));
        folders
            .expect("the store")
            .flat_map(|folder| files(folder.expect("a folder").path()))
            .partition(|path| path.extension().is_some_and(|end| end == "blocks"))
    }
}

impl Instance {
    async fn start(test: &TestProcess, catalog: &str, change: &impl Fn(&mut Settings)) -> Self {
        let record = slipway_testkit::record("catalog", "c", catalog);
        let view = View::fixed(vec![record]);
        let (data, common) = (&test.process.data, &test.process.settings);
        let process = Process::open("upload", data.clone(), (**common).clone()).expect("a process");
        let peers = Peers::with_view(&process, view).expect("peers");
        let mut settings = Settings::default();
        // The program that inspects is this one, and here that is the test.
        settings.inspection.program = Some(env!("CARGO_BIN_EXE_slipway-upload").into());
        change(&mut settings);
        let state = open(&peers, settings).await.expect("an instance");
        until("the instance is ready", async || {
            state.ready().await.is_ok()
        })
        .await;
        let router = through_the_gateway(&process, edge(&process, None, router(state.clone())));
        Self {
            process,
            router,
            state,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let request = for_any_platform(request);
        let response = slipway_testkit::call::send(&self.router, request).await;
        let (head, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX)
            .await
            .expect("a body");
        Answer {
            status: head.status,
            headers: head.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    pub(crate) async fn reading(&self, name: &str) -> i64 {
        let readings = self.state.readings().await.expect("readings");
        let reading = readings.iter().find(|reading| reading.name == name);
        reading.expect("a reading of this name").value
    }

    /// Ends the background tasks, as a process that is told to end does.
    pub(crate) async fn stop(&self) {
        self.process.shutdown.cancel();
        self.process.tasks.close();
        self.process.tasks.wait().await;
    }
}

impl Answer {
    /// The status, and the code of a problem.
    pub(crate) fn verdict(&self) -> (u16, &str) {
        (
            self.status.as_u16(),
            self.body["code"].as_str().unwrap_or_default(),
        )
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("text"))
    }
}

fn files(folder: PathBuf) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// The files of most tests are plain bytes named `….bin`, or a zip, and their platform is nothing that is tested: where
/// nothing is said, they are for any.
fn for_any_platform(mut request: Request<Body>) -> Request<Body> {
    let path = request.uri().path();
    let is_plain =
        path.contains("/packages/") && [".bin", ".zip"].iter().any(|end| path.ends_with(end));
    let query = request.uri().query().unwrap_or_default();
    let is_said = ["platform=", "kind="]
        .iter()
        .any(|word| query.contains(word));
    if request.method() == Method::PUT && is_plain && !is_said {
        let uri = format!("{path}?{query}&platform=any").replace("?&", "?");
        *request.uri_mut() = uri.parse().expect("an address");
    }
    let metadata: Vec<_> = request
        .headers()
        .get_all("upload-metadata")
        .iter()
        .collect();
    let metadata = match metadata[..] {
        [one] => one.to_str().ok(),
        _ => None,
    };
    if let Some(metadata) = metadata.filter(|metadata| !metadata.contains("platform ")) {
        let metadata = format!("{metadata},platform YW55").parse();
        let metadata = metadata.expect("a header");
        request.headers_mut().insert("upload-metadata", metadata);
    }
    request
}

/// A request with this token.
pub(crate) fn request_by(token: &str, method: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
}

/// Waits until `look` says yes; fails after 20 s.
pub(crate) async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !look().await {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "not within 20 s: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
