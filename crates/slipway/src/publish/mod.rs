//! `slipway publish`: a package from a developer's disk to what users can download and prove.
//!
//! The bytes travel by tus, so a killed or disconnected run loses nothing: run again, it asks how much is there and
//! goes on. What was sent to the end is published by the platform alone; this command only waits to tell.

mod app;
mod outcome;
mod package;
mod resume;
mod retry;
pub(crate) mod server;
pub(crate) mod token;
mod upload;

use std::path::PathBuf;

use anyhow::Context as _;
use slipway_packages::{Slug, Version};

use crate::terminal;
use package::Package;
use resume::Resume;
use server::Server;
use upload::Upload;

pub(crate) const EXAMPLES: &str = "\
Examples:
  SLIPWAY_TOKEN=slw_… slipway publish notes.apk --app notes
  slipway publish notes.apk --app notes --channel beta --token-file data/admin-token
  slipway publish Notes.dmg --app notes --version 1.2.3 --server https://apps.example.org

The token comes from SLIPWAY_TOKEN or --token-file. A run that was interrupted goes on when it is run again.";

/// Upload, sign and publish a package
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The package
    file: PathBuf,
    /// The app, made if it does not exist yet [default: from the file's name]
    #[arg(long, value_name = "SLUG")]
    app: Option<Slug>,
    /// The version [default: read out of the package]
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,
    /// The channel to publish it in
    #[arg(long, value_name = "CHANNEL", default_value = "stable")]
    channel: Slug,
    /// Address of the platform
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: reqwest::Url,
    #[arg(
        long,
        value_name = "FILE",
        help = "File that holds the token [default: the variable SLIPWAY_TOKEN]"
    )]
    token_file: Option<PathBuf>,
}

/// What is to be published, and as what.
struct Publication {
    package: Package,
    app: Slug,
    version: Option<Version>,
    channel: Slug,
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let token = token::read(options.token_file.as_deref())?;
    let server = Server::new(&options.server, &token)?;
    let package = Package::read(&options.file)?;
    let app = if let Some(app) = &options.app {
        app.clone()
    } else {
        let app = app::from_file_name(package.name.as_str())?;
        terminal::note(format_args!(
            "the app is {app}, from the file's name; --app names another"
        ));
        app
    };
    let publication = Publication {
        package,
        app,
        version: options.version.clone(),
        channel: options.channel.clone(),
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(publish(&server, &publication))
}

async fn publish(server: &Server, publication: &Publication) -> anyhow::Result<()> {
    app::make_if_missing(server, &publication.app).await?;
    let mut resume = Resume::open(&server.origin(), publication)?;
    let upload = Upload {
        server,
        publication,
    };
    let address = upload.send(&mut resume).await?;
    let outcome = outcome::wait(server, publication, &address).await;
    // Only what failed for good is begun anew by the next run.
    if outcome.as_ref().is_ok_and(outcome::Outcome::is_final) {
        resume.forget();
    }
    outcome?.tell(server, publication)
}
