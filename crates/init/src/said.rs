//! What is said on standard output and standard error.

use std::fmt::Display;
use std::io::{self, Write as _};

use slipway_runtime::data::DataDir;

/// Drops what a copied or moved folder remembers of another place, and says so.
pub fn notice_move(data: &DataDir) -> anyhow::Result<()> {
    if let Some(moved) = data.notice_move()? {
        note(moved);
    }
    Ok(())
}

/// Says a result. A reader that went away is no reason to stop.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Says how things are going, or why they do not.
pub(super) fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "slipway: {line}");
}
