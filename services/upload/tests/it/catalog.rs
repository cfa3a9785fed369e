//! A catalog that says what a test wants it to say.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use slipway_contract::feed::{self, Change, Page, Row};
use slipway_contract::grant::{Grant, Scope};
use slipway_contract::internal::{Delivery, FileBlocks, Removal};
use slipway_contract::package::File;
use slipway_contract::public::{Links, Package, Refusal, Release, Uploaded};
use slipway_contract::quota::Quota;
use slipway_contract::{Code, Word};
use slipway_runtime::token::Token;
use tokio::sync::watch;

/// Of a file that nobody looks at.
pub(crate) const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Catalog {
    inner: Arc<Mutex<Inner>>,
    changed: watch::Sender<()>,
    /// It takes deliveries and does not answer them.
    silent: watch::Sender<bool>,
}

#[derive(Default)]
struct Inner {
    /// How many databases there were before this one.
    restored: usize,
    changes: Vec<Change>,
    deliveries: Vec<Delivery>,
    lists: Vec<FileBlocks>,
    /// Rows as a later catalog tells them, in the place of those with these numbers.
    later: BTreeMap<i64, Value>,
    /// It answers 503 to everything.
    away: bool,
    refusal: Option<(StatusCode, &'static str, &'static str)>,
    /// It refuses the next deliveries with these codes, each once.
    confusions: VecDeque<&'static str>,
    /// It takes packages and refuses the intents of the token with this id, in these words.
    intent_refusal: Option<(String, &'static str)>,
    /// Its drafts hold files of others: these.
    mixed: Option<Value>,
    removals: Vec<Removal>,
    /// What it finds odd about every package.
    warnings: Vec<String>,
    /// The state of releases that were asked for.
    release: Option<(&'static str, Option<&'static str>)>,
}

impl Catalog {
    pub(crate) fn new() -> Self {
        let catalog = Self {
            inner: Arc::default(),
            changed: watch::Sender::new(()),
            silent: watch::Sender::new(false),
        };
        catalog.publish_state("published", None);
        catalog
    }

    /// Listens on a free port and returns its address.
    pub(crate) async fn start(&self) -> String {
        let router = Router::new()
            .route("/internal/changes", get(feed))
            .route("/internal/packages", post(deliver))
            .route("/internal/removals", post(remove))
            .route("/internal/channels/{app}/{channel}", get(channel))
            .route("/internal/blocks", post(take_list))
            .route("/internal/packages/{id}", get(show))
            .with_state(self.clone());
        slipway_testkit::peer::serve("catalog", router).await
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.lock().expect("nobody panics with the lock"));
        self.changed.send_replace(());
    }

    /// Another database takes the place of this one: an older copy, of before any token was revoked and
    /// anything released.
    pub(crate) fn restore(&self) {
        self.change(|inner| {
            inner.restored += 1;
            inner
                .changes
                .retain(|change| !matches!(change.row, Row::Release(_)));
            for change in &mut inner.changes {
                if let Row::Token(token) = &mut change.row {
                    token.grant.revoked_at = None;
                }
            }
        });
    }

    pub(crate) fn revoke(&self, token: &str) {
        let hash = token.parse::<Token>().expect("a token").hash();
        let inner = self.inner.lock().expect("nobody panics");
        let row = inner.changes.iter().find_map(|change| match &change.row {
            Row::Token(token) if token.hash == hash => Some(token.clone()),
            _ => None,
        });
        drop(inner);
        let mut row = row.expect("a token of ours");
        row.grant.revoked_at = Some(1);
        self.add(Row::Token(row));
    }

    fn add(&self, row: Row) {
        self.change(|inner| {
            let seq = i64::try_from(inner.changes.len()).expect("few") + 1;
            inner.changes.push(Change { seq, row });
        });
    }

    pub(crate) fn add_app(&self, slug: &str) {
        self.add(Row::App(feed::App {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            public_key: None,
            deleted: false,
            quota: Quota::default(),
        }));
    }

    /// An app may hold this much.
    pub(crate) fn limit_app(&self, slug: &str, quota: Quota) {
        self.add(Row::App(feed::App {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            public_key: None,
            deleted: false,
            quota,
        }));
    }

