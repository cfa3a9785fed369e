//! A service among the others, from its start to the end of its lease, the same for all.
//!
//! As soon as it can work it is announced as READY. When it ends, the others learn that this instance drains, its listener
//! closes, requests in flight end, and its lease ends last. `kill -9` at any of these is safe.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::service::TowerToHyperService;
use slipway_contract::record::{Record, State};
use slipway_contract::services;
use slipway_runtime::command::{self, Options, Service};
use slipway_runtime::damage::Damage;
use slipway_runtime::health::Health;
use slipway_runtime::http::edge::Page;
use slipway_runtime::http::serve::{Serves, Transport, serve};
use slipway_runtime::life::{self, Begun, Listening, becomes_ready};
use slipway_runtime::process::address::Address;
use slipway_runtime::process::slot::{Announcement, Slot};
use slipway_runtime::settings::sources::Loaded;
use slipway_runtime::{Process, clock, settings};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::configuration::{Configuration, follow};
use crate::context::Peers;
use crate::damaged::{self, NeverReady};
use crate::discovery::registries::REGISTRY;
use crate::discovery::{heartbeat, watch as registry_watch};
use crate::guard::edge;
use crate::identity::Identity;
use crate::joined::joined;
use crate::report;

/// Pause before a process is written down that the disk had no room for.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// A service that is ready to serve.
pub struct Assembled<S, H> {
    pub http: S,
    pub health: H,
}

/// The HTTP service of all but the gateway: axum's router behind hyper's server.
pub type RouterService = TowerToHyperService<Router>;

impl<H: Health> Assembled<RouterService, H> {
    /// Puts guard and edge around `routes`. `page` may answer problems with pages for browsers.
    pub fn new(process: &Process, health: H, page: Option<Page>, routes: Router) -> Self {
        let router = edge(process, page, routes);
        Self {
            http: TowerToHyperService::new(router),
            health,
        }
    }
}

/// The `main` of a service's binary: its command line, and [`run`].
pub fn main<Settings, Building, S, H>(
    service: Service,
    build: impl FnOnce(Peers, Settings) -> Building,
) -> ExitCode
where
    Settings: settings::Settings,
    Building: Future<Output = anyhow::Result<Assembled<S, H>>>,
    S: Serves,
    H: Health,
{
    command::main(service, |options| run(service, &options, build))
}

/// Runs a service until it is told to end. `build` opens what it needs and begins its background tasks.
pub fn run<Settings, Building, S, H>(
    service: Service,
    options: &Options,
    build: impl FnOnce(Peers, Settings) -> Building,
) -> anyhow::Result<()>
where
    Settings: settings::Settings,
    Building: Future<Output = anyhow::Result<Assembled<S, H>>>,
    S: Serves,
    H: Health,
{
    life::run(
        service,
        options,
        |mut begun: Begun, loaded: Loaded<Settings>| async move {
            let process = begun.process.clone();
            let mut peers = Peers::open(&process)?;
            let own = loaded.settled.own.clone();
            peers.configuration = Configuration::begin(&begun, &peers.view, loaded)?;
            prove_in(&mut begun.announcement, &peers.identity);
            let built = build(peers.clone(), own).await;
            match built.inspect_err(|error| process.damage.notice(error.as_ref())) {
                Ok(assembled) => work(service, begun, peers, assembled).await,
                // A start again and again would leave those who ask without the reason.
                Err(_) if process.damage.found().is_some() => {
                    let answer = Assembled::new(&process, NeverReady, None, damaged::routes());
                    work(service, begun, peers, answer).await
                }
                Err(error) => {
                    Err(error.context(format!("the {} service could not start", service.name)))
                }
            }
        },
    )
}

/// Serves until the process is told to end.
async fn work<S: Serves, H: Health>(
    service: Service,
    begun: Begun,
    peers: Peers,
    assembled: Assembled<S, H>,
) -> anyhow::Result<()> {
    let health = joined(assembled.health, &peers);
    let (listening, listener) = begun.listen(health.clone())?;
    let process = &listening.process;
    let record = record(service, &listening.announcement);
    let (state, states) = watch::channel(State::Starting);
    let stop = CancellationToken::new();
    report::start(&peers, health.clone());
    join_others(&peers, &record, &state, states);
    let transport = if is_public(service) {
        Transport::Public
    } else {
        Transport::Proven(peers.identity.proof())
    };
    let http = &process.settings.http;
    let serving = serve(listener, transport, assembled.http, http, stop.clone());
    let ending = async {
        if becomes_ready(process, &health).await {
            announce(&listening, &peers.identity, &state);
        }
        process.draining.cancelled().await;
        state.send_replace(State::Draining);
        tokio::join!(give_place(&peers, &record), process.kept_open());
        process.closing.cancel();
        stop.cancel();
    };
    tokio::join!(ending, serving);
    listening.end().await;
    heartbeat::leave(&peers, &record).await;
    listening.slot.leave();
    tracing::info!(
        service = process.service,
        instance = &*process.instance,
        "ended"
    );
    Ok(())
}

