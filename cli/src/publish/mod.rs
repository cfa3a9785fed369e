//! `slipway publish`: packages from a developer's disk to what users can download and prove.
//!
//! What can be refused is refused before a byte is sent, and an app is made only after that. The bytes travel by tus, so a
//! killed or disconnected run loses nothing: run again, it asks how much is there and goes on. What was sent to the end
//! is published by the platform alone; this command only waits to tell. Several files go into the draft of their
//! version one after the other, and then one request publishes exactly them: users see all of them or none.

mod app;
mod judgement;
pub(crate) mod outcome;
pub(crate) mod package;
mod plan;
pub(crate) mod preflight;
mod publication;
pub(crate) mod report;
mod resume;
mod upload;

use std::path::PathBuf;

use slipway_packages::{Arch, Said, Slug, Version};

use crate::release::notes;
use crate::server::{Connection, block_on};
use crate::terminal::Output;
use plan::Plan;

pub(crate) const EXAMPLES: &str = "\
Examples:
  SLIPWAY_TOKEN=slw_… slipway publish notes.apk --app notes
  slipway publish notes.apk --app notes --channel beta --token-file data/admin-token --create
  slipway publish notes.apk notes.deb Notes.msi --app notes --version 1.2.0 --notes-file CHANGES.md
  slipway publish Notes.dmg --app notes --version 1.2.0 --draft
    (each job of a matrix; then, once: slipway release 1.2.0 --app notes)

A run that was interrupted goes on when it is run again.";

/// Upload, sign and publish packages as one release
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The packages; several become one release
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The app [default: from the first file's name]
    #[arg(long, value_name = "SLUG")]
    app: Option<Slug>,
    /// The version [default: read out of the packages]
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,
    /// The channel to publish it in
    #[arg(long, value_name = "CHANNEL", default_value = "stable")]
    channel: Slug,
    /// Only put the packages into the draft of the version, for `slipway release`
    #[arg(long, conflicts_with_all = ["channel", "create_channel"])]
    draft: bool,
    #[command(flatten)]
    notes: notes::Options,
    /// The system that packages are for which do not say it themselves, such as a zip; any is all
    #[arg(long, value_name = "PLATFORM", value_parser = Said::named)]
    platform: Option<Said>,
    /// The architecture, likewise
    #[arg(long, value_name = "ARCH")]
    arch: Option<Arch>,
    /// Take the bytes as they are: of no known kind, for no system
    #[arg(long, value_name = "other", value_parser = ["other"])]
    kind: Option<String>,
    /// Refuse what would only be warned of
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    made: Made,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What is made where it is missing: never unasked, since a typing error would make it too.
#[derive(clap::Args)]
#[group(skip)]
struct Made {
    /// Make the app if there is none; without it, a person at the terminal is asked
    #[arg(long)]
    create: bool,
    /// Make the channel if there is none
    #[arg(long)]
    create_channel: bool,
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let server = options.connection.open()?;
    let plan = Plan::read(options)?;
    let report = block_on(plan.publish(&server))?;
    report.tell(options.output);
    Ok(())
}
