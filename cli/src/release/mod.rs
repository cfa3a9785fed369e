//! `slipway release`: publishes what the jobs of a matrix have put into the draft of a version.

pub(crate) mod notes;
pub(crate) mod request;

use std::path::PathBuf;

use slipway_contract::{Slug, Version};

use crate::publish::outcome;
use crate::publish::package::{Package, check_names};
use crate::publish::preflight;
use crate::publish::report::Report;
use crate::server::{Connection, Server, block_on};
use crate::terminal::Output;
use request::Order;

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway release 1.2.0 --app notes
  slipway release 1.2.0 --app notes --channel beta --notes 'Faster search'
  slipway release 1.2.0 notes.apk notes.deb --app notes      exactly these files of the draft, as they lie here

Without files it is the whole draft, if this token has put all of it there.";

/// Publish the draft of a version
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The version whose draft it is
    #[arg(value_name = "VERSION")]
    version: Version,
    /// Publish exactly these files of it
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The app
    #[arg(long, value_name = "SLUG")]
    app: Slug,
    /// The channel to publish it in
    #[arg(long, value_name = "CHANNEL", default_value = "stable")]
    channel: Slug,
    #[command(flatten)]
    notes: notes::Options,
    /// Refuse what would only be warned of
    #[arg(long)]
    strict: bool,
    /// Make the channel if there is none
    #[arg(long)]
    create_channel: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(crate) output: Output,
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let server = options.connection.open()?;
    let report = block_on(release(&server, options))?;
    report.tell(options.output);
    Ok(())
}

async fn release(server: &Server, options: &Options) -> anyhow::Result<Report> {
    let Options {
        app,
        version,
        channel,
        ..
    } = options;
    let notes = options.notes.read()?;
    let packages: Vec<_> = options
        .files
        .iter()
        .map(|path| Package::read(path))
        .collect::<anyhow::Result<_>>()?;
    check_names(&packages)?;
    let packages: Vec<_> = packages.iter().collect();
    if !options.create_channel {
        preflight::check_channel(server, app, channel).await?;
    }
    if let Some(there) = preflight::release(server, app, version).await?
        && preflight::is_there(app, &there, &packages)?
    {
        let mut channels = there.channels.iter();
        if channels.any(|name| name == channel) || outcome::has_left(&there) {
            return Ok(Report::of(server, there, Some(channel))?);
        }
        return Err(request::not_in_channel(app, &there, channel).into());
    }
    let order = Order {
        app,
        version,
        channel,
        notes: notes.as_deref(),
        files: (!packages.is_empty()).then_some(&packages),
        is_strict: options.strict,
        creates_channel: options.create_channel,
    };
    let release = request::publish(server, &order).await?;
    Ok(Report::of(server, release, Some(channel))?)
}