    /// An app is deleted.
    pub(crate) fn delete_app(&self, slug: &str) {
        self.add(Row::App(feed::App {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            public_key: None,
            deleted: true,
            quota: Quota::default(),
        }));
    }

    /// Of a release nothing is left but its version.
    pub(crate) fn delete_release(&self, app: &str, version: &str) {
        self.add(Row::Release(feed::Release {
            app: Word::read(app),
            version: Word::read(version),
            visibility: Word::Known(feed::Visibility::Deleted),
            channels: Vec::new(),
            notes: None,
            published_at: Some(1),
            reason: None,
            packages: Vec::new(),
        }));
    }

    pub(crate) fn add_token(
        &self,
        scopes: &[Scope],
        app: Option<&str>,
        end: Option<i64>,
    ) -> String {
        let token = Token::random().expect("random bytes");
        self.add(Row::Token(feed::Token {
            hash: token.hash(),
            grant: Grant {
                id: uuid::Uuid::now_v7().to_string(),
                name: "ci".to_owned(),
                scopes: scopes.iter().copied().collect(),
                app: app.map(str::to_owned),
                expires_at: end,
                revoked_at: None,
            },
        }));
        token.reveal().to_owned()
    }

    pub(crate) fn add_release(&self, app: &str, version: &str, files: &[(&str, &str)]) {
        let package = |(filename, sha256): &(&str, &str)| feed::Package {
            id: String::new(),
            file: File {
                filename: filename.parse().expect("a name"),
                sha256: sha256.parse().expect("a digest"),
                size: 1,
                kind: Word::read("other"),
                platform: Word::read("any"),
                arch: Word::read("universal"),
            },
            blocks: None,
            signature: String::new(),
            facts: Value::Null,
        };
        self.add(Row::Release(feed::Release {
            app: Word::read(app),
            version: Word::read(version),
            visibility: Word::Known(feed::Visibility::Published),
            channels: Vec::new(),
            notes: None,
            published_at: Some(1),
            reason: None,
            packages: files.iter().map(package).collect(),
        }));
    }

    /// The package with this id is there, or gone.
    pub(crate) fn tell_package(&self, id: &str, sha256: &str, gone: bool) {
        self.add(Row::Package(feed::PackageRow {
            id: id.to_owned(),
            app: "notes".to_owned(),
            sha256: sha256.to_owned(),
            gone,
        }));
    }

    /// A row that only a later version can make something of; returns its number.
    pub(crate) fn add_later(&self, row: Value) -> i64 {
        self.add(Row::Unknown);
        let mut seq = 0;
        self.change(|inner| {
            seq = inner.changes.last().expect("the row").seq;
            inner.later.insert(seq, row);
        });
        seq
    }

    /// The row `seq` becomes one of `kind`, without a change of its number.
    pub(crate) fn learn(&self, seq: i64, kind: &str) {
        self.change(|inner| inner.later.get_mut(&seq).expect("a row")["type"] = json!(kind));
    }

    pub(crate) fn set_away(&self, away: bool) {
        self.change(|inner| inner.away = away);
    }

    pub(crate) fn set_silent(&self, silent: bool) {
        self.silent.send_replace(silent);
    }

    pub(crate) fn refuse(&self, refusal: Option<(StatusCode, &'static str, &'static str)>) {
        self.change(|inner| inner.refusal = refusal);
    }

