//! What the command says: results on standard output, all else on standard error. A reader that went away is no
//! reason to stop working, so what could not be written is let go.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{BinaryBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One for the process, as its standard error is.
static QUIET: AtomicBool = AtomicBool::new(false);

/// How much is said, and for whom.
#[derive(Clone, Copy, clap::Args)]
#[group(skip)]
pub(crate) struct Output {
    /// Print the result, or the failure, as one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing but warnings and failures (and the document of --json)
    #[arg(long, short, global = true)]
    quiet: bool,
}

impl Output {
    /// From here on; a document is read by a program, beside which a person may still read standard error.
    pub(crate) fn begin(self) {
        QUIET.store(self.quiet, Ordering::Relaxed);
    }

    /// Says the result: as a document, or in lines for people.
    pub(crate) fn tell(
        self,
        document: &serde_json::Value,
        lines: impl IntoIterator<Item = String>,
    ) {
        if self.json {
            say_document(document);
        } else if !self.quiet {
            lines.into_iter().for_each(say);
        }
    }
}

/// Says a result.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{}", harmless(&line.to_string()));
}

/// Says a document, in which JSON's own rules hold.
pub(crate) fn say_document(document: &serde_json::Value) {
    let _ = writeln!(io::stdout(), "{document}");
}

/// Words as a terminal may show them. A server's words, a package's warnings and the names of files are in them, and with
/// control characters those could clear the screen or write a success over a failure (terminal escape injection).
fn harmless(words: &str) -> Cow<'_, str> {
    let acts = |letter: char| letter != '\n' && letter.is_control();
    if !words.contains(acts) {
        return Cow::Borrowed(words);
    }
    let mut shown = String::with_capacity(words.len());
    for letter in words.chars() {
        if acts(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// Says how things are going.
pub(crate) fn note(line: impl Display) {
    if !QUIET.load(Ordering::Relaxed) {
        fail(line);
    }
}

/// Says what somebody should look at although it went well.
pub(crate) fn warn(line: impl Display) {
    fail(format_args!("warning: {line}"));
}

/// Says why it did not go well.
pub(crate) fn fail(line: impl Display) {
    let _ = writeln!(io::stderr(), "slipway: {}", harmless(&line.to_string()));
}

/// Asks the person at the terminal. `None`: nobody is there who could be asked.
pub(crate) fn ask(question: impl Display) -> Option<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let question = question.to_string();
    let _ = write!(io::stderr(), "slipway: {} Type yes: ", harmless(&question));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).ok()?;
    Some(matches!(answer.trim(), "yes" | "y"))
}

/// Whether a person reads standard output, and nobody keeps it.
pub(crate) fn a_person_reads() -> bool {
    io::stdout().is_terminal()
}

/// Reads `file`, of `total` bytes, and shows on a terminal how far it has come.
pub(crate) fn reading<R: io::Read>(file: R, total: u64) -> impl io::Read {
    bar("reading", total).wrap_read(file)
}

/// Bytes as people read them: `233.00 MiB`.
pub(crate) fn bytes(count: u64) -> impl Display {
    BinaryBytes(count)
}

/// Drawn on standard error, and hidden by indicatif when that is no terminal. It goes when it is dropped.
fn bar(what: &'static str, total: u64) -> ProgressBar {
    let target = if QUIET.load(Ordering::Relaxed) {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let style =
        "{msg:10} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// How far bytes have come on their way: a bar on a terminal, else a line at every 10 %.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    total: u64,
    /// Tenths that were said in lines.
    said: u64,
}

impl Progress {
    /// Of `total` bytes; `what` is `sending` or the like.
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        Self {
            bar: bar(what, total),
            what,
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
            note(format_args!("{} {} %", self.what, tenth * 10));
        }
    }

    /// Says a line above the bar.
    pub(crate) fn note(&self, line: impl Display) {
        self.bar.suspend(|| note(line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_cannot_act_on_the_terminal() {
        for (words, shown) in [
            (
                "gone\u{1b}[2J\u{9b}1A\r\tdone",
                "gone\\u{1b}[2J\\u{9b}1A\\r\\tdone",
            ),
            ("Grüße\n  日本", "Grüße\n  日本"),
        ] {
            assert_eq!(harmless(words), shown);
        }
    }
}
