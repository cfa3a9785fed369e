//! The bytes of one package on their way into a staged file, however they come.

use uuid::Uuid;

use crate::checksum::Checksum;
use crate::error::Error;
use crate::rules::body;
use crate::staging::{Retention, Staged, persist};
use crate::state::UploadState;
use crate::writer::Writer;

/// What is dropped before [`Incoming::finish`] leaves nothing.
pub(crate) struct Incoming<'a> {
    state: &'a UploadState,
    writer: Writer,
    received: u64,
}

impl<'a> Incoming<'a> {
    /// Begins a package whose bytes must have these checksums.
    pub(crate) fn start(
        state: &'a UploadState,
        checksums: impl IntoIterator<Item = Checksum>,
    ) -> Result<Self, Error> {
        let id = Uuid::now_v7().to_string();
        let mut staged = state.staging.create(&id, Retention::Remove)?;
        staged.expect(checksums);
        Ok(Self {
            state,
            writer: Writer::start(staged)?,
            received: 0,
        })
    }

    /// Takes the next bytes; `false` when the disk takes no more, which [`Self::finish`] tells.
    pub(crate) async fn append(&mut self, bytes: bytes::Bytes) -> Result<bool, Error> {
        self.received += bytes.len() as u64;
        body::check_size(
            self.state.settings.now().limits.package_bytes,
            self.received,
        )?;
        Ok(self.writer.append(bytes).await.is_ok())
    }

    /// The staged file, which is durable when this returns.
    pub(crate) async fn finish(self) -> Result<Staged, Error> {
        let (mut staged, written) = self.writer.finish().await?;
        written?;
        if self.received == 0 {
            return Err(body::Refusal::Empty.into());
        }
        if !staged.is_as_expected() {
            return Err(body::Refusal::DigestMismatch(None).into());
        }
        Ok(persist(staged).await?)
    }
}
