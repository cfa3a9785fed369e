//! The child's side: `inspect MEMORY CPU FILES PATH` prints what is found as JSON.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use rlimit::{Resource, setrlimit};
use slipway_packages::{Limits, inspect};

pub(crate) fn run(arguments: &[OsString]) -> ExitCode {
    match answer(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads why: the parent sees that there is no answer.
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer(arguments: &[OsString]) -> anyhow::Result<()> {
    let [memory, cpu, files, path] = arguments else {
        bail!("inspect takes four arguments");
    };
    confine(number(memory)?, number(cpu)?, number(files)?)?;
    let file = File::open(Path::new(path))?;
    let outcome = inspect(&file, &Limits::default())?;
    let mut output = std::io::stdout();
    serde_json::to_writer(&mut output, &outcome)?;
    output.flush()?;
    Ok(())
}

fn number(argument: &OsString) -> anyhow::Result<u64> {
    let text = argument.to_str().context("not a number")?;
    Ok(text.parse()?)
}

/// Takes from this process what a package could use against the machine. Core dumps would hold a stranger's bytes.
fn confine(memory: u64, cpu: u64, files: u64) -> anyhow::Result<()> {
    for (resource, limit) in [
        (Resource::AS, memory),
        (Resource::CPU, cpu),
        (Resource::NOFILE, files),
        (Resource::FSIZE, 0),
        (Resource::CORE, 0),
    ] {
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}
