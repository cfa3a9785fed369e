//! Logs: text for people, JSON for machines, on standard error, one line per request (see [`crate::http::edge`]).

use tracing_subscriber::EnvFilter;

use crate::settings::{Log, LogFormat};

pub(crate) fn init(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        // Else a line that a full disk does not take is told on standard error too, which panics.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let installed = match log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("the log could not be opened: {error}"))
}
