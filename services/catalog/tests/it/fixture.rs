//! The catalog as its process runs it, with its peers.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use slipway_catalog::{Settings, open, router, start_workers};
use slipway_contract::internal::Delivery;
use slipway_contract::package::File;
use slipway_contract::record::Record;
use slipway_contract::{Arch, Kind, Platform, Word};
use slipway_peers::Peers;
use slipway_peers::discovery::view::View;
use slipway_peers::guard::edge;
use slipway_runtime::Process;
use slipway_runtime::token::Token;
use slipway_testkit::call::{called_by, through_the_gateway};
use slipway_testkit::database::Engine;
use slipway_testkit::start::Running;
use slipway_testkit::{TestProcess, record};
use sqlx::{AnyConnection, Connection as _};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::client::{Answer, Client};
use crate::download_peer::Download;
use crate::signing_peer::Signing;
use crate::store::Store;

/// Longest time for what must come, far above what it takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The id of the token that uploads.
const UPLOADER: &str = "00000000-0000-7000-8000-000000000001";

/// The instances that follow.
pub(crate) const UPLOAD: &str = "00000000-0000-7000-8000-000000000001";
pub(crate) const DOWNLOAD: &str = "00000000-0000-7000-8000-000000000002";

/// One running catalog.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) process: Process,
    pub(crate) state: slipway_catalog::CatalogState,
    pub(crate) router: Router,
}

impl Instance {
    async fn open(peers: Peers, mut settings: Settings) -> Self {
        // Who is there follows only when a test does it.
        settings.publishing.first_ask_millis = 0;
        let process = peers.process.clone();
        let state = open(&peers, settings).await.expect("an open catalog");
        let router = through_the_gateway(&process, edge(&process, None, router(state.clone())));
        Self {
            process,
            state,
            router,
        }
    }

    /// What another service gets at an internal address.
    pub(crate) async fn internal(&self, caller: &str, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        Answer::to(&self.router, called_by(&self.process, caller, request)).await
    }

    /// Starts its workers on a runtime of their own. `shutdown_background` ends them as a kill does: wherever they are,
    /// and nothing is handed back.
    pub(crate) fn start_doomed_workers(&self) -> Runtime {
        let runtime = Runtime::new().expect("a runtime");
        let entered = runtime.enter();
        start_workers(&self.state);
        drop(entered);
        runtime
    }
}

pub(crate) struct Fixture {
    pub(crate) catalog: Instance,
    pub(crate) signing: Signing,
    pub(crate) download: Download,
    pub(crate) store: Store,
    pub(crate) view: View,
    signing_record: Record,
    download_record: Record,
    uploader: Token,
    /// Signing and download, until the test ends.
    pub(crate) running: [Running; 2],
    test: TestProcess,
}

impl Fixture {
    /// A catalog whose signing and download are there and work.
    pub(crate) async fn new(engine: Engine) -> Self {
        Self::with(engine, Settings::default()).await
    }

    pub(crate) async fn with(engine: Engine, settings: Settings) -> Self {
        let fixture = Self::idle(engine, settings).await;
        start_workers(&fixture.catalog.state);
        fixture.download.follow(&fixture.catalog);
        fixture
    }

    /// The same without workers, and with a download that does not follow.
    pub(crate) async fn idle(engine: Engine, settings: Settings) -> Self {
        let test = slipway_testkit::process("catalog", engine).await;
        Self::over(test, settings).await
    }

    /// The same over a database of before.
    pub(crate) async fn over(test: TestProcess, settings: Settings) -> Self {
        let store = Store::of(&test.process.data);
        let ((signing, one), (download, other)) =
            tokio::join!(Signing::start(&test, store.clone()), Download::start(&test));
        let (signing_record, download_record) = (one.record(), other.record());
        let view = View::fixed(vec![signing_record.clone(), download_record.clone()]);
        let peers = another_process(&test, &view);
        Self {
            catalog: Instance::open(peers, settings).await,
            signing,
            download,
            store,
            view,
            signing_record,
            download_record,
            uploader: Token::random().expect("random bytes"),
            running: [one, other],
            test,
        }
    }

