//! `slipway up`: the whole platform on one machine, a process for each instance.
//!
//! Nothing here is state: whatever ends, `up` itself included, is started again and goes on where it was. The children
//! end when `up` does, however it ends, because they read their standard input, which only `up` holds open. `up` becomes
//! another version of itself without ending ([`succession`]), and runs what `DIR/versions/wanted.json` says.

mod child;
mod fleet;
mod instances;
mod lock;
mod options;
mod process;
mod programs;
mod ready;
mod start;
mod succession;
mod supervisor;
mod table;

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use slipway_contract::Digest;
use slipway_runtime::data::{DataDir, write_whole};
use slipway_runtime::fault::Fault;
use uuid::Uuid;

use crate::exit::Stop;
use crate::fleet::versions::digest_of;
use crate::terminal;
pub(crate) use options::Options;
use succession::Inheritance;
use supervisor::Holding;

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway up
  slipway up --data /var/lib/slipway --listen 0.0.0.0:8080 --public-url https://apps.example.org
  slipway up --instances upload=2,download=2";

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    if let Some(form) = options.takes {
        return match form {
            succession::FORM => Ok(()),
            _ => Err(Stop::usage(format!("the form {form} is not known here")).into()),
        };
    }
    slipway_runtime::process::descriptors::raise_limit();
    let data = DataDir::new(std::path::absolute(&options.data)?);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(async {
            let holding = if options.take_over {
                hold_on(&data, succession::take_over()?)
            } else {
                begin(options, &data)?
            };
            supervisor::supervise(options, &data, holding).await
        })
}

/// Takes what only one `up` may have.
fn begin(options: &Options, data: &DataDir) -> anyhow::Result<Holding> {
    // First the lock: two first starts at once would each make keys.
    let lock = lock::take(data)?;
    start::check_settings(data)?;
    let listener = start::listen(options.listen)?;
    if options.as_copy {
        slipway_init::as_copy(data)?;
    }
    slipway_init::prepare(data)?;
    slipway_init::notice_move(data)?;
    // Of this start alone: a process of a copied folder, which has the same secrets, is of another run.
    let run = Uuid::now_v7().to_string();
    note_run(data, &run)?;
    Ok(Holding {
        run,
        has_greeted: false,
        started: own_program()?,
        up: None,
        lock,
        listener,
        children: Vec::new(),
    })
}

/// Also when another lies at its path by now.
fn own_program() -> anyhow::Result<Digest> {
    digest_of(Path::new("/proc/self/exe"))
}

/// Goes on with what an earlier program had. The children serve, so nothing that this version would want first ends them.
fn hold_on(data: &DataDir, left: Inheritance) -> Holding {
    if let Err(error) = slipway_init::prepare(data) {
        terminal::fail(format_args!("{error:#}; going on without it"));
    }
    terminal::note(format_args!(
        "this is {} now ({})",
        env!("CARGO_PKG_VERSION"),
        left.up
    ));
    Holding {
        run: left.run,
        has_greeted: left.has_greeted,
        started: left.started,
        up: Some(left.up),
        lock: left.lock,
        listener: left.listener,
        children: left.children,
    }
}

/// Tells programs that somebody starts by hand which run this is; the children are told directly. A full disk takes the
/// old note away and no new one, and is no reason to serve nothing.
fn note_run(data: &DataDir, run: &str) -> anyhow::Result<()> {
    let file = data.run_id();
    let written = write_whole(&file, run);
    match written {
        Err(error) if Fault::of(error.as_ref()) == Some(Fault::Full) => {
            if file.exists() {
                fs::remove_file(&file)?;
            }
            terminal::note(format_args!("{error:#}; going on without it"));
            Ok(())
        }
        written => written,
    }
}
