//! The gate: nothing is published that a download instance does not serve right.
//!
//! What the public would get is asked for over the same routes while the public gets 404: the whole body, one range, the
//! signature and the key. The signature is checked with a verifier that shares no code with the signing service, so
//! that one fault cannot both make and pass a bad signature.
//!
//! A release fails only for what no time mends: the signature that the catalog holds does not prove the bytes, or the
//! bytes are wrong when a download instance reads them once more for this question alone. All else may be one bad read, a
//! machine between, an instance that has just started or one of another version: then the release waits and is looked at
//! again, perhaps by way of another instance.

use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use http::Method;
use minisign_verify::{PublicKey, Signature};
use reqwest::Response;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use slipway_contract::{Code, Digest, public};
use slipway_peers::client::CallError;

use crate::state::CatalogState;
use crate::store::packages::Package;
use crate::store::releases::Release;

/// Bytes of the range that is asked for.
const RANGE: i64 = 1024;
/// A key and a signature are some hundred bytes.
const MAX_TEXT: usize = 64 * 1024;
/// Time without a byte of a body: an instance that hangs in the middle of one holds a worker.
const SILENCE: Duration = Duration::from_secs(10);

/// Why a package was not proven.
pub(crate) enum Verdict {
    /// It could not be looked at now, or what was served may be right another time.
    Waits(String),
    /// The bytes that were served are wrong; whether those in the store are is to be asked.
    Doubted(String),
    /// What would be served is not what was released.
    Refuted(String),
}

impl Verdict {
    fn waits(what: &str) -> Self {
        tracing::warn!(what, "the gate was served what it cannot prove");
        Self::Waits(format!("{what}; it is looked at again"))
    }
}

/// What a download instance has found at a reading of its own.
#[derive(Deserialize)]
struct Reread {
    /// In hex; `None` when there is no file.
    sha256: Option<Digest>,
    size: i64,
}

impl From<CallError> for Verdict {
    fn from(error: CallError) -> Self {
        // Download has read the file and will not serve it.
        if let CallError::Failed { code, .. } = &error
            && *code == Code::Damaged
        {
            return Self::Doubted("it is damaged in the store".to_owned());
        }
        tracing::info!(
            error = format!("{:#}", anyhow::Error::new(error)),
            "the gate could not read from download"
        );
        Self::Waits("waits for a download instance that serves it".to_owned())
    }
}

impl From<reqwest::Error> for Verdict {
    fn from(error: reqwest::Error) -> Self {
        tracing::info!(
            error = format!("{:#}", anyhow::Error::new(error)),
            "the gate lost a download"
        );
        Self::Waits("waits for a download instance that serves it whole".to_owned())
    }
}

/// Proves a package of a release as a user of the app, whose key is `app_key`, would get it.
pub(crate) async fn check(
    state: &CatalogState,
    release: &Release,
    package: &Package,
    app_key: &str,
) -> Result<(), Verdict> {
    match look(state, release, package, app_key).await {
        Err(Verdict::Doubted(reason)) => Err(read_again(state, package, reason).await),
        outcome => outcome,
    }
}

async fn look(
    state: &CatalogState,
    release: &Release,
    package: &Package,
    app_key: &str,
) -> Result<(), Verdict> {
    let path = public::file_path(
        release.app.as_str(),
        release.version.as_str(),
        package.file.filename.as_str(),
    );
    let key_text =
        text(get(state, &format!("/keys/{}/minisign.pub", release.app), None).await?).await?;
    let signature_text = text(get(state, &format!("{path}.minisig"), None).await?).await?;
    // Users have pinned the app's key: a signature by any other that is served with it would prove nothing to them.
    if key_text.trim() != app_key.trim() {
        return Err(Verdict::waits(
            "the key that is served is not the app's key",
        ));
    }
    let held = package.signature.as_deref().unwrap_or_default();
    if signature_text.trim() != held.trim() {
        return Err(Verdict::waits(
            "the signature that is served is not the one that was made",
        ));
    }
    let key = PublicKey::decode(&key_text)
        .map_err(|_| Verdict::waits("the app's key is not a minisign key"))?;
    let signature = Signature::decode(&signature_text).map_err(|_| {
        Verdict::Refuted("the signature that was made is not a minisign signature".to_owned())
    })?;
    check_comment(&signature, release, package)?;
    let first = check_body(get(state, &path, None).await?, package, &key, &signature).await?;
    check_range(state, &path, package, &first).await
}