    pub(crate) fn confuse(&self, codes: &[&'static str]) {
        self.change(|inner| inner.confusions.extend(codes));
    }

    pub(crate) fn refuse_intents_of(&self, token: &str, words: &'static str) {
        let id = self.token_id(token);
        self.change(|inner| inner.intent_refusal = Some((id, words)));
    }

    pub(crate) fn refuse_no_intents(&self) {
        self.change(|inner| inner.intent_refusal = None);
    }

    /// The id of a token of ours.
    pub(crate) fn token_id(&self, token: &str) -> String {
        let hash = token.parse::<Token>().expect("a token").hash();
        let inner = self.inner.lock().expect("nobody panics");
        let mut rows = inner.changes.iter().map(|change| &change.row);
        let id = rows.find_map(|row| match row {
            Row::Token(token) if token.hash == hash => Some(token.grant.id.clone()),
            _ => None,
        });
        id.expect("a token of ours")
    }

    pub(crate) fn publish_state(&self, state: &'static str, reason: Option<&'static str>) {
        self.change(|inner| inner.release = Some((state, reason)));
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.inner.lock().expect("nobody panics").deliveries.clone()
    }

    pub(crate) fn lists(&self) -> Vec<FileBlocks> {
        self.inner.lock().expect("nobody panics").lists.clone()
    }

    pub(crate) fn mix(&self, files: Option<Value>) {
        self.change(|inner| inner.mixed = files);
    }

    pub(crate) fn warn(&self, warnings: &[&str]) {
        let warnings = warnings.iter().map(|text| (*text).to_owned());
        self.change(|inner| inner.warnings = warnings.collect());
    }

    pub(crate) fn removals(&self) -> Vec<Removal> {
        self.inner.lock().expect("nobody panics").removals.clone()
    }

    fn away(&self) -> Option<Response> {
        let away = self.inner.lock().expect("nobody panics").away;
        away.then(|| StatusCode::SERVICE_UNAVAILABLE.into_response())
    }
}

async fn feed(
    State(catalog): State<Catalog>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let number = |name: &str| query[name].parse::<i64>().expect("a number");
    let mut changed = catalog.changed.subscribe();
    let page = || {
        let inner = catalog.inner.lock().expect("nobody panics");
        let epoch = format!("e{}", inner.restored);
        let after = if query["epoch"] == epoch {
            number("after")
        } else {
            0
        };
        let page = Page {
            epoch,
            held: query.contains_key("held") && inner.restored > 0,
            head: i64::try_from(inner.changes.len()).expect("few"),
            changes: inner
                .changes
                .iter()
                .filter(|change| change.seq > after)
                .cloned()
                .collect(),
            ..Page::default()
        };
        let mut page = json!(page);
        for change in page["changes"].as_array_mut().expect("rows") {
            let seq = change["seq"].as_i64().expect("a number");
            if let Some(later) = inner.later.get(&seq) {
                *change = later.clone();
                change["seq"] = json!(seq);
            }
        }
        page["later"] = json!({"more": 1});
        page
    };
    if let Some(away) = catalog.away() {
        return away;
    }
    let told = page();
    let known = query
        .get("held")
        .is_some_and(|held| told["epoch"] == held.as_str());
    if told["changes"].as_array().is_none_or(Vec::is_empty) || known {
        let wait = Duration::from_secs(number("wait").unsigned_abs());
        let _ = tokio::time::timeout(wait, changed.changed()).await;
    }
    match catalog.away() {
        Some(away) => away,
        None => Json(page()).into_response(),
    }
}

/// It knows every channel but the misspelt one.
async fn channel(
    State(catalog): State<Catalog>,
    Path((_, channel)): Path<(String, String)>,
) -> Response {
    if let Some(away) = catalog.away() {
        return away;
    }
    if channel != "stabel" {
        return Json(json!({})).into_response();
    }
    let problem = json!({"status": 404, "code": "channel_unknown", "detail": "the nearest is stable", "request_id": "r", "nearest": "stable"});
    (StatusCode::NOT_FOUND, Json(problem)).into_response()
}

async fn deliver(State(catalog): State<Catalog>, Json(delivery): Json<Delivery>) -> Response {
    if let Some(away) = catalog.away() {
        return away;
    }
    let confusion = {
        let mut inner = catalog.inner.lock().expect("nobody panics");
        inner.confusions.pop_front()
    };
    if let Some(code) = confusion {
        let problem = json!({"code": code, "detail": "there are no rows"});
        return (StatusCode::NOT_FOUND, Json(problem)).into_response();
    }
    let refusal = catalog.inner.lock().expect("nobody panics").refusal;
    if let Some((status, code, detail)) = refusal {
        return (status, Json(json!({"code": code, "detail": detail}))).into_response();
    }
    catalog.change(|inner| inner.deliveries.push(delivery.clone()));
    let mut silent = catalog.silent.subscribe();
    silent.wait_for(|silent| !silent).await.expect("a test");
    let mut uploaded = uploaded(&catalog, &delivery);
    let (refused, mixed) = {
        let inner = catalog.inner.lock().expect("nobody panics");
        (inner.intent_refusal.clone(), inner.mixed.clone())
    };
    let requester = delivery
        .requested_by
        .as_ref()
        .map(|requester| &requester.token_id);
    if let Some((_, words)) = refused.filter(|(id, _)| Some(id) == requester)
        && delivery.channel.is_some()
    {
        uploaded.refused = Some(Refusal {
            status: 403,
            code: Word::Known(Code::TokenRefused),
            detail: words.to_owned(),
            members: serde_json::Map::new(),
        });
    }
    if let Some(files) = mixed {
        uploaded.refused = Some(Refusal {
            status: 409,
            code: Word::Known(Code::DraftMixed),
            detail: "the draft holds files of others".to_owned(),
            members: [("files".to_owned(), files)].into_iter().collect(),
        });
    }
    Json(uploaded).into_response()
}

async fn remove(State(catalog): State<Catalog>, Json(removal): Json<Removal>) -> Response {
    if let Some(away) = catalog.away() {
        return away;
    }
    let refusal = catalog.inner.lock().expect("nobody panics").refusal;
    if let Some((status, code, detail)) = refusal {
        return (status, Json(json!({"code": code, "detail": detail}))).into_response();
    }
    // As the catalog answers whose the package is not.
    let changes = catalog.inner.lock().expect("nobody panics").changes.clone();
    let releases = changes.iter().any(|change| match &change.row {
        Row::Token(token) if token.grant.id == removal.token_id => {
            token.grant.scopes.contains(&Scope::Release)
        }
        _ => false,
    });
    let sent = |delivery: &Delivery| delivery.token_id == removal.token_id;
    if !releases && !catalog.deliveries().iter().any(sent) {
        let refusal = json!({"code": "scope_missing", "detail": "another token put it there"});
        return (StatusCode::FORBIDDEN, Json(refusal)).into_response();
    }
    catalog.change(|inner| inner.removals.push(removal));
    Json(json!({"gone": true})).into_response()
}

async fn take_list(State(catalog): State<Catalog>, Json(list): Json<FileBlocks>) -> Response {
    if let Some(away) = catalog.away() {
        return away;
    }
    catalog.change(|inner| inner.lists.push(list));
    Json(json!({})).into_response()
}

async fn show(State(catalog): State<Catalog>, Path(id): Path<String>) -> Response {
    if let Some(away) = catalog.away() {
        return away;
    }
    let removed = catalog.removals();
    if removed.iter().any(|removal| removal.package == id) {
        let gone = json!({"code": "package_gone", "detail": "it is gone"});
        return (StatusCode::GONE, Json(gone)).into_response();
    }
    let delivery = catalog.deliveries().into_iter().rfind(|one| one.id == id);
    match delivery {
        Some(delivery) => Json(uploaded(&catalog, &delivery)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn uploaded(catalog: &Catalog, delivery: &Delivery) -> Uploaded {
    let (state, reason) = catalog
        .inner
        .lock()
        .expect("nobody panics")
        .release
        .expect("set at the start");
    let state = if delivery.channel.is_some() {
        state
    } else {
        "draft"
    };
    let warnings = catalog
        .inner
        .lock()
        .expect("nobody panics")
        .warnings
        .clone();
    let package = Package {
        warnings,
        state: Word::read(if delivery.version.is_some() {
            state
        } else {
            "stored"
        }),
        reason: reason.map(str::to_owned),
        ..Package::stored(delivery.id.clone(), delivery.file.clone(), &Value::Null)
    };
    let release = delivery.version.as_ref().map(|version| Release {
        app: Word::Known(delivery.app.clone()),
        version: version.clone(),
        channels: delivery.channel.clone().into_iter().collect(),
        state: Word::read(state),
        reason: reason.map(str::to_owned),
        notes: None,
        packages: vec![package.clone()],
        links: Links::default(),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
        published_at: None,
        yanked_at: None,
        warnings: Vec::new(),
        pending: Vec::new(),
    });
    Uploaded {
        package,
        release,
        refused: None,
    }
}
