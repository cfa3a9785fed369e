//! `slipway init`: what a platform needs before it starts. It may run again, also beside a running platform, and after
//! it was killed: what is there stays.

mod rotate;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use slipway_packages::Slug;
use slipway_service::data::DataDir;
use slipway_service::internal::authority::Authorities;
use slipway_service::process::announcements;

use crate::terminal;

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway init
  slipway init --data /var/lib/slipway
  slipway init --rotate internal             then, when it has ended: slipway init --rotate internal --finish
  slipway init --rotate admin                another admin token; the old one ends within ten seconds
  slipway init --service scanner             a certificate for a service of your own";

/// Make what is missing of secrets and folders, and end
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder of all state
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Replace secrets beside a running platform
    #[arg(long, value_name = "WHICH")]
    rotate: Option<Rotate>,
    /// End the rotation: what was there before it is trusted no more
    #[arg(long, requires = "rotate")]
    finish: bool,
    /// Also make a certificate for a service of this name
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

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
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
        let name: Slug = name.parse().context("a service is named as an app is")?;
        slipway_service::data::private_folder(&data.secrets(name.as_str()))?;
    }
    if options.as_copy {
        as_copy(&data)?;
    }
    data.init()?;
    tell(&data, &before);
    rotate::before_the_end(&data)
}

/// Another authority, so that neither platform believes the other. Never under a running platform, whose services would
/// believe nobody until each has read its folder again.
pub(crate) fn as_copy(data: &DataDir) -> anyhow::Result<()> {
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
    terminal::say(format_args!(
        "{} has a platform identity of its own now",
        data.root().display()
    ));
    Ok(())
}

/// Drops what a copied or moved folder remembers of another place, and says so.
pub(crate) fn notice_move(data: &DataDir) -> anyhow::Result<()> {
    if let Some(moved) = data.notice_move()? {
        terminal::note(moved);
    }
    Ok(())
}

/// Says what was made.
fn tell(data: &DataDir, before: &BTreeSet<PathBuf>) {
    let folder = data.root().display();
    let made: Vec<PathBuf> = files(data).difference(before).cloned().collect();
    if before.is_empty() {
        terminal::say(format_args!(
            "made {folder}: {} secrets and the folders of six services",
            made.len()
        ));
        terminal::say(format_args!(
            "the admin token is in {}",
            data.admin_token().display()
        ));
    } else if made.is_empty() {
        terminal::say(format_args!(
            "{folder} has all that it needs, nothing was made"
        ));
    } else {
        for path in made {
            terminal::say(format_args!("made {}, which was missing", path.display()));
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