/// Asks a download instance, which proves itself at every call, to read the file anew. Its word and what was served
/// together show that the bytes in the store are wrong; `reason` alone may be a fault on the way.
async fn read_again(state: &CatalogState, package: &Package, reason: String) -> Verdict {
    let path = format!("/internal/blobs/{}", package.file.sha256);
    let client = &state.peers.client;
    let read: Result<Reread, _> = client
        .call("download", Method::GET, &path, None::<&()>)
        .await;
    match read {
        Ok(Reread {
            sha256: Some(found),
            size,
        }) if found != package.file.sha256 || size != package.file.size => Verdict::Refuted(
            format!("{reason}: the store has {size} bytes with the SHA-256 {found} in its place"),
        ),
        Ok(Reread {
            sha256: Some(_), ..
        }) => Verdict::waits(&format!("{reason}, but the store has the right bytes")),
        Ok(Reread { sha256: None, .. }) => Verdict::waits("it is missing in the store"),
        Err(error) => {
            tracing::info!(
                error = format!("{:#}", anyhow::Error::new(error)),
                "no download instance has read a file again"
            );
            Verdict::waits(&format!(
                "{reason}, and no download instance has read it again"
            ))
        }
    }
}

/// The trusted comment names this file of this version of this app, so no signature can stand in for another.
fn check_comment(
    signature: &Signature,
    release: &Release,
    package: &Package,
) -> Result<(), Verdict> {
    let comment = signature.trusted_comment();
    let wanted = [
        format!("file:{}", package.file.filename),
        format!("version:{}", release.version),
        format!("app:{}", release.app),
        format!("sha256:{}", package.file.sha256),
    ];
    let size = format!("size:{}", package.file.size);
    let fields: Vec<&str> = comment.split('\t').collect();
    // What was signed before 0.5.0 does not say its size.
    let sized = |field: &&str| *field == size || !field.starts_with("size:");
    if fields.iter().all(sized) && wanted.iter().all(|field| fields.contains(&field.as_str())) {
        return Ok(());
    }
    Err(Verdict::Refuted(
        "the signature names another file, version, app or size".to_owned(),
    ))
}

/// Reads the body to its end: length, SHA-256, `Repr-Digest` and signature. Returns its first bytes.
async fn check_body(
    response: Response,
    package: &Package,
    key: &PublicKey,
    signature: &Signature,
) -> Result<Vec<u8>, Verdict> {
    let header = response.headers().get("repr-digest");
    let announced = header
        .and_then(|value| value.to_str().ok())
        .and_then(|value| Digest::from_repr_digest(value).ok());
    if announced != Some(package.file.sha256) {
        return Err(Verdict::waits("its Repr-Digest is missing or differs"));
    }
    let mut verifier = key
        .verify_stream(signature)
        .map_err(|_| Verdict::Refuted("the signature is not of the app's key".to_owned()))?;
    let mut hash = Sha256::new();
    let mut size = 0_i64;
    let mut first = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = next(&mut chunks).await? {
        let wanted = usize::try_from(RANGE)
            .unwrap_or(0)
            .saturating_sub(first.len());
        first.extend_from_slice(&chunk[..wanted.min(chunk.len())]);
        hash.update(&chunk);
        verifier.update(&chunk);
        size += i64::try_from(chunk.len()).unwrap_or(0);
    }
    if size != package.file.size {
        return Err(Verdict::Doubted(format!(
            "{size} bytes are served instead of {}",
            package.file.size
        )));
    }
    if Digest::from_bytes(hash.finalize().into()) != package.file.sha256 {
        return Err(Verdict::Doubted(
            "the bytes that are served differ from those that were uploaded".to_owned(),
        ));
    }
    verifier
        .finalize()
        .map_err(|_| Verdict::Refuted("the signature does not prove the bytes".to_owned()))?;
    Ok(first)
}

/// One range: the same bytes under 206.
async fn check_range(
    state: &CatalogState,
    path: &str,
    package: &Package,
    first: &[u8],
) -> Result<(), Verdict> {
    if package.file.size == 0 {
        return Ok(());
    }
    let last = RANGE.min(package.file.size) - 1;
    let response = get(state, path, Some(&format!("bytes=0-{last}"))).await?;
    if response.status() != http::StatusCode::PARTIAL_CONTENT {
        return Err(Verdict::waits("a range of it is not served as one"));
    }
    if response.bytes().await? != first {
        return Err(Verdict::waits("a range of it has other bytes"));
    }
    Ok(())
}

async fn get(state: &CatalogState, path: &str, range: Option<&str>) -> Result<Response, Verdict> {
    let path = format!("/internal/staged{path}");
    Ok(state.peers.client.get("download", &path, range).await?)
}

async fn text(response: Response) -> Result<String, Verdict> {
    let mut text = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = next(&mut chunks).await? {
        text.extend_from_slice(&chunk);
        if text.len() > MAX_TEXT {
            return Err(Verdict::waits(
                "a key or signature of absurd size is served",
            ));
        }
    }
    String::from_utf8(text)
        .map_err(|_| Verdict::waits("a key or signature that is no text is served"))
}

/// The next bytes of a body.
async fn next<Chunk>(
    chunks: &mut (impl Stream<Item = reqwest::Result<Chunk>> + Unpin),
) -> Result<Option<Chunk>, Verdict> {
    match tokio::time::timeout(SILENCE, chunks.next()).await {
        Ok(chunk) => Ok(chunk.transpose()?),
        Err(_) => Err(Verdict::waits(
            "a download instance stopped in the middle of it",
        )),
    }
}
