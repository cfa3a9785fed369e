//! What a shell and `man` know of the command, made from its own options.

use std::io;

use clap::Command;
use clap_complete::Shell;

pub(crate) const COMPLETIONS: &str = "\
Examples:
  slipway completions bash > /usr/share/bash-completion/completions/slipway
  slipway completions fish > ~/.config/fish/completions/slipway.fish";

pub(crate) const MANUAL: &str = "\
Examples:
  slipway manual > /usr/local/share/man/man1/slipway.1";

/// Print the completions of a shell
#[derive(clap::Args)]
pub(crate) struct Completions {
    shell: Shell,
}

/// Prints them on standard output.
pub(crate) fn completions(mut command: Command, options: &Completions) {
    let mut whole = Vec::new();
    clap_complete::generate(options.shell, &mut command, "slipway", &mut whole);
    print(&whole);
}

/// Prints the manual page on standard output: the command, then each subcommand.
pub(crate) fn manual(mut command: Command) -> io::Result<()> {
    command.build();
    let mut whole = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut whole)?;
    for shown in command
        .get_subcommands()
        .filter(|shown| !shown.is_hide_set())
    {
        let page = clap_mangen::Man::new(shown.clone());
        page.render_synopsis_section(&mut whole)?;
        page.render_description_section(&mut whole)?;
        page.render_options_section(&mut whole)?;
        page.render_extra_section(&mut whole)?;
    }
    print(&whole);
    Ok(())
}

/// A reader that went away is no failure.
fn print(whole: &[u8]) {
    let _ = io::Write::write_all(&mut io::stdout(), whole);
}
