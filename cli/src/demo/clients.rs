//! A developer and a user of the demo. Both do what a good client does: what fails is tried again, a download goes on from
//! where it broke.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, RANGE};
use reqwest::{Body, Client, Response};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use slipway_runtime::http::client::http_client;
use slipway_signatures::minisign::verify_file;
use tokio_util::sync::CancellationToken;

use super::platform::Platform;
use super::sample::Sample;
use super::tally::Tally;

const APP: &str = "demo";
const FILE: &str = "sample.bin";
/// Pause before what failed is tried again.
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes of each publication in the loop.
const SMALL: usize = 100_000;
/// Bytes per second of the large download while services are killed, so that it is under way all the time.
const PACE: u32 = 6_000_000;

#[derive(Clone)]
pub(super) struct Publisher {
    client: Client,
    origin: String,
    token: String,
}

impl Publisher {
    pub(super) fn new(platform: &Platform) -> anyhow::Result<Self> {
        Ok(Self {
            client: http_client()?,
            origin: platform.origin.clone(),
            token: platform.token.clone(),
        })
    }

    pub(super) async fn make_app(&self) -> anyhow::Result<()> {
        let made = self
            .client
            .post(format!("{}/api/v1/apps", self.origin))
            .bearer_auth(&self.token)
            .json(&json!({"slug": APP, "name": "Demo"}))
            .send()
            .await?;
        ensure!(
            made.status().is_success(),
            "the app was refused: {}",
            made.text().await?
        );
        Ok(())
    }

    /// Publishes until told to stop.
    pub(super) async fn run(self, stop: CancellationToken, tally: Tally) -> anyhow::Result<()> {
        for number in 1_u32.. {
            let sample = Sample::new(format!("1.0.{number}"), SMALL);
            tokio::select! {
                published = self.publish(&sample, &tally) => published?,
                // What was not acknowledged was promised to nobody.
                () = stop.cancelled() => break,
            }
        }
        Ok(())
    }

    /// Sends one release until the platform says that it has it.
    pub(super) async fn publish(&self, sample: &Sample, tally: &Tally) -> anyhow::Result<()> {
        let address = format!(
            "{}/api/v1/apps/{APP}/packages/{FILE}?version={}&channel=stable&platform=any",
            self.origin, sample.version
        );
        loop {
            let pieces = stream::iter(sample.pieces().map(Ok::<_, std::io::Error>));
            let request = self.client.put(&address).bearer_auth(&self.token);
            let request = request
                .header(CONTENT_LENGTH, sample.size)
                .body(Body::wrap_stream(pieces));
            tally.count(|counted| counted.requests += 1);
            match request.send().await {
                Ok(answer) if answer.status().is_success() => {
                    tally.count(|counted| counted.acknowledged.push(sample.clone()));
                    return Ok(());
                }
                // Another try would be refused as well.
                Ok(answer) if is_final(answer.status()) => {
                    bail!("a publication was refused: {}", answer.text().await?)
                }
                _ => {}
            }
            tally.count(|counted| counted.failed += 1);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Fetches and proves every acknowledged release; what is not there after `patience` is lost.
    pub(super) async fn look_for_all(&self, tally: &Tally, patience: Duration) {
        let deadline = Instant::now() + patience;
        for sample in tally.read().acknowledged {
            let found = loop {
                match self.find(&sample).await {
                    Ok(Some(right)) => break Some(right),
                    Ok(None) | Err(_) if Instant::now() < deadline => {
                        tokio::time::sleep(PAUSE).await;
                    }
                    _ => break None,
                }
            };
            tally.count(|counted| match found {
                Some(true) => {}
                Some(false) => counted.wrong += 1,
                None => counted.lost += 1,
            });
        }
    }

    /// Whether what is served is what was released and proven by the app's key; `None` when it is not served.
    async fn find(&self, sample: &Sample) -> reqwest::Result<Option<bool>> {
        let address = address(&self.origin, sample);
        let (file, signature) = (
            self.get(&address).await?,
            self.get(&format!("{address}.minisig")).await?,
        );
        let key = self
            .get(&format!("{}/keys/{APP}/minisign.pub", self.origin))
            .await?;
        let (Some(file), Some(signature), Some(key)) = (file, signature, key) else {
            return Ok(None);
        };
        let (signature, key) = (signature.text().await?, key.text().await?);
        let bytes = file.bytes().await?;
        let right = Sha256::digest(&bytes).as_slice() == sample.sha256;
        Ok(Some(
            right && verify_file(&bytes[..], &signature, &key).is_ok(),
        ))
    }

    async fn get(&self, address: &str) -> reqwest::Result<Option<Response>> {
        let answer = self.client.get(address).send().await?;
        Ok((answer.status() == StatusCode::OK).then_some(answer))
    }
}

pub(super) struct Downloader {
    client: Client,
    address: String,
    sample: Sample,
}

impl Downloader {
    pub(super) fn new(platform: &Platform, sample: Sample) -> anyhow::Result<Self> {
        Ok(Self {
            client: http_client()?,
            address: address(&platform.origin, &sample),
            sample,
        })
    }

    /// Downloads the whole once, slowly until told to stop being slow, and compares it.
    pub(super) async fn run(self, hurry: CancellationToken, tally: Tally) {
        let mut hash = Sha256::new();
        let mut received = 0;
        while received < self.sample.size {
            tally.count(|counted| counted.requests += 1);
            if self.go_on(&mut received, &mut hash, &hurry).await.is_err() {
                tally.count(|counted| counted.failed += 1);
                tokio::time::sleep(PAUSE).await;
            }
        }
        if hash.finalize().as_slice() != self.sample.sha256 {
            tally.count(|counted| counted.wrong += 1);
        }
    }

    /// One request, from where the last one broke.
    async fn go_on(
        &self,
        received: &mut usize,
        hash: &mut Sha256,
        hurry: &CancellationToken,
    ) -> anyhow::Result<()> {
        let request = self.client.get(&self.address);
        let answer = request
            .header(RANGE, format!("bytes={received}-"))
            .send()
            .await?;
        ensure!(
            answer.status() == StatusCode::PARTIAL_CONTENT,
            "{}",
            answer.status()
        );
        let mut body = answer.bytes_stream();
        while let Some(piece) = body.next().await {
            let piece = piece?;
            hash.update(&piece);
            *received += piece.len();
            let pause = Duration::from_secs(1) * u32::try_from(piece.len())? / PACE;
            tokio::select! {
                () = hurry.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    }
}

/// A refusal that time does not change; a full disk is none of the platform's making.
fn is_final(status: StatusCode) -> bool {
    let passes = matches!(status.as_u16(), 408 | 421 | 425 | 429);
    (status.is_client_error() && !passes) || status == StatusCode::INSUFFICIENT_STORAGE
}

fn address(origin: &str, sample: &Sample) -> String {
    format!("{origin}/d/{APP}/{}/{FILE}", sample.version)
}
