//! The gate: nothing is published that a download instance does not serve right.
//!
//! What the public would get is asked for over the same routes while the public gets 404: the whole body, one range, the
//! signature and the key. The signature is checked with a verifier that shares no code with the signing service, so
//! that one fault cannot both make and pass a bad signature.

use futures_util::StreamExt as _;
use minisign_verify::{PublicKey, Signature};
use reqwest::Response;
use sha2::{Digest as _, Sha256};
use slipway_packages::Digest;
use slipway_service::api;
use slipway_service::internal::client::CallError;

use crate::State;
use crate::store::packages::Package;
use crate::store::releases::Release;

/// Bytes of the range that is asked for.
const RANGE: i64 = 1024;
/// A key and a signature are some hundred bytes.
const MAX_TEXT: usize = 64 * 1024;

/// Why a package was not proven.
pub(crate) enum Halt {
    /// It could not be looked at now.
    Waits(String),
    /// What would be served is not what was released.
    Refuted(String),
}

impl From<CallError> for Halt {
    fn from(error: CallError) -> Self {
        // Download has read the file and will not serve it: waiting mends nothing.
        if let CallError::Failed { code, .. } = &error
            && code == "damaged"
        {
            return Self::Refuted("a file of it is damaged in the store".to_owned());
        }
        tracing::info!(
            error = format!("{:#}", anyhow::Error::new(error)),
            "the gate could not read from download"
        );
        Self::Waits("waits for a download instance that serves it".to_owned())
    }
}

impl From<reqwest::Error> for Halt {
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
    state: &State,
    release: &Release,
    package: &Package,
    app_key: &str,
) -> Result<(), Halt> {
    let path = api::file_path(&release.app, &release.version, &package.filename);
    let key_text =
        text(get(state, &format!("/keys/{}/minisign.pub", release.app), None).await?).await?;
    let signature_text = text(get(state, &format!("{path}.minisig"), None).await?).await?;
    // Users have pinned the app's key: a signature by any other that is served with it would prove nothing to them.
    if key_text.trim() != app_key.trim() {
        return Err(Halt::Refuted(
            "the key that is served is not the app's key".to_owned(),
        ));
    }
    let key = PublicKey::decode(&key_text)
        .map_err(|_| Halt::Refuted("the app's key is not a minisign key".to_owned()))?;
    let signature = Signature::decode(&signature_text).map_err(|_| {
        Halt::Refuted("the signature that is served is not a minisign signature".to_owned())
    })?;
    check_comment(&signature, release, package)?;
    let first = check_body(get(state, &path, None).await?, package, &key, &signature).await?;
    check_range(state, &path, package, &first).await
}

/// The trusted comment names this file of this version of this app, so no signature can stand in for another.
fn check_comment(signature: &Signature, release: &Release, package: &Package) -> Result<(), Halt> {
    let comment = signature.trusted_comment();
    let wanted = [
        format!("file:{}", package.filename),
        format!("version:{}", release.version),
        format!("app:{}", release.app),
        format!("sha256:{}", package.sha256),
    ];
    let fields: Vec<&str> = comment.split('\t').collect();
    if wanted.iter().all(|field| fields.contains(&field.as_str())) {
        return Ok(());
    }
    Err(Halt::Refuted(
        "the signature names another file, version or app".to_owned(),
    ))
}

/// Reads the body to its end: length, SHA-256, `Repr-Digest` and signature. Returns its first bytes.
async fn check_body(
    response: Response,
    package: &Package,
    key: &PublicKey,
    signature: &Signature,
) -> Result<Vec<u8>, Halt> {
    let header = response.headers().get("repr-digest");
    let announced = header
        .and_then(|value| value.to_str().ok())
        .and_then(|value| Digest::from_repr_digest(value).ok());
    if announced.map(|digest| digest.as_hex()).as_deref() != Some(package.sha256.as_str()) {
        return Err(Halt::Refuted(
            "its Repr-Digest is missing or differs".to_owned(),
        ));
    }
    let mut verifier = key
        .verify_stream(signature)
        .map_err(|_| Halt::Refuted("the signature is not of the app's key".to_owned()))?;
    let mut hash = Sha256::new();
    let mut size = 0_i64;
    let mut first = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        let wanted = usize::try_from(RANGE)
            .unwrap_or(0)
            .saturating_sub(first.len());
        first.extend_from_slice(&chunk[..wanted.min(chunk.len())]);
        hash.update(&chunk);
        verifier.update(&chunk);
        size += i64::try_from(chunk.len()).unwrap_or(0);
    }
    if size != package.size {
        return Err(Halt::Refuted(format!(
            "{size} bytes are served instead of {}",
            package.size
        )));
    }
    if Digest::from_bytes(hash.finalize().into()).as_hex() != package.sha256 {
        return Err(Halt::Refuted(
            "the bytes that are served differ from those that were uploaded".to_owned(),
        ));
    }
    verifier
        .finalize()
        .map_err(|_| Halt::Refuted("the signature does not prove the bytes".to_owned()))?;
    Ok(first)
}

/// One range: the same bytes under 206.
async fn check_range(
    state: &State,
    path: &str,
    package: &Package,
    first: &[u8],
) -> Result<(), Halt> {
    if package.size == 0 {
        return Ok(());
    }
    let last = RANGE.min(package.size) - 1;
    let response = get(state, path, Some(&format!("bytes=0-{last}"))).await?;
    if response.status() != http::StatusCode::PARTIAL_CONTENT {
        return Err(Halt::Refuted(
            "a range of it is not served as one".to_owned(),
        ));
    }
    if response.bytes().await? != first {
        return Err(Halt::Refuted("a range of it has other bytes".to_owned()));
    }
    Ok(())
}

async fn get(state: &State, path: &str, range: Option<&str>) -> Result<Response, Halt> {
    let path = format!("/internal/staged{path}");
    Ok(state.process.client.get("download", &path, range).await?)
}

async fn text(response: Response) -> Result<String, Halt> {
    let mut text = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        text.extend_from_slice(&chunk?);
        if text.len() > MAX_TEXT {
            return Err(Halt::Refuted(
                "a key or signature of absurd size is served".to_owned(),
            ));
        }
    }
    String::from_utf8(text)
        .map_err(|_| Halt::Refuted("a key or signature that is no text is served".to_owned()))
}
