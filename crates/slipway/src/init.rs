//! `slipway init`: what a platform needs before it starts. It may run again, also beside a running platform, and after
//! it was killed: what is there stays.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use slipway_service::data::DataDir;

use crate::terminal;

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway init
  slipway init --data /var/lib/slipway";

/// Make what is missing of secrets and folders, and end
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder of all state
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let data = DataDir::new(&options.data);
    let folder = options.data.display();
    let before = files(&data);
    data.init()?;
    let made: Vec<PathBuf> = files(&data).difference(&before).cloned().collect();
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
    Ok(())
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
