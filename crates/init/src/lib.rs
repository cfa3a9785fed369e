//! `slipway init`, and `slipway-init` where there are containers: what a platform needs before it starts. It may run again,
//! also beside a running platform, and after it was killed: what is there stays.

pub mod authority;
mod rotate;
mod said;
mod secrets;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Parser as _;
use slipway_contract::{Slug, services};
use slipway_runtime::data::{DataDir, private_folder};
use slipway_runtime::process::slot::announcements;

use authority::Authorities;
pub use secrets::prepare;

pub use said::notice_move;
use said::{note, say};

pub const EXAMPLES: &str = "\
Examples:
  slipway init
  slipway init --data /var/lib/slipway
  slipway init --rotate internal             then, when it has ended: slipway init --rotate internal --finish
  slipway init --rotate admin                another admin token; the old one ends within ten seconds
  slipway init --service scanner             a certificate and a folder for a service of your own";

/// Make what is missing of secrets and folders, and end
#[derive(clap::Args)]
pub struct Options {
    /// Folder of all state
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Replace secrets beside a running platform
    #[arg(long, value_name = "WHICH")]
    rotate: Option<Rotate>,
    /// End the rotation: what was there before it is trusted no more
    #[arg(long, requires = "rotate")]
    finish: bool,
    /// Also make a certificate and a folder for a service of your own
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// DIR is a copy: give it a platform identity of its own
    #[arg(long, conflicts_with = "rotate")]
    as_copy: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Rotate {
    /// The authority and the certificates by which services prove themselves
    Internal,
    /// The administrator's token
    Admin,
}

/// The binary `slipway-init`, which holds nothing of the services.
#[derive(clap::Parser)]
#[command(name = "slipway-init", version, about)]
struct Command {
    #[command(flatten)]
    options: Options,
}

pub fn main() -> ExitCode {
    match execute(&Command::parse().options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

pub fn execute(options: &Options) -> anyhow::Result<()> {
    let data = DataDir::new(std::path::absolute(&options.data)?);
    match options.rotate {
        Some(Rotate::Internal) => return rotate::internal(&data, options.finish),
        Some(Rotate::Admin) => {
            ensure!(
                !options.finish,
                "an admin token is replaced in one step, without --finish"
            );
            return rotate::admin(&data);
        }
        None => {}
    }
    let before = files(&data);
    if let Some(name) = &options.service {
        make_own(&data, name)?;
    }
    if options.as_copy {
        as_copy(&data)?;
    }
    prepare(&data)?;
    tell(&data, &before);
    rotate::before_the_end(&data)
}

/// Names in the data folder, and in that of the secrets, that are no service's.
const TAKEN: [&str; 12] = [
    "admin-token",
    "authority",
    "blobs",
    "format",
    "init",
    "lock",
    "place",
    "run",
    "secrets",
    "signed",
    "staging",
    "statements",
];

/// Makes the folders of a service that is an operator's own; the certificate is made with all others.
fn make_own(data: &DataDir, name: &str) -> anyhow::Result<()> {
    let slug: Slug = name.parse().context("a service is named as an app is")?;
    let name = slug.as_str();
    ensure!(
        services::find(name).is_none(),
        "{name} is one of the platform's services, which `slipway init` equips by itself: choose another name for one of your own"
    );
    ensure!(
        !TAKEN.contains(&name),
        "{name} is the name of something else in the data folder: choose another for the service"
    );
    private_folder(&data.service(name))?;
    private_folder(&data.secrets(name))
}

/// Another authority, so that neither platform believes the other. Never under a running platform, whose services would
/// believe nobody until each has read its folder again.
pub fn as_copy(data: &DataDir) -> anyhow::Result<()> {
    data.make_folders()?;
    notice_move(data)?;
    if let Some(other) = announcements(data).iter().find(|other| other.lives()) {
        bail!(
            "{} runs in {} (process {}): end the platform there first",
            other.service,
            data.root().display(),
            other.pid
        );
    }
    Authorities::replace(data)?.equip(&data.services()?)?;
    say(format_args!(
        "{} has a platform identity of its own now",
        data.root().display()
    ));
    Ok(())
}

/// Says what was made.
fn tell(data: &DataDir, before: &BTreeSet<PathBuf>) {
    let folder = data.root().display();
    let made: Vec<PathBuf> = files(data).difference(before).cloned().collect();
    if before.is_empty() {
        say(format_args!(
            "made {folder}: {} secrets and the folders of six services",
            made.len()
        ));
        say(format_args!(
            "the admin token is in {}",
            data.admin_token().display()
        ));
    } else if made.is_empty() {
        say(format_args!(
            "{folder} has all that it needs, nothing was made"
        ));
    } else {
        for path in made {
            say(format_args!("made {}, which was missing", path.display()));
        }
    }
}

/// The secrets that are there.
fn files(data: &DataDir) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    collect(&data.root().join("secrets"), &mut found);
    found.extend(Some(data.admin_token()).filter(|path| path.exists()));
    found
}

fn collect(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.insert(path);
        }
    }
}