    /// The token that deliveries name. It is not in the feed, so that tests may count what is.
    async fn add_uploader(&self) {
        sqlx::query(
            "INSERT INTO tokens (id, hash, name, scopes, created_at, seq)
             VALUES ($1, $2, 'uploader', '[\"upload\", \"release\"]', 0, 0) ON CONFLICT DO NOTHING",
        )
        .bind(UPLOADER)
        .bind(self.uploader.hash())
        .execute(&mut self.database().await)
        .await
        .expect("a token");
    }

    /// One more instance over the same database, without workers.
    pub(crate) async fn another_instance(&self, settings: Settings) -> Instance {
        let peers = another_process(&self.test, &self.view);
        Instance::open(peers, settings).await
    }

    /// The registry lists these: both, one of them, or others too.
    pub(crate) fn signing_is_away(&self) {
        // An address that nobody listens at: what a killed process leaves until its lease ends.
        let dead = record("signing", "signing-0", "127.0.0.1:9");
        self.view.replace(vec![dead, self.download_record.clone()]);
    }

    pub(crate) fn download_is_away(&self) {
        self.view.replace(vec![self.signing_record.clone()]);
    }

    pub(crate) fn everybody_is_there(&self) {
        self.and_there_is(Vec::new());
    }

    /// There is an instance of upload, [`UPLOAD`], which follows the feed when a test does it in its place.
    pub(crate) fn and_a_follower(&self) {
        self.and_there_is(vec![record("upload", UPLOAD, "127.0.0.1:9")]);
    }

    /// An instance of upload answers there.
    pub(crate) fn and_upload_at(&self, address: &str) {
        self.and_there_is(vec![record("upload", UPLOAD, address)]);
    }

    fn and_there_is(&self, mut others: Vec<Record>) {
        others.push(self.signing_record.clone());
        others.push(self.download_record.clone());
        self.view.replace(others);
    }

    pub(crate) fn nobody(&self) -> Client {
        Client::new(self.catalog.router.clone())
    }

    pub(crate) fn admin(&self) -> Client {
        let path = self.catalog.process.data.admin_token();
        let token = std::fs::read_to_string(path).expect("the administrator's token");
        self.nobody().with_token(token.trim())
    }

    /// The client whose deliveries come: it may upload and release.
    pub(crate) async fn uploader(&self) -> Client {
        self.add_uploader().await;
        self.nobody().with_token(self.uploader.reveal())
    }

    /// A client with a new token.
    pub(crate) async fn client(&self, scopes: &[&str], app: Option<&str>) -> Client {
        let wanted = json!({"name": "ci", "scopes": scopes, "app": app});
        let made = self.admin().post("/api/v1/tokens", wanted).await.ok(201);
        self.nobody()
            .with_token(made["token"].as_str().expect("a token"))
    }

    /// The key of an app, as signing has it.
    pub(crate) async fn key(&self, app: &str) -> Value {
        let request = Request::post("/internal/keys")
            .header("content-type", "application/json")
            .body(Body::from(json!({"app": app}).to_string()))
            .expect("a request");
        let [signing, _] = &self.running;
        let answer = signing.ask("catalog", request).await;
        serde_json::from_slice(answer.body()).expect("a key")
    }

