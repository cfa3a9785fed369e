//! The command line of a service's binary: its options, `--help`, and `healthcheck`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args as _, FromArgMatches as _};

use crate::data::DataDir;
use crate::http::client::http_client;
use crate::process::slot::announcements;

/// The options of `slipway run SERVICE` and of `slipway-<service>`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Folder of all state
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Address to listen on [default: a free loopback port, kept for the next start]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// URL of a registry node; may be given more than once [default: those that run in DIR]
    #[arg(long, value_name = "URL")]
    pub registry: Vec<String>,
    #[arg(
        value_name = "CONFIG.toml",
        help = "Settings in TOML; SLIPWAY_<SERVICE>__SECTION__KEY overrides them"
    )]
    pub config: Option<PathBuf>,
    /// End when standard input ends: how a supervisor's children end with it, however it ends
    #[arg(long, hide = true)]
    pub supervised: bool,
    /// Take the listener from standard input: the supervisor holds it open from one process to the next
    #[arg(long, hide = true, requires = "supervised", conflicts_with = "listen")]
    pub inherit: bool,
}

/// A service, as its binary and whoever runs it know it.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    pub name: &'static str,
    /// Its own: `env!("CARGO_PKG_VERSION")` of its crate. What services share has none.
    pub version: &'static str,
}

/// The `main` of a service's binary; `run` serves.
pub fn main(service: Service, run: impl FnOnce(Options) -> anyhow::Result<()>) -> ExitCode {
    let name = format!("slipway-{}", service.name);
    let command = clap::Command::new(name.clone())
        .version(service.version)
        .about(format!("Slipway's {} service", service.name))
        .after_help(format!(
            "Examples:\n  {name} --data /data --registry http://registry:8080\n  {name} healthcheck --data /data"
        ))
        .args_conflicts_with_subcommands(true)
        .subcommand(
            Options::augment_args(clap::Command::new("healthcheck"))
                .about("Ask the instance that runs in DIR whether it answers"),
        );
    let matches = Options::augment_args(command).get_matches();
    let outcome = match matches.subcommand() {
        Some((_, matches)) => Options::from_arg_matches(matches)
            .map_err(anyhow::Error::from)
            .and_then(|options| healthcheck(service.name, &options)),
        None => Options::from_arg_matches(&matches)
            .map_err(anyhow::Error::from)
            .and_then(run),
    };
    report(service.name, outcome)
}

/// Says on standard error why a process ends; `{:#}` is the chain of causes without a backtrace.
fn report(name: &str, outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not by a macro that panics where the log's disk is full.
            let _ = writeln!(std::io::stderr(), "{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Asks the instance that runs in the data folder for `/healthz`: what a container's health check calls.
fn healthcheck(service: &'static str, options: &Options) -> anyhow::Result<()> {
    let data = DataDir::new(&options.data);
    let announced = announcements(&data);
    let own = announced.iter().find(|other| other.service == service);
    let own =
        own.with_context(|| format!("no {service} is ready in {}", options.data.display()))?;
    let url = format!("http://{}/healthz", own.admin);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let client = http_client()?;
            let response = client
                .get(&url)
                .timeout(Duration::from_secs(3))
                .send()
                .await?;
            response.error_for_status()?;
            Ok(())
        })
}
