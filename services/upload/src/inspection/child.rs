//! The child's side: `inspect MEMORY CPU FILES` reads standard input and prints what is found as JSON.

use std::ffi::OsString;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use slipway_packages::{Limits, inspect};

use super::confine::{Share, confine};

/// The exit code of a child that could not be confined; it read nothing, and prints why.
pub(super) const UNCONFINED: u8 = 3;

pub(crate) fn run(arguments: &[OsString]) -> ExitCode {
    if let Err(why) = share(arguments).and_then(|share| confine(&share)) {
        let _ = write!(io::stdout(), "{why:#}");
        return ExitCode::from(UNCONFINED);
    }
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads why: the parent sees that there is no answer.
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer() -> anyhow::Result<()> {
    let outcome = inspect(Package, &Limits::default())?;
    let mut output = io::stdout();
    serde_json::to_writer(&mut output, &outcome)?;
    output.flush()?;
    Ok(())
}

fn share(arguments: &[OsString]) -> anyhow::Result<Share> {
    let [memory, cpu, files] = arguments else {
        bail!("inspect takes three arguments");
    };
    Ok(Share {
        memory_bytes: number(memory)?,
        cpu_seconds: number(cpu)?,
        files: number(files)?,
    })
}

fn number(argument: &OsString) -> anyhow::Result<u64> {
    let text = argument.to_str().context("not a number")?;
    Ok(text.parse()?)
}

/// The package on standard input, at whatever place. It is a file that the parent has opened to be read: a confined
/// process opens nothing, and the standard library's `Stdin` cannot seek.
struct Package;

impl Read for Package {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(rustix::stdio::stdin(), buffer)?)
    }
}

impl Seek for Package {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(place) => rustix::fs::SeekFrom::Start(place),
            SeekFrom::End(distance) => rustix::fs::SeekFrom::End(distance),
            SeekFrom::Current(distance) => rustix::fs::SeekFrom::Current(distance),
        };
        Ok(rustix::fs::seek(rustix::stdio::stdin(), to)?)
    }
}
