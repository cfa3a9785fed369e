//! Zip archives: the central directory, and single entries out of it.
//!
//! Our own reader, since the rules need what libraries smooth over: entries of the same name, and the
//! bytes that each entry claims. Format: PKWARE APPNOTE.TXT 6.3.10.

mod archive;
mod directory;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod rules;

pub(crate) use self::archive::{Archive, END_RECORD, LOCAL_HEADER};

use slipway_contract::Kind;

use crate::{
    limits::Limits,
    source::{Fault, Source},
};

/// Whether a zip ends here; its beginning can be anything.
pub(crate) fn ends_as_one(source: &mut Source<'_>) -> Result<bool, Fault> {
    directory::ends_here(source)
}

impl Archive {
    /// Reads the directory and holds it against every rule that does not depend on the kind.
    pub(crate) fn open(source: &mut Source<'_>, limits: &Limits) -> Result<Self, Fault> {
        let archive = directory::read(source, limits)?;
        rules::check(&archive, source.length(), limits)?;
        archive.entries_are_there(source, limits)?;
        Ok(archive)
    }

    /// What is odd about its names in a package of this kind, in words; [`Fault::Refused`] where it is more than odd.
    pub(crate) fn oddities(&self, kind: Kind) -> Result<Vec<String>, Fault> {
        rules::oddities(self, kind)
    }
}
