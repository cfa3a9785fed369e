//! What the command says: results on standard output, all else on standard error. A reader that went away is no
//! reason to stop working, so what could not be written is let go.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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

/// How far something with a known length has come: a bar on a terminal, else a line at every 10 %. The bar goes when
/// this is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    total: u64,
    done: u64,
    /// Tenths that were said in lines; `None` says none.
    said: Option<u64>,
}

impl Progress {
    /// Of `total` bytes; `what` is a verb such as `sending`.
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        // Drawn on standard error, and hidden by indicatif when that is no terminal.
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let style =
            "{msg:10} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            what,
            total,
            done: 0,
            said: Some(0),
        }
    }

    /// A bar on a terminal, else nothing: for what takes seconds.
    pub(crate) fn quiet(what: &'static str, total: u64) -> Self {
        Self {
            said: None,
            ..Self::new(what, total)
        }
    }

    /// Where it stands now, in bytes; it may go back.
    pub(crate) fn set(&mut self, done: u64) {
        self.done = done;
        self.bar.set_position(done);
        let tenth = (done * 10).checked_div(self.total).unwrap_or(10);
        if self.bar.is_hidden() && self.said.is_some_and(|said| tenth > said) {
            self.said = Some(tenth);
            note(format_args!("{} {} %", self.what, tenth * 10));
        }
    }

    pub(crate) fn add(&mut self, bytes: u64) {
        self.set(self.done + bytes);
    }

    /// Says a line above the bar.
    pub(crate) fn note(&self, line: impl Display) {
        self.bar.suspend(|| note(line));
    }
}
