//! What the command says: results on standard output, all else on standard error. A reader that went away is no
//! reason to stop working, so what could not be written is let go.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const SENDING: &str = "sending";

/// Says a result.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Says how things are going, or why they do not.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "slipway: {line}");
}

/// Whether a person reads standard output, and nobody keeps it.
pub(crate) fn a_person_reads() -> bool {
    io::stdout().is_terminal()
}

/// Reads `file`, of `total` bytes, and shows on a terminal how far it has come.
pub(crate) fn reading<R: io::Read>(file: R, total: u64) -> impl io::Read {
    bar("reading", total).wrap_read(file)
}

/// Drawn on standard error, and hidden by indicatif when that is no terminal. It goes when it is dropped.
fn bar(what: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style =
        "{msg:10} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// How far an upload has come: a bar on a terminal, else a line at every 10 %.
pub(crate) struct Progress {
    bar: ProgressBar,
    total: u64,
    /// Tenths that were said in lines.
    said: u64,
}

impl Progress {
    /// Of `total` bytes.
    pub(crate) fn new(total: u64) -> Self {
        Self {
            bar: bar(SENDING, total),
            total,
            said: 0,
        }
    }

    /// Where it stands now, in bytes; it may go back.
    pub(crate) fn set(&mut self, done: u64) {
        self.bar.set_position(done);
        let tenth = (done * 10).checked_div(self.total).unwrap_or(10);
        if self.bar.is_hidden() && tenth > self.said {
            self.said = tenth;
            note(format_args!("{SENDING} {} %", tenth * 10));
        }
    }

    /// Says a line above the bar.
    pub(crate) fn note(&self, line: impl Display) {
        self.bar.suspend(|| note(line));
    }
}
