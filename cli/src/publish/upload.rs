//! The bytes on their way: a tus 1.0 client (<https://tus.io/protocols/resumable-upload>).
//!
//! What arrived is asked of the server after every trouble, never assumed.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode, Url};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::publication::Publication;
use super::resume::Resume;
use crate::server::Server;
use crate::server::failure::Failure;
use crate::server::retry::Attempts;
use crate::terminal::{self, Progress};

const PROTOCOL: (&str, &str) = ("tus-resumable", "1.0.0");
/// Bytes of one request. Small enough for proxies that keep a request before they pass it on, and large enough that the
/// pause between two requests does not show.
const PIECE: u64 = 64 * 1024 * 1024;
/// Bytes of one read.
const READ: usize = 256 * 1024;
/// Without a byte sent or an answer. After the last byte the platform inspects the file, which may take a while.
const STALLED: Duration = Duration::from_mins(2);
const TICK: Duration = Duration::from_millis(100);

pub(super) struct Upload<'a> {
    pub(super) server: &'a Server,
    pub(super) publication: &'a Publication<'a>,
}

impl Upload<'_> {
    /// Sends all that the server does not have yet, and returns the upload's address.
    pub(super) async fn send(&self, resume: &mut Resume) -> anyhow::Result<Url> {
        let size = self.publication.package.size;
        let mut attempts = Attempts::default();
        let (address, mut offset) = self.begin(resume, &mut attempts).await?;
        let mut progress = Progress::new("sending", size);
        if offset > 0 {
            progress.note(format_args!(
                "{} of {} are there already, going on",
                terminal::bytes(offset),
                terminal::bytes(size)
            ));
        }
        let mut known = true;
        while offset < size || !known {
            if !known {
                match self.offset(&address).await {
                    Ok(found) => (offset, known) = (found, true),
                    Err(failure) if failure.passes() => {
                        attempts.pause(failure, |line| progress.note(line)).await?;
                    }
                    Err(failure) => return Err(self.refused(failure, resume)),
                }
                continue;
            }
            match self.piece(&address, offset, &mut progress).await? {
                Ok(found) => {
                    offset = found;
                    progress.set(offset);
                    attempts.progressed();
                }
                Err(failure) if failure.passes() || failure.code() == Some("offset_differs") => {
                    known = false;
                    attempts.pause(failure, |line| progress.note(line)).await?;
                }
                Err(failure) => return Err(self.refused(failure, resume)),
            }
        }
        Ok(address)
    }

    /// The upload of an earlier run with what the server has of it, or a new one.
    async fn begin(
        &self,
        resume: &mut Resume,
        attempts: &mut Attempts,
    ) -> anyhow::Result<(Url, u64)> {
        if let Some(address) = resume.address() {
            let address = self.server.resolve(&address)?;
            loop {
                match self.offset(&address).await {
                    Ok(offset) => return Ok((address, offset)),
                    Err(failure) if failure.passes() => {
                        attempts.pause(failure, terminal::note).await?;
                    }
                    // Expired, or ended: there is no such upload any more.
                    Err(failure) if is_gone(&failure) => break,
                    Err(failure) => return Err(failure.into()),
                }
            }
        }
        loop {
            match self.create().await {
                Ok(address) => {
                    resume.keep(address.as_str())?;
                    return Ok((address, 0));
                }
                Err(failure) if failure.passes() => attempts.pause(failure, terminal::note).await?,
                Err(failure) => return Err(self.refused(failure, resume)),
            }
        }
    }

    async fn create(&self) -> Result<Url, Failure> {
        let url = self
            .server
            .resolve(&format!("/api/v1/apps/{}/uploads", self.publication.app))?;
        let request = self.tus(Method::POST, url);
        let request = request
            .header("upload-length", self.publication.package.size)
            .header("upload-metadata", self.publication.metadata());
        let answer = self.server.send(request).await?;
        let location = answer
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok());
        self.server.resolve(location.ok_or(Failure::Strange)?)
    }

    async fn offset(&self, address: &Url) -> Result<u64, Failure> {
        let answer = self
            .server
            .send(self.tus(Method::HEAD, address.clone()))
            .await?;
        offset_of(&answer)
    }

    /// Sends the next bytes and returns where the server stands then. The outer error is ours: the file cannot be read.
    async fn piece(
        &self,
        address: &Url,
        offset: u64,
        progress: &mut Progress,
    ) -> anyhow::Result<Result<u64, Failure>> {
        let path = &self.publication.package.path;
        let mut file = tokio::fs::File::open(path)
            .await
            .with_context(|| format!("could not open {}", path.display()))?;
        file.seek(std::io::SeekFrom::Start(offset)).await?;
        let length = PIECE.min(self.publication.package.size - offset);
        let sent = Arc::new(AtomicU64::new(0));
        let counter = sent.clone();
        let bytes = ReaderStream::with_capacity(file.take(length), READ).inspect(move |bytes| {
            let count = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
            counter.fetch_add(count, Ordering::Relaxed);
        });
        let request = self
            .tus(Method::PATCH, address.clone())
            .header("upload-offset", offset)
            .header(CONTENT_TYPE, "application/offset+octet-stream")
            .header(CONTENT_LENGTH, length)
            .body(Body::wrap_stream(bytes));
        let mut answer = pin!(request.send());
        let mut tick = tokio::time::interval(TICK);
        let mut last = (0, Instant::now());
        let answer = loop {
            tokio::select! {
                answer = &mut answer => break answer,
                _ = tick.tick() => {
                    let now = sent.load(Ordering::Relaxed);
                    if now != last.0 {
                        last = (now, Instant::now());
                        progress.set(offset + now);
                    } else if last.1.elapsed() > STALLED {
                        return Ok(Err(Failure::Stalled(STALLED)));
                    }
                }
            }
        };
        Ok(match self.server.accept(answer).await {
            Ok(answer) => offset_of(&answer),
            Err(failure) => Err(failure),
        })
    }

    fn tus(&self, method: Method, url: Url) -> RequestBuilder {
        self.server
            .request(method, url)
            .header(PROTOCOL.0, PROTOCOL.1)
    }

    /// What was refused for good is begun anew by the next run; a token that does not do is no reason for that.
    fn refused(&self, failure: Failure, resume: &Resume) -> anyhow::Error {
        let name = &self.publication.package.name;
        let Failure::Refused(problem) = failure else {
            return failure.into();
        };
        let tokens_fault = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        if !tokens_fault.contains(&problem.status) {
            resume.forget();
        }
        anyhow::Error::new(problem).context(format!("{name} was refused"))
    }
}

fn is_gone(failure: &Failure) -> bool {
    failure
        .status()
        .is_some_and(|status| status == StatusCode::NOT_FOUND || status == StatusCode::GONE)
}

fn offset_of(answer: &Response) -> Result<u64, Failure> {
    let offset = answer
        .headers()
        .get("upload-offset")
        .and_then(|value| value.to_str().ok());
    offset
        .and_then(|text| text.parse().ok())
        .ok_or(Failure::Strange)
}
