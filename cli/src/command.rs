//! The command line as a whole: which subcommand does what, and how a failure is said.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::exit::{self, Exit};
use crate::terminal::Output;
use crate::{
    accept_restore, config, demo, download, openapi, publish, release, rollout, run, shell, status,
    terminal, up, verify,
};

const EXAMPLES: &str = "\
Examples:
  slipway up                                     start the whole platform on this machine
  slipway publish notes.apk --app notes          upload, sign and publish a package
  slipway download notes                         fetch it, and prove it
  slipway verify notes.apk --key minisign.pub    prove that a download is what was published";

/// Ship signed apps outside a store: one upload, and everybody can fetch and prove it
#[derive(Parser)]
#[command(name = "slipway", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Slipway {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(after_help = up::EXAMPLES)]
    Up(up::Options),
    #[command(after_help = slipway_init::EXAMPLES)]
    Init(slipway_init::Options),
    #[command(after_help = run::EXAMPLES)]
    Run(run::Options),
    #[command(after_help = with_codes(publish::EXAMPLES))]
    Publish(publish::Options),
    #[command(after_help = with_codes(release::EXAMPLES))]
    Release(release::Options),
    #[command(after_help = with_codes(download::EXAMPLES))]
    Download(download::Options),
    #[command(after_help = with_codes(verify::EXAMPLES))]
    Verify(verify::Options),
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::Options),
    #[command(after_help = accept_restore::EXAMPLES)]
    AcceptRestore(accept_restore::Options),
    #[command(after_help = with_codes(config::EXAMPLES))]
    Config(config::Options),
    #[command(after_help = status::EXAMPLES)]
    Status(status::Options),
    #[command(after_help = with_codes(rollout::EXAMPLES))]
    Rollout(rollout::Options),
    #[command(after_help = openapi::EXAMPLES)]
    Openapi(openapi::Options),
    #[command(after_help = shell::COMPLETIONS)]
    Completions(shell::Completions),
    /// Print the manual page
    #[command(after_help = shell::MANUAL)]
    Manual,
    /// Upload's inspection of a staged file, in a process of its own
    #[command(hide = true, disable_help_flag = true)]
    Inspect {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Reads the command line and does what it asks for.
pub(crate) fn execute(arguments: Vec<OsString>) -> ExitCode {
    let wants_json = wants_json(&arguments);
    match Slipway::try_parse_from(arguments) {
        Ok(slipway) => slipway.execute(),
        // 2 for what cannot be understood, and for no arguments at all: a script that forgot them must not pass.
        Err(error) => {
            let error = without_tip(error);
            if wants_json && error.use_stderr() {
                terminal::say_document(&exit::usage_document(&error));
            }
            error.exit()
        }
    }
}

/// Whether a document is asked for, on a command line that may not be understood otherwise.
fn wants_json(arguments: &[OsString]) -> bool {
    let options = arguments.iter().take_while(|word| *word != "--");
    options.into_iter().any(|word| word == "--json")
}

/// clap's tip for an option that it does not know is to write it behind `--`, where it would be taken for a file.
fn without_tip(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested) else {
        return error;
    };
    let good = tips
        .iter()
        .filter(|tip| !tip.to_string().contains("as a value"));
    let good: Vec<_> = good.cloned().collect();
    if error.kind() == ErrorKind::UnknownArgument {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(good));
    }
    error
}

impl Slipway {
    /// Does what was asked for. A failure is said on standard error with all its causes.
    fn execute(self) -> ExitCode {
        let outcome = match self.command {
            Command::Up(options) => up::execute(&options),
            Command::Init(options) => slipway_init::execute(&options),
            Command::Run(options) => run::execute(&options),
            Command::Publish(options) => {
                return reported(options.output, || publish::execute(&options));
            }
            Command::Release(options) => {
                return reported(options.output, || release::execute(&options));
            }
            Command::Demo(options) => demo::execute(&options),
            Command::AcceptRestore(options) => accept_restore::execute(&options),
            Command::Download(options) => {
                return reported(options.output, || download::execute(&options));
            }
            Command::Verify(options) => {
                return reported(options.output, || verify::execute(&options));
            }
            Command::Config(options) => {
                return reported(options.output, || config::execute(&options));
            }
            Command::Status(options) => {
                let mut well = true;
                let asked = || status::execute(&options).map(|told| well = told);
                let code = reported(options.output, asked);
                return if well { code } else { Exit::Failed.into() };
            }
            Command::Rollout(options) => {
                return reported(options.output, || rollout::execute(&options));
            }
            Command::Openapi(options) => openapi::execute(&options),
            Command::Completions(options) => {
                shell::completions(Self::command(), &options);
                Ok(())
            }
            Command::Manual => shell::manual(Self::command()).map_err(Into::into),
            Command::Inspect { arguments } => {
                return slipway_upload::inspect(&arguments);
            }
        };
        concluded(outcome)
    }
}

/// Runs what a script may call: a failure is a document too, where documents are asked for.
fn reported(output: Output, work: impl FnOnce() -> anyhow::Result<()>) -> ExitCode {
    output.begin();
    let outcome = work();
    if let (true, Err(error)) = (output.json, &outcome) {
        terminal::say_document(&exit::document(error));
    }
    concluded(outcome)
}

fn concluded(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::fail(format_args!("{error:#}"));
            Exit::of(&error).into()
        }
    }
}

fn with_codes(examples: &str) -> String {
    format!("{examples}\n\n{}", exit::CODES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_option_gets_no_tip_to_write_it_as_a_file() {
        let told = |arguments: &[&str]| {
            let error = Slipway::try_parse_from(arguments).err().expect("an error");
            without_tip(error).to_string()
        };
        let unknown = told(&["slipway", "publish", "a.apk", "--jsno"]);
        assert!(!unknown.contains("as a value"), "{unknown}");
        let near = told(&["slipway", "publish", "a.apk", "--chanel", "beta"]);
        assert!(near.contains("--channel"), "{near}");
        let near = told(&["slipway", "verfy"]);
        assert!(near.contains("verify"), "{near}");
    }

    #[test]
    fn a_usage_error_is_a_document_where_documents_are_asked_for() {
        let arguments = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert!(wants_json(&arguments(&["slipway", "publish", "--json"])));
        assert!(!wants_json(&arguments(&[
            "slipway", "publish", "--", "--json"
        ])));
        let error =
            Slipway::try_parse_from(["slipway", "publish", "a", "--app", "Notes", "--json"]);
        let document = exit::usage_document(&error.err().expect("an error"));
        let told = &document["error"];
        assert_eq!((&told["exit"], &told["code"]), (&2.into(), &"usage".into()));
        let detail = told["detail"].as_str().unwrap_or_default();
        assert!(detail.starts_with("invalid value 'Notes'"), "{detail}");
        assert!(!detail.contains('\n'), "{detail}");
    }

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
