//! The bytes on their way to `NAME.part`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Method, Response, StatusCode, Url};
use slipway_runtime::data::sync_folder;

use crate::exit::{Exit, Stop};
use crate::server::Server;
use crate::server::failure::Failure;
use crate::server::retry::Attempts;
use crate::terminal::{self, Progress};

/// Without a byte.
const STALLED: Duration = Duration::from_mins(1);

/// A file that has no name yet. It is locked, so that two runs do not write into one.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    /// Bytes that are there.
    length: u64,
    /// Whether some were there before this run.
    resumed: bool,
}

impl Part {
    pub(super) fn open(out: &Path) -> anyhow::Result<Self> {
        let mut path = out.to_owned().into_os_string();
        path.push(".part");
        let path = PathBuf::from(path);
        let shown = path.display();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| Stop::usage(format!("could not write {shown}: {error}")))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let words = format!("another `slipway download` writes {shown}: wait for that one");
                return Err(Stop::new(Exit::Failed, "busy", words).into());
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).context(format!("could not lock {shown}"));
            }
        }
        let length = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            length,
            resumed: length > 0,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn was_resumed(&self) -> bool {
        self.resumed
    }

    pub(super) fn begin_anew(&mut self) -> anyhow::Result<()> {
        self.file.set_len(0)?;
        (self.length, self.resumed) = (0, false);
        Ok(())
    }

    /// Removes what is no use to a later run; it may be gone already.
    pub(super) fn discard(&self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Gives it its name, with its signature beside it.
    pub(super) fn name(self, out: &Path, signature: &str) -> anyhow::Result<()> {
        put_beside(out, signature)?;
        let name = || {
            self.file.sync_all()?;
            fs::rename(&self.path, out)?;
            match out.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => sync_folder(folder),
                _ => sync_folder(Path::new(".")),
            }
        };
        name().with_context(|| format!("could not write {}", out.display()))
    }

    /// Fetches what is not there yet; `size` is what the signature says of the whole, in bytes.
    pub(super) async fn fetch(
        &mut self,
        server: &Server,
        url: &Url,
        size: Option<u64>,
    ) -> anyhow::Result<()> {
        if self.length > 0 {
            terminal::note(format_args!(
                "{} are there already, going on",
                terminal::bytes(self.length)
            ));
        }
        let mut attempts = Attempts::default();
        let mut progress = None;
        loop {
            let before = self.length;
            match self.fetch_once(server, url, size, &mut progress).await? {
                Ok(()) => return Ok(()),
                Err(failure) if failure.passes() => {
                    if self.length > before {
                        attempts.progressed();
                    }
                    attempts.pause(failure, terminal::note).await?;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// The outer error is ours: the file cannot be written.
    async fn fetch_once(
        &mut self,
        server: &Server,
        url: &Url,
        size: Option<u64>,
        progress: &mut Option<Progress>,
    ) -> anyhow::Result<Result<(), Failure>> {
        let mut request = server.request(Method::GET, url.clone());
        if self.length > 0 {
            request = request.header(RANGE, format!("bytes={}-", self.length));
        }
        let answer = match server.answer(request).await {
            Ok(answer) => answer,
            Err(failure) => return Ok(Err(failure)),
        };
        if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            let total = total_of_range(&answer);
            if total.is_some() && total == Some(self.length) {
                return Ok(Ok(()));
            }
            self.begin_anew()?;
            return Ok(Err(Failure::Changed));
        }
        let mut answer = match server.accept(Ok(answer)).await {
            Ok(answer) => answer,
            Err(failure) => return Ok(Err(failure)),
        };
        let Some(total) = self.begin_body(&answer)? else {
            return Ok(Err(Failure::Strange));
        };
        if let Some(size) = size
            && total != size
        {
            let words = format!(
                "NOT PROVEN: the server sends {total} bytes, and the signature is of {size}: nothing was kept"
            );
            self.discard();
            return Err(Stop::new(Exit::Failed, "not_proven", words).into());
        }
        let progress = progress.get_or_insert_with(|| Progress::new("receiving", total));
        while self.length < total {
            let bytes = match tokio::time::timeout(STALLED, answer.chunk()).await {
                Err(_) => return Ok(Err(Failure::Stalled(STALLED))),
                Ok(Err(error)) => return Ok(Err(Failure::of(server.origin(), error))),
                Ok(Ok(None)) => return Ok(Err(Failure::Short)),
                Ok(Ok(Some(bytes))) => bytes,
            };
            let shown = self.path.display();
            self.file
                .write_all(&bytes)
                .with_context(|| format!("could not write {shown}"))?;
            self.length += bytes.len() as u64;
            progress.set(self.length);
        }
        Ok(Ok(()))
    }

    /// Stands where the body begins, and returns the length of the whole. A server that sends all of it is taken at that.
    fn begin_body(&mut self, answer: &Response) -> anyhow::Result<Option<u64>> {
        let is_rest = answer.status() == StatusCode::PARTIAL_CONTENT;
        if !is_rest {
            self.begin_anew()?;
        } else if range_start(answer) != Some(self.length) {
            return Ok(None);
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        Ok(if is_rest {
            total_of_range(answer)
        } else {
            answer.content_length()
        })
    }
}

/// Puts a file's signature beside it, where `slipway verify` and `minisign` look for it.
pub(super) fn put_beside(out: &Path, signature: &str) -> anyhow::Result<()> {
    let mut beside = out.to_owned().into_os_string();
    beside.push(".minisig");
    let shown = PathBuf::from(&beside);
    fs::write(&beside, signature).with_context(|| format!("could not write {}", shown.display()))
}

/// `Content-Range: bytes 7-9/10` (RFC 9110 part 14.4).
fn content_range(answer: &Response) -> Option<(&str, &str)> {
    let value = answer.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    value.strip_prefix("bytes ")?.split_once('/')
}

fn total_of_range(answer: &Response) -> Option<u64> {
    content_range(answer)?.1.parse().ok()
}

fn range_start(answer: &Response) -> Option<u64> {
    content_range(answer)?.0.split_once('-')?.0.parse().ok()
}
