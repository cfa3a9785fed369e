//! What `slipway publish` is asked for.

use std::path::PathBuf;

use slipway_contract::{Arch, Said, Slug, Version};

use crate::release::notes;
use crate::server::Connection;
use crate::terminal::Output;

/// Upload, sign and publish packages as one release
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The packages; several become one release
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The app [default: from the first file's name]
    #[arg(long, value_name = "SLUG")]
    pub(super) app: Option<Slug>,
    /// The version [default: read out of the packages]
    #[arg(long, value_name = "VERSION")]
    pub(super) version: Option<Version>,
    /// The channel to publish it in
    #[arg(long, value_name = "CHANNEL", default_value = "stable")]
    pub(super) channel: Slug,
    /// Only put the packages into the draft of the version, for `slipway release`
    #[arg(long, conflicts_with_all = ["channel", "create_channel"])]
    pub(super) draft: bool,
    #[command(flatten)]
    pub(super) notes: notes::Options,
    /// The system that packages are for which do not say it themselves, such as a zip; any is all
    #[arg(long, value_name = "PLATFORM", value_parser = Said::named)]
    pub(super) platform: Option<Said>,
    /// The architecture, likewise
    #[arg(long, value_name = "ARCH")]
    pub(super) arch: Option<Arch>,
    /// Take the bytes as they are: of no known kind, for no system
    #[arg(long, value_name = "other", value_parser = ["other"])]
    pub(super) kind: Option<String>,
    /// Refuse what would only be warned of
    #[arg(long)]
    pub(super) strict: bool,
    #[command(flatten)]
    pub(super) made: Made,
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What is made where it is missing: never unasked, since a typing error would make it too.
#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Made {
    /// Make the app if there is none; without it, a person at the terminal is asked
    #[arg(long)]
    pub(super) create: bool,
    /// Make the channel if there is none
    #[arg(long)]
    pub(super) create_channel: bool,
}
