//! The manifests in a zip.

use crate::{
    limits::Limits,
    source::{Fault, Source},
    zip::Archive,
};

/// What a reader of a manifest needs.
pub(super) struct Zipped<'z, 's, 'l> {
    pub(super) source: &'z mut Source<'s>,
    pub(super) archive: &'z Archive,
    pub(super) limits: &'l Limits,
}

impl Zipped<'_, '_, '_> {
    /// The bytes of a manifest, which has to be there.
    pub(super) fn manifest(&mut self, name: &[u8]) -> Result<Vec<u8>, Fault> {
        let bytes = self
            .archive
            .bytes(self.source, name, self.limits.manifest)?;
        bytes.ok_or_else(|| Fault::malformed("it is not there"))
    }

    /// The bytes of the manifest whose name `is` one.
    pub(super) fn manifest_that(&mut self, is: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, Fault> {
        let archive = self.archive;
        let name = archive.names().find(|name| is(name)).unwrap_or_default();
        self.manifest(name)
    }
}
