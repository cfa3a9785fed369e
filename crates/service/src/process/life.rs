//! The life of a process: from its settings to the end of its lease.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::command::Options;
use super::damaged::Damaged;
use super::slot::{Announcement, Reserved, Slot};
use super::{Assembled, Health, Process, Service, raise_descriptor_limit};
use crate::clock;
use crate::data::DataDir;
use crate::database::damage::Damage;
use crate::discovery::record::{Record, State};
use crate::discovery::{heartbeat, watch as registry_watch};
use crate::http::edge::{admin, readiness};
use crate::http::serve::{Transport, serve};
use crate::internal::identity::Identity;
use crate::settings::{self, Common};
use crate::telemetry;

/// Time for background tasks to end after the last request. A job that is cut off is taken up by the next process.
const TASKS_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before a process is written down that the disk had no room for.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// Runs a service until it is told to end.
pub fn run<S: Service>(options: Options) -> anyhow::Result<()> {
    let (mut common, own) = settings::load::<S::Settings>(S::NAME, options.config.as_deref())?;
    common.http.listen = options.listen.or(common.http.listen);
    if !options.registry.is_empty() {
        common.registry.urls.clone_from(&options.registry);
    }
    telemetry::init(&common.log)?;
    raise_descriptor_limit();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(live::<S>(options, common, own))
}

async fn live<S: Service>(
    options: Options,
    common: Common,
    own: S::Settings,
) -> anyhow::Result<()> {
    let signals = Signals::listen()?;
    let data = DataDir::new(std::path::absolute(&options.data)?);
    if let Some(moved) = data.notice_move()? {
        tracing::warn!("{moved}");
    }
    let slot = Slot::take(&data, S::NAME)?;
    let port = slot.reserve(common.http.listen)?;
    let admin = reserve_for_operators(&common.admin)?;
    let mut process = Process::open(S::NAME, data, common)?;
    process.metrics.tell_build(S::SOURCES);
    let announcement = Announcement::new(
        &process,
        port.address()?.to_string(),
        admin.address()?.to_string(),
    );
    process.address = Some(announcement.addr.as_str().into());
    let place = Place {
        slot,
        port,
        admin,
        announcement,
        signals,
    };
    let built = S::build(process.clone(), own).await;
    let built = built.inspect_err(|error| process.damage.notice(error.as_ref()));
    match built {
        Ok(app) => work::<S>(process, place, app, options.supervised).await,
        // A start again and again would leave those who ask without the reason.
        Err(_) if process.damage.found().is_some() => {
            let app = Damaged::<S>::build(process.clone(), ()).await?;
            work::<Damaged<S>>(process, place, app, options.supervised).await
        }
        Err(error) => Err(error.context(format!("the {} service could not start", S::NAME))),
    }
}

/// Where a process is found.
struct Place {
    slot: Slot,
    port: Reserved,
    admin: Reserved,
    announcement: Announcement,
    signals: Signals,
}

/// Serves until the process is told to end.
async fn work<S: Service>(
    process: Process,
    place: Place,
    assembled: Assembled<S::Http, S::Health>,
    supervised: bool,
) -> anyhow::Result<()> {
    let Place {
        slot,
        port,
        admin,
        announcement,
        signals,
    } = place;
    let record = record::<S>(&announcement);
    let (listener, admin) = (port.listen()?, admin.listen()?);
    let (state, states) = watch::channel(State::Starting);
    let identity = process.identity.clone();
    process.spawn("certificates", move || {
        identity.clone().keep_current(S::NAME)
    });
    if !process.is_registry() {
        let (beating, record) = (process.clone(), record.clone());
        process.spawn("heartbeat", move || {
            heartbeat::run(beating.clone(), record.clone(), states.clone())
        });
        registry_watch::start(&process);
    }
    let stop = CancellationToken::new();
    serve_operators(&process, admin, assembled.health.clone());
    let transport = if S::IS_PUBLIC {
        Transport::Public
    } else {
        Transport::Proven(process.identity.clone())
    };
    let http = &process.settings.http;
    let serving = serve(listener, transport, assembled.http, http, stop.clone());
    let slot = Arc::new(slot);
    let (damage, standing) = (process.damage.clone(), state.clone());
    process.spawn("standing back", move || {
        stand_back_when_damaged(damage.clone(), standing.clone())
    });
    let ending = async {
        announce(&process, &assembled.health, &slot, announcement, &state).await;
        process.draining.cancelled().await;
        state.send_replace(State::Draining);
        heartbeat::drain(&process, &record).await;
        stop.cancel();
    };
    let told = tokio::spawn(wait_for_end(process.draining.clone(), signals, supervised));
    tokio::join!(ending, serving);
    told.abort();
    end(&process, &record, &slot).await;
    Ok(())
}

