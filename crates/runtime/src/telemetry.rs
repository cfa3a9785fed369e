//! Logs: text for people, JSON for machines, on standard error, one line per request (see [`crate::http::edge`]).

use std::sync::Arc;

use tracing_subscriber::EnvFilter;

use crate::settings::{Log, LogFormat};

/// By what the filter of the log is changed while it is written.
#[derive(Clone)]
pub struct LogFilter(Option<Arc<Reload>>);

type Reload = dyn Fn(EnvFilter) -> anyhow::Result<()> + Send + Sync;

impl LogFilter {
    /// Of a log that nobody has opened, for tests.
    pub fn none() -> Self {
        Self(None)
    }

    pub fn set(&self, filter: &str) -> anyhow::Result<()> {
        let filter = EnvFilter::try_new(filter)?;
        self.0.as_ref().map_or(Ok(()), |reload| reload(filter))
    }
}

pub(crate) fn init(log: &Log) -> anyhow::Result<LogFilter> {
    let filter = EnvFilter::try_new(&log.filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        // Else a line that a full disk does not take is told on standard error too, which panics.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let (installed, reload): (_, Arc<Reload>) = match log.format {
        LogFormat::Text => {
            let builder = builder.with_filter_reloading();
            let handle = builder.reload_handle();
            let reload = move |filter| Ok(handle.reload(filter)?);
            (builder.try_init(), Arc::new(reload))
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            let handle = builder.reload_handle();
            let reload = move |filter| Ok(handle.reload(filter)?);
            (builder.try_init(), Arc::new(reload))
        }
    };
    installed.map_err(|error| anyhow::anyhow!("the log could not be opened: {error}"))?;
    Ok(LogFilter(Some(reload)))
}
