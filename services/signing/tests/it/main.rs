//! The signing service through its whole router, on both engines.

mod access;
mod blobs;
mod builds;
mod earlier;
mod files;
mod keys;
mod minisign;
mod races;
mod sealing;
mod sizes;
mod statements;

use std::fs;
use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slipway_contract::Digest;
use slipway_peers::Peers;
use slipway_peers::guard::edge;
use slipway_runtime::Process;
use slipway_runtime::http::operators::router as admin;
use slipway_signing::Settings;
use slipway_testkit::call::{call, called_by};
use slipway_testkit::database::Engine;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

/// One instance of the service, without a socket.
struct Instance {
    process: Process,
    peers: Peers,
    router: Router,
    operators: Router,
}

impl Instance {
    /// Another instance over the same folder and database, as after a restart.
    async fn start(process: &Process) -> anyhow::Result<Self> {
        Self::start_with(process, Settings::default()).await
    }

    async fn start_with(process: &Process, settings: Settings) -> anyhow::Result<Self> {
        let common = process.settings.as_ref().clone();
        let process = Process::open("signing", process.data.clone(), common)?;
        let peers = Peers::open(&process)?;
        let state = slipway_signing::open(&peers, settings).await?;
        let operators = admin(&process, state.clone());
        let router = edge(&process, None, slipway_signing::router(state));
        Ok(Self {
            process,
            peers,
            router,
            operators,
        })
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = called_by(&self.process, "catalog", post(path, body));
        call(&self.router, request).await
    }

    /// As the catalog does it: the key is made first, and named.
    async fn sign(&self, statement: &Value) -> (StatusCode, Value) {
        let app = json!({"app": statement["app"]});
        let (_, key) = self.post("/internal/keys", &app).await;
        let mut statement = statement.clone();
        statement["key_id"] = key["key_id"].clone();
        self.sign_by_its_key(&statement).await
    }

    /// With the key id that the statement names, or none.
    async fn sign_by_its_key(&self, statement: &Value) -> (StatusCode, Value) {
        self.post("/internal/signatures", statement).await
    }

    /// The text of a signature that must be given.
    async fn signature(&self, statement: &Value) -> String {
        let (status, body) = self.sign(statement).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        text(&body, "signature")
    }

    /// The text of an app's `minisign.pub`.
    async fn public_key(&self, app: &str) -> String {
        let (status, body) = self.post("/internal/keys", &json!({"app": app})).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        text(&body, "public_key")
    }

    /// Puts bytes into the store, as upload does.
    fn store(&self, content: &[u8]) -> Digest {
        let digest = digest(content);
        let path = self.process.data.blobs().join(digest.blob_path());
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a blob");
        digest
    }

    /// The files of what was stated, each with its content.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.process.data.statements()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let content = fs::read(&path).expect("a file");
                    files.push((path, content));
                }
            }
        }
        files.sort();
        files
    }

    async fn connection(&self) -> AnyConnection {
        let file = self.process.data.service("signing").join("signing.db");
        let url = self.process.settings.database.url.clone();
        let url = url.unwrap_or_else(|| format!("sqlite://{}", file.display()));
        AnyConnection::connect(&url).await.expect("the database")
    }

    /// What somebody does who can write to the database.
    async fn tamper(&self, sql: &str) {
        let mut connection = self.connection().await;
        let done = connection.execute(AssertSqlSafe(sql.to_owned())).await;
        assert!(done.expect("a statement").rows_affected() > 0, "{sql}");
    }

    async fn count(&self, sql: &str) -> i64 {
        let mut connection = self.connection().await;
        let row = connection.fetch_one(AssertSqlSafe(sql.to_owned())).await;
        row.expect("a count").get(0)
    }

    async fn signatures(&self) -> i64 {
        self.count("SELECT count(*) FROM statements WHERE signature IS NOT NULL")
            .await
    }
}

/// A first instance over a fresh folder and database; the folder goes with the second value.
async fn first(engine: Engine) -> (Instance, slipway_testkit::TestProcess) {
    let process = slipway_testkit::process("signing", engine).await;
    let instance = Instance::start(&process.process).await.expect("a start");
    (instance, process)
}

fn post(path: &str, body: &Value) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

fn digest(content: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(content).into())
}

fn statement(app: &str, version: &str, content: &[u8]) -> Value {
    json!({
        "app": app,
        "version": version,
        "filename": "notes.apk",
        "sha256": digest(content).as_hex(),
        "size": content.len(),
    })
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().expect("a text").to_owned()
}
