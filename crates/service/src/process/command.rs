//! The command line of a service's binary: its options, `--help`, and `healthcheck`.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args as _, FromArgMatches as _};

use super::{Service, announcements, run};
use crate::data::DataDir;

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
}

/// The `main` of every service binary.
pub fn main<S: Service>() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some((name, rest)) = arguments.split_first()
        && let Some(code) = name.to_str().and_then(|name| S::tool(name, rest))
    {
        return code;
    }
    let name = format!("slipway-{}", S::NAME);
    let command = clap::Command::new(name.clone())
        .version(env!("CARGO_PKG_VERSION"))
        .about(format!("Slipway's {} service", S::NAME))
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
            .and_then(|options| healthcheck(S::NAME, &options)),
        None => Options::from_arg_matches(&matches)
            .map_err(anyhow::Error::from)
            .and_then(run::<S>),
    };
    report(S::NAME, outcome)
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
            let client = crate::internal::client::http_client();
            let response = client
                .get(&url)
                .timeout(Duration::from_secs(3))
                .send()
                .await?;
            response.error_for_status()?;
            Ok(())
        })
}