    /// What download answers to who fetches `path` from outside.
    pub(crate) async fn fetch(&self, path: &str) -> (u16, Vec<u8>) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let [_, download] = &self.running;
        let answer = download.ask("gateway", request).await;
        (answer.status().as_u16(), answer.body().to_vec())
    }

    pub(crate) async fn app(&self, slug: &str) {
        let app = json!({"slug": slug, "name": slug});
        self.admin().post("/api/v1/apps", app).await.ok(201);
    }

    /// Stores `bytes` and returns what upload would deliver of them: a package of a draft.
    pub(crate) fn delivery(
        &self,
        app: &str,
        version: &str,
        filename: &str,
        bytes: &[u8],
    ) -> Delivery {
        Delivery {
            id: Uuid::now_v7().to_string(),
            app: app.parse().expect("a slug"),
            file: File {
                filename: filename.parse().expect("a name"),
                sha256: self.store.put(bytes).parse().expect("a digest"),
                size: i64::try_from(bytes.len()).expect("a small package"),
                kind: Word::Known(Kind::Apk),
                platform: Word::Known(Platform::Android),
                arch: Word::Known(Arch::Universal),
            },
            blocks: None,
            facts: json!({"identifier": "org.example.notes", "version": version, "version_code": 7, "warnings": []}),
            version: Some(Word::read(version)),
            channel: None,
            intent: Uuid::now_v7().to_string(),
            token_id: UPLOADER.to_owned(),
            token_name: "uploader".to_owned(),
            request_id: Uuid::now_v7().to_string(),
            requested_by: None,
            acknowledged_at: None,
            replaces: Vec::new(),
            notes: None,
            strict: false,
            create_channel: false,
            heard: None,
        }
    }

    pub(crate) async fn deliver(&self, delivery: &Delivery) -> Answer {
        self.add_uploader().await;
        let body = serde_json::to_value(delivery).expect("a delivery");
        self.post_inside("upload", "/internal/packages", &body)
            .await
    }

    /// What `caller` gets when it sends `body` to an internal address.
    pub(crate) async fn post_inside(&self, caller: &str, path: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        let request = called_by(&self.catalog.process, caller, request);
        Answer::to(&self.catalog.router, request).await
    }

    /// Delivers a package of a draft and returns its id.
    pub(crate) async fn draft(&self, app: &str, version: &str, bytes: &[u8]) -> String {
        let delivery = self.delivery(app, version, "notes.apk", bytes);
        self.deliver(&delivery).await.ok(200);
        delivery.id
    }

    /// Publishes the uploader's draft to `stable` and returns the answer, however it ends.
    pub(crate) async fn publish(&self, app: &str, version: &str) -> Answer {
        let body = json!({"version": version, "channel": "stable"});
        let path = format!("/api/v1/apps/{app}/releases");
        self.uploader().await.post(&path, body).await
    }

    /// The files of a release, as whoever has not put them there names them.
    pub(crate) async fn files(&self, app: &str, version: &str) -> Value {
        let path = format!("/api/v1/apps/{app}/releases/{version}");
        let release = self.admin().get(&path).await.ok(200);
        let packages = release["packages"].as_array().into_iter().flatten();
        let file =
            |package: &Value| json!({"filename": package["filename"], "sha256": package["sha256"]});
        packages.map(file).collect()
    }

    /// A release that is published.
    pub(crate) async fn published(&self, app: &str, version: &str) -> Value {
        self.draft(app, version, version.as_bytes()).await;
        self.publish(app, version).await.ok(201)
    }

    pub(crate) async fn release(&self, app: &str, version: &str) -> Value {
        let path = format!("/api/v1/apps/{app}/releases/{version}");
        self.admin().get(&path).await.ok(200)
    }

    /// What upload is told of a package, at the latest after `wait` seconds.
    pub(crate) async fn package(&self, id: &str, wait: u64) -> Answer {
        let path = format!("/internal/packages/{id}?wait={wait}");
        self.catalog.internal("upload", &path).await
    }

    /// Gets `path` until `is` holds of the answer, for what no address waits for.
    pub(crate) async fn eventually(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let admin = self.admin();
        let looking = async {
            loop {
                let answer = admin.get(path).await.ok(200);
                if is(&answer) {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, looking).await;
        found.unwrap_or_else(|_| panic!("{path} never became what it must"))
    }

    /// The database beside the catalog's own connections.
    pub(crate) async fn database(&self) -> AnyConnection {
        let process = &self.catalog.process;
        let file = process.data.service("catalog").join("catalog.db");
        let url = process.settings.database.url.clone();
        let url = url.unwrap_or_else(|| format!("sqlite://{}", file.display()));
        AnyConnection::connect(&url).await.expect("the database")
    }
}

fn another_process(test: &TestProcess, view: &View) -> Peers {
    let (data, settings) = (
        test.process.data.clone(),
        test.process.settings.as_ref().clone(),
    );
    let process = Process::open("catalog", data, settings).expect("a process");
    Peers::with_view(&process, view.clone()).expect("peers")
}
