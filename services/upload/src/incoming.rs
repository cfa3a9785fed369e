//! The bytes of one package on their way into a staged file, however they come.

use slipway_service::Problem;
use uuid::Uuid;

use crate::UploadState;
use crate::checksum::Checksum;
use crate::staging::{Retention, Staged, persist};
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
    ) -> Result<Self, Problem> {
        let id = Uuid::now_v7().to_string();
        let staged = state.staging.create(&id, Retention::Remove);
        let mut staged = staged.map_err(Problem::internal)?;
        staged.expect(checksums);
        Ok(Self {
            state,
            writer: Writer::start(staged).map_err(Problem::internal)?,
            received: 0,
        })
    }

    /// Takes the next bytes; `false` when the disk takes no more, which [`Self::finish`] tells.
    pub(crate) async fn append(&mut self, bytes: bytes::Bytes) -> Result<bool, Problem> {
        self.received += bytes.len() as u64;
        check_size(self.state, self.received)?;
        Ok(self.writer.append(bytes).await.is_ok())
    }

    /// The staged file, which is durable when this returns.
    pub(crate) async fn finish(self) -> Result<Staged, Problem> {
        let (mut staged, written) = self.writer.finish().await.map_err(Problem::internal)?;
        written.map_err(Problem::internal)?;
        if self.received == 0 {
            return Err(package_empty());
        }
        if !staged.is_as_expected() {
            return Err(Problem::unprocessable(
                "digest_mismatch",
                "the bytes that arrived do not have the digest that a header announces: send them again",
            ));
        }
        persist(staged).await.map_err(Problem::internal)
    }
}

pub(crate) fn check_size(state: &UploadState, bytes: u64) -> Result<(), Problem> {
    let most = state.settings.limits.package_bytes;
    if bytes <= most {
        return Ok(());
    }
    Err(Problem::new(
        http::StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!(
            "a package may have {most} bytes here: send a smaller one, or ask the operator to raise the limit"
        ),
    ))
}

pub(crate) fn package_empty() -> Problem {
    Problem::unprocessable(
        "package_empty",
        "the package has no bytes: look whether the path of the file is right, and send it with its content, as `curl -T FILE` does",
    )
}

pub(crate) fn truncated() -> Problem {
    Problem::bad_request(
        "body_unreadable",
        "the body ended before it was complete: send it again",
    )
}