fn reserve_for_operators(settings: &settings::Admin) -> anyhow::Result<Reserved> {
    Reserved::at(settings.listen).with_context(|| {
        format!(
            "could not listen on {} for operators: choose another [admin] listen",
            settings.listen
        )
    })
}

fn serve_operators<H: Health>(process: &Process, listener: TcpListener, health: H) {
    let router = TowerToHyperService::new(admin(process, health));
    let (http, stop) = (process.settings.http.clone(), process.shutdown.clone());
    process
        .tasks
        .spawn(async move { serve(listener, Transport::Plain, router, &http, stop).await });
}

/// What others are told of this process. Nobody inside calls a gateway, and its public address may be any: its lease
/// names where operators ask it.
fn record<S: Service>(announcement: &Announcement) -> Record {
    let Announcement { addr, admin, .. } = announcement;
    Record {
        service: S::NAME.to_owned(),
        instance: announcement.instance.clone(),
        addr: if S::IS_PUBLIC { admin } else { addr }.clone(),
        state: State::Starting,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: clock::unix_millis(),
    }
}

/// Waits until the service can work, then tells everybody.
async fn announce<H: Health>(
    process: &Process,
    health: &H,
    slot: &Arc<Slot>,
    announcement: Announcement,
    state: &watch::Sender<State>,
) {
    while readiness(process, health).await.is_err() {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
            () = process.draining.cancelled() => return,
        }
    }
    let written = write_down(slot, &announcement);
    state.send_if_modified(|state| {
        let forward = State::Ready.follows(*state);
        if forward {
            *state = State::Ready;
        }
        forward
    });
    tracing::info!(
        service = process.service,
        instance = &*process.instance,
        addr = announcement.addr,
        admin = announcement.admin,
        "ready"
    );
    let (identity, slot) = (process.identity.clone(), slot.clone());
    process.spawn("announcement", move || {
        announce_again(
            identity.clone(),
            slot.clone(),
            announcement.clone(),
            written,
        )
    });
}

/// Says which authorities are trusted and which certificate is used now: a rotation waits for everybody. What a full disk
/// did not take is written when there is room.
async fn announce_again(
    identity: Identity,
    slot: Arc<Slot>,
    mut announcement: Announcement,
    mut written: bool,
) {
    let mut changes = identity.subscribe();
    loop {
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(WRITE_AGAIN), if !written => {}
        }
        let loaded = identity.loaded();
        announcement.authorities.clone_from(&loaded.authorities);
        announcement.certificate.clone_from(&loaded.certificate);
        written = write_down(&slot, &announcement);
    }
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

async fn end(process: &Process, record: &Record, slot: &Slot) {
    process.shutdown.cancel();
    process.tasks.close();
    if tokio::time::timeout(TASKS_TIMEOUT, process.tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!("a background task was cut off; the next process takes its work up");
    }
    if let Some(database) = process.database.get() {
        database.close().await;
    }
    heartbeat::leave(process, record).await;
    slot.leave();
    tracing::info!(
        service = process.service,
        instance = &*process.instance,
        "ended"
    );
}

/// What tells a process to end. It is listened to from the very start: one that comes before anybody listens would kill the
/// process instead.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Cancels `draining` at SIGTERM, SIGINT or, for a supervised process, at the end of its standard input. That one is
/// read by a thread of its own: the runtime does not end before its reads have, and this one ends with the supervisor.
async fn wait_for_end(draining: CancellationToken, mut signals: Signals, supervised: bool) {
    if supervised {
        let draining = draining.clone();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            draining.cancel();
        });
    }
    tokio::select! {
        _ = signals.terminate.recv() => {}
        _ = signals.interrupt.recv() => {}
    }
    draining.cancel();
}
