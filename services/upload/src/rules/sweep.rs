//! What of the store may go, decided for one digest at a time from what there is of it and who refers to it.
//!
//! A later reason to keep bytes is a [`Reference`], a later reason to let them go a [`Reason`].

use std::collections::BTreeMap;

use slipway_contract::{Digest, DigestError};

/// Who refers to a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A package of ours that is stored or delivered, or in a state that a later version knows.
    Package,
    /// A package that the catalog has yet to be told of.
    Delivery,
    /// An upload in pieces whose bytes are all there.
    Session,
    /// A file of a release, as the catalog says.
    Release,
    /// A package that the catalog has.
    CatalogPackage,
}

/// Why bytes go to the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Nobody refers to them: a refused package's, those of a lost race, or what a killed process left before its row.
    Unreferenced,
    /// The list of the blocks of bytes that are not there.
    ListAlone,
}

/// Who refers to what; the first who says so is named.
#[derive(Debug, Default)]
pub(crate) struct References(BTreeMap<Digest, Reference>);

impl References {
    /// Adds digests as they are in rows. One that is none is an error: nobody may take it for no reference.
    pub(crate) fn add(
        &mut self,
        digests: &[String],
        reference: Reference,
    ) -> Result<(), DigestError> {
        for digest in digests {
            self.0.entry(digest.parse()?).or_insert(reference);
        }
        Ok(())
    }

    pub(crate) fn to(&self, digest: &Digest) -> Option<Reference> {
        self.0.get(digest).copied()
    }
}

/// When the bytes of a digest and the list of their blocks were last changed, Unix milliseconds; `None` for what is not
/// there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) bytes: Option<i64>,
    pub(crate) list: Option<i64>,
}

impl Pair {
    /// Milliseconds since either was changed last. A change in the future is one of a wrong clock, and as far away as one
    /// in the past: else it would keep bytes for ever.
    fn age(&self, now: i64) -> Option<i64> {
        let ages = [self.bytes, self.list].into_iter().flatten();
        ages.map(|at| now.saturating_sub(at).saturating_abs()).min()
    }
}

/// What there is of a digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) place: Pair,
    pub(crate) trash: Pair,
}

impl Found {
    pub(crate) fn is_trashed(&self) -> bool {
        self.trash != Pair::default()
    }
}

/// How long something stays, milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// In its place, although nobody refers to it.
    pub(crate) young: i64,
    /// In the trash.
    pub(crate) trash: i64,
}

/// What becomes of a digest's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    ToTrash(Reason),
    /// Out of the trash, to where they are missing.
    Back(Reference),
    /// Out of the trash, for good.
    Remove,
}

/// `None` when everything stays as it is.
pub(crate) fn judge(
    found: &Found,
    reference: Option<Reference>,
    now: i64,
    times: Times,
) -> Option<Move> {
    if let Some(reference) = reference {
        return found.trash.age(now).map(|_| Move::Back(reference));
    }
    if let Some(age) = found.place.age(now) {
        let reason = match found.place.bytes {
            Some(_) => Reason::Unreferenced,
            None => Reason::ListAlone,
        };
        return (age >= times.young).then_some(Move::ToTrash(reason));
    }
    let age = found.trash.age(now)?;
    (age >= times.trash).then_some(Move::Remove)
}

#[cfg(test)]
mod tests;