/// Waits until all who watch know that this instance leaves and, where a supervisor starts another in its place, until they
/// know that one too: nobody finds no instance.
async fn give_place(peers: &Peers, record: &Record) {
    heartbeat::drain(peers, record).await;
    let process = &peers.process;
    if process.service == REGISTRY {
        return;
    }
    let longest = Duration::from_secs(process.settings.registry.successor_seconds);
    tokio::select! {
        () = process.without_successor.cancelled() => {}
        () = tokio::time::sleep(longest) => {}
        () = peers.view.has_another(record) => heartbeat::drain(peers, record).await,
    }
}

/// The background tasks by which others know of this process, and it of them.
fn join_others(
    peers: &Peers,
    record: &Record,
    state: &watch::Sender<State>,
    states: watch::Receiver<State>,
) {
    let process = &peers.process;
    let (identity, service) = (peers.identity.clone(), process.service);
    process.spawn("certificates", move || {
        identity.clone().keep_current(service)
    });
    if service != REGISTRY {
        let (beating, record) = (peers.clone(), record.clone());
        process.spawn("heartbeat", move || {
            heartbeat::run(beating.clone(), record.clone(), states.clone())
        });
        registry_watch::start(peers);
        follow::start(peers);
    }
    let (damage, standing) = (process.damage.clone(), state.clone());
    process.spawn("standing back", move || {
        stand_back_when_damaged(damage.clone(), standing.clone())
    });
}

/// Whether the world speaks to it: of one that is not in the table, nobody but services does.
fn is_public(service: Service) -> bool {
    services::find(service.name).is_some_and(|row| row.is_public)
}

/// What others are told of this process, with where it listens for its address. Nobody inside calls a gateway, and its
/// public address may be any: its lease names where operators ask it.
fn record(service: Service, announcement: &Announcement) -> Record {
    let Announcement { addr, admin, .. } = announcement;
    Record {
        service: service.name.to_owned(),
        instance: announcement.instance.clone(),
        addr: if is_public(service) { admin } else { addr }.clone(),
        state: State::Starting,
        version: service.version.to_owned(),
        started_at: clock::unix_millis(),
        name: announcement.name.clone(),
    }
}

/// Tells everybody that the service can work.
fn announce(listening: &Listening, identity: &Identity, state: &watch::Sender<State>) {
    let Listening {
        process,
        announcement,
        slot,
        ..
    } = listening;
    // Others need not wait for our disk.
    state.send_if_modified(|state| {
        let forward = State::Ready.follows(*state);
        if forward {
            *state = State::Ready;
        }
        forward
    });
    let written = write_down(slot, announcement);
    tracing::info!(
        service = process.service,
        instance = &*process.instance,
        addr = announcement.addr,
        admin = announcement.admin,
        "ready"
    );
    let (process, identity) = (process.clone(), identity.clone());
    let (slot, announcement) = (slot.clone(), announcement.clone());
    process.clone().spawn("announcement", move || {
        announce_again(
            process.address.clone(),
            identity.clone(),
            slot.clone(),
            announcement.clone(),
            written,
        )
    });
}

/// Says which authorities are trusted and which certificate is used now, for which a rotation waits, and the address when
/// it is found. What a full disk did not take is written when there is room.
async fn announce_again(
    address: Option<Address>,
    identity: Identity,
    slot: Arc<Slot>,
    mut announcement: Announcement,
    mut written: bool,
) {
    let mut changes = identity.subscribe();
    let is_current = |address: &Address| address.shown() == announcement.addr;
    written &= address.as_ref().is_none_or(is_current);
    let mut found = address.as_ref().map(Address::subscribe);
    let mut finding = async move || match &mut found {
        Some(found) => found.changed().await.is_ok(),
        None => std::future::pending().await,
    };
    loop {
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            true = finding() => {}
            () = tokio::time::sleep(WRITE_AGAIN), if !written => {}
        }
        prove_in(&mut announcement, &identity);
        if let Some(address) = &address {
            announcement.addr = address.shown();
        }
        written = write_down(&slot, &announcement);
    }
}

fn prove_in(announcement: &mut Announcement, identity: &Identity) {
    let loaded = identity.loaded();
    announcement.authorities.clone_from(&loaded.authorities);
    announcement.certificate.clone_from(&loaded.certificate);
}

fn write_down(slot: &Slot, announcement: &Announcement) -> bool {
    let written = slot.announce(announcement);
    if let Err(error) = &written {
        tracing::warn!(
            error = format!("{error:#}"),
            "what runs here could not be written down and is written again"
        );
    }
    written.is_ok()
}

/// Who found its database damaged answers only where nobody else can: another machine may have a whole one.
async fn stand_back_when_damaged(damage: Damage, state: watch::Sender<State>) {
    damage.wait().await;
    state.send_replace(State::Draining);
}
