//! The command line as a whole: which subcommand does what, and how a failure is said.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use slipway_service::Service as _;

use crate::{accept_restore, demo, publish, run, terminal, up, verify};

const EXAMPLES: &str = "\
Examples:
  slipway                                        start the whole platform on this machine
  slipway publish notes.apk --app notes          upload, sign and publish a package
  slipway verify notes.apk --key minisign.pub    prove that a download is what was published";

/// Ship signed apps outside a store: one upload, and everybody can fetch and prove it.
///
/// Without a subcommand it does what `slipway up` does.
#[derive(Parser)]
#[command(name = "slipway", version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct Slipway {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: up::Options,
}

#[derive(Subcommand)]
enum Command {
    #[command(after_help = up::EXAMPLES)]
    Up(up::Options),
    #[command(after_help = slipway_init::EXAMPLES)]
    Init(slipway_init::Options),
    #[command(after_help = run::EXAMPLES)]
    Run(run::Options),
    #[command(after_help = publish::EXAMPLES)]
    Publish(publish::Options),
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Options),
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::Options),
    #[command(after_help = accept_restore::EXAMPLES)]
    AcceptRestore(accept_restore::Options),
    /// Upload's inspection of a staged file, in a process of its own
    #[command(hide = true, disable_help_flag = true)]
    Inspect {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

impl Slipway {
    /// Does what was asked for. A failure is said on standard error with all its causes.
    pub(crate) fn execute(self) -> ExitCode {
        let outcome = match self.command {
            None => up::execute(&self.up),
            Some(Command::Up(options)) => up::execute(&options),
            Some(Command::Init(options)) => slipway_init::execute(&options),
            Some(Command::Run(options)) => run::execute(options),
            Some(Command::Publish(options)) => publish::execute(&options),
            Some(Command::Demo(options)) => demo::execute(&options),
            Some(Command::AcceptRestore(options)) => accept_restore::execute(&options),
            Some(Command::Verify(options)) => return verify::execute(&options),
            Some(Command::Inspect { arguments }) => {
                return slipway_upload::Upload::tool("inspect", &arguments)
                    .unwrap_or(ExitCode::FAILURE);
            }
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                terminal::note(format_args!("{error:#}"));
                ExitCode::FAILURE
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_every_subcommand_shows_examples() {
        let mut command = Slipway::command();
        command.build();
        command.clone().debug_assert();
        for shown in command
            .get_subcommands()
            .filter(|shown| !shown.is_hide_set() && shown.get_name() != "help")
        {
            let examples = shown
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                examples.contains(&format!("slipway {}", shown.get_name())),
                "{}",
                shown.get_name()
            );
        }
    }
}
