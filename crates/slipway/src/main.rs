//! The command `slipway`: the whole platform on one machine, and what developers and users do with it.

mod accept_restore;
mod command;
mod demo;
mod publish;
mod run;
mod terminal;
mod up;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    command::Slipway::parse().execute()
}
