//! The child's side: `inspect MEMORY CPU FILES [KIND]` reads standard input and prints what is found as JSON. KIND is what
//! the name of the package stands for.

use std::ffi::OsString;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use slipway_contract::Kind;
use slipway_packages::{Limits, inspect};

use super::confine::{Share, confine};

/// The exit code of a child that could not be confined; it read nothing, and prints why.
pub(super) const UNCONFINED: u8 = 3;

pub fn run(arguments: &[OsString]) -> ExitCode {
    let (share, named) = arguments.split_at(arguments.len().min(3));
    if let Err(why) = self::share(share).and_then(|share| confine(&share)) {
        let _ = write!(io::stdout(), "{why:#}");
        return ExitCode::from(UNCONFINED);
    }
    match kind(named).and_then(answer) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads why: the parent sees that there is no answer.
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer(named: Option<Kind>) -> anyhow::Result<()> {
    let inspected = inspect(Package, named, &Limits::default())?;
    let mut output = io::stdout();
    serde_json::to_writer(&mut output, &inspected)?;
    output.flush()?;
    Ok(())
}

fn kind(arguments: &[OsString]) -> anyhow::Result<Option<Kind>> {
    let kind = arguments
        .first()
        .map(|kind| kind.to_str().context("not a kind"));
    Ok(kind.transpose()?.map(str::parse).transpose()?)
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
