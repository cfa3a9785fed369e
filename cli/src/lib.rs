//! The command `slipway`: the whole platform on one machine, and what developers and users do with it.

mod accept_restore;
mod command;
mod config;
mod demo;
mod download;
mod exit;
mod fleet;
mod lock;
mod openapi;
mod proof;
mod publish;
mod release;
mod rollout;
mod run;
mod server;
mod shell;
mod status;
mod terminal;
mod up;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

/// The whole of `slipway`.
pub fn main() -> ExitCode {
    command::execute(std::env::args_os().collect())
}

/// The whole of `slipway-server`: `slipway up` where no subcommand is named. It takes the subcommands too, since `up`
/// starts its own executable again for each instance, and upload starts it for each inspection.
pub fn server() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let names_one = |word: &OsString| {
        let word = word.to_string_lossy();
        !word.starts_with('-') || matches!(&*word, "-V" | "--version")
    };
    if !arguments.get(1).is_some_and(names_one) {
        arguments.insert(1.min(arguments.len()), "up".into());
    }
    command::execute(arguments)
}
