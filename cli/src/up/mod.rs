//! `slipway up`: the whole platform on one machine, a process for each instance.
//!
//! Nothing here is state: whatever ends, `up` itself included, is started again and goes on where it was. The children
//! end when `up` does, however it ends, because they read their standard input, which only `up` holds open.

mod child;
mod instances;
mod lock;
mod ready;
mod start;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use slipway_runtime::data::{DataDir, RUN_VARIABLE, write_whole};
use slipway_runtime::fault::Fault;
use slipway_runtime::http::client::http_client;
use slipway_runtime::settings::PublicUrl;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::run::Service;
use crate::terminal;
use child::{Child, Ending};
use instances::Instances;

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway up
  slipway up --data /var/lib/slipway --listen 0.0.0.0:8080 --public-url https://apps.example.org
  slipway up --instances upload=2,download=2";

/// Run the whole platform on this machine, no other software needed
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder of all state
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Address to listen on, the only public one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Instances of services, such as upload=2,download=2 [default: one of each]
    #[arg(
        long,
        value_name = "SERVICE=N,…",
        default_value = "",
        hide_default_value = true
    )]
    instances: Instances,
    /// Origin that users see, for addresses in documents [default: addresses have no origin]
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// DIR is a copy: give it a platform identity of its own first
    #[arg(long)]
    as_copy: bool,
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let data = DataDir::new(std::path::absolute(&options.data)?);
    // First the lock: two first starts at once would each make keys.
    let _lock = lock::take(&data)?;
    start::check_settings(&data)?;
    start::check_address(options.listen)?;
    if options.as_copy {
        slipway_init::as_copy(&data)?;
    }
    slipway_init::prepare(&data)?;
    slipway_init::notice_move(&data)?;
    // Of this start alone: a process of a copied folder, which has the same secrets, is of another run.
    let run = Uuid::now_v7().to_string();
    note_run(&data, &run)?;
    slipway_runtime::process::descriptors::raise_limit();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(supervise(options, &data, &run))
}

/// Tells programs that somebody starts by hand which run this is; the children are told directly. A full disk takes the
/// old note away and no new one, and is no reason to serve nothing.
fn note_run(data: &DataDir, run: &str) -> anyhow::Result<()> {
    let file = data.run_id();
    let written = write_whole(&file, run);
    match written {
        Err(error) if Fault::of(error.as_ref()) == Some(Fault::Full) => {
            if file.exists() {
                fs::remove_file(&file)?;
            }
            terminal::note(format_args!("{error:#}; going on without it"));
            Ok(())
        }
        written => written,
    }
}

/// Runs the children until SIGTERM or SIGINT; a second one of these ends them at once.
async fn supervise(options: &Options, data: &DataDir, run: &str) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let ending = Ending {
        politely: CancellationToken::new(),
        at_once: CancellationToken::new(),
    };
    let children = children(options, data, run)?;
    let mut running = JoinSet::new();
    for child in &children {
        running.spawn(child.clone().keep_running(ending.clone()));
    }
    let gateway = children
        .into_iter()
        .find(|child| child.service == Service::Gateway);
    let gateway = gateway.context("there is no gateway")?;
    let ready = tokio::spawn(ready::tell(http_client()?, data.clone(), gateway));
    loop {
        tokio::select! {
            _ = terminate.recv() => ending.advance(),
            _ = interrupt.recv() => ending.advance(),
            ended = running.join_next() => match ended {
                Some(outcome) => outcome?,
                None => break,
            },
        }
    }
    ready.abort();
    Ok(())
}

/// All at once: no service waits for another.
fn children(options: &Options, data: &DataDir, run: &str) -> anyhow::Result<Vec<Arc<Child>>> {
    let program = std::env::current_exe().context("could not find the own executable")?;
    let mut children = Vec::new();
    for service in Service::ALL {
        for number in 1..=options.instances.of(service) {
            let mut arguments = vec!["run".into(), service.name().into()];
            arguments.extend(["--data".into(), data.root().into(), "--supervised".into()]);
            if service == Service::Gateway {
                arguments.extend(["--listen".into(), options.listen.to_string().into()]);
            }
            let setting = format!(
                "SLIPWAY_{}__HTTP__PUBLIC_URL",
                service.name().to_uppercase()
            );
            let url = options.public_url.as_ref();
            let url = url.map(|url| (setting, url.to_string()));
            let mut environment = vec![(RUN_VARIABLE.to_owned(), run.to_owned())];
            environment.extend(url);
            children.push(Arc::new(Child::new(
                service,
                number,
                &program,
                arguments,
                environment,
                data.clone(),
            )));
        }
    }
    Ok(children)
}
