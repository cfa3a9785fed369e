//! The text of a key or a signature, in a file.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::exit::Stop;

/// Bytes: a key and a signature have four lines at most, and minisign takes comments of 8 KiB.
pub(crate) const LONGEST: u64 = 32 * 1024;

/// Reads it, whole or not at all.
pub(crate) fn read(path: &Path) -> Result<String, Stop> {
    let shown = path.display();
    let whole = || {
        let mut text = String::new();
        let file = File::open(path)?;
        file.take(LONGEST + 1).read_to_string(&mut text)?;
        std::io::Result::Ok(text)
    };
    let text = whole().map_err(|error| Stop::usage(format!("could not read {shown}: {error}")))?;
    if text.len() as u64 > LONGEST {
        return Err(Stop::usage(format!(
            "{shown} is too long for a key or a signature"
        )));
    }
    Ok(text)
}
