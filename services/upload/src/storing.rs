//! From all bytes of a package to what is acknowledged: digest, inspection, its place in the store, and its rows.
//!
//! The order is what makes an acknowledgement last: the staged file is durable, then the list of its blocks, then its
//! rename, then the row of the package and the row that tells the catalog, in one transaction. A crash before the commit
//! leaves nothing that anybody was told of: a file in staging, or a blob without a row, which the same bytes use again.

mod place;
mod target;

use std::path::PathBuf;

use http::StatusCode;
use slipway_packages::{Digest, Facts, Version, contradiction};
use slipway_service::{Problem, clock};
use uuid::Uuid;

use crate::parameters::Parameters;
use crate::staging::Staged;
use crate::store::intents::Terms;
use crate::store::packages::Package;
use crate::store::{outbox, packages, sessions};
use crate::{UploadState, permission, quota};
use place::place;

pub(crate) use place::check_place;
pub(crate) use target::check_name;

/// All bytes of a package, durable, and their digest.
pub(crate) struct Whole {
    pub(crate) path: PathBuf,
    pub(crate) digest: Digest,
    /// Bytes.
    pub(crate) size: u64,
    /// `None` when they have their place in the store already.
    pub(crate) staged: Option<Staged>,
}

impl From<Staged> for Whole {
    fn from(staged: Staged) -> Self {
        Self {
            path: staged.path().to_owned(),
            digest: staged.digest(),
            size: staged.length(),
            staged: Some(staged),
        }
    }
}

/// Who uploads, and where to.
#[derive(Clone, Debug)]
pub(crate) struct By {
    pub(crate) app: String,
    pub(crate) token_hash: String,
    pub(crate) token_id: String,
    pub(crate) token_name: String,
    pub(crate) request_id: String,
}

/// A package that survives the loss of power, and the intent that the catalog is going to be told.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) package: Package,
    pub(crate) channel: Option<String>,
    /// Where the outbox has it as long as the catalog has not been told.
    pub(crate) entry: String,
    /// 201, or 200 when the same bytes were there under this name and version, or others that gave way.
    pub(crate) status: StatusCode,
    /// SHA-256 in hex of those others.
    pub(crate) replaced: Option<String>,
}

/// Makes a package of `whole`. `session` is the upload in pieces that it comes from.
pub(crate) async fn store(
    state: &UploadState,
    whole: Whole,
    parameters: &Parameters,
    by: &By,
    session: Option<&str>,
) -> Result<Stored, Problem> {
    if let Some(expected) = &parameters.sha256
        && *expected != whole.digest
    {
        return Err(digest_mismatch(expected, &whole.digest));
    }
    let mut facts = state.inspection.facts(&whole.path, parameters).await?;
    let own = facts.version.as_deref();
    let contradicts = parameters.version.as_ref();
    let contradicts = contradicts.and_then(|version| contradiction(version, own));
    facts.warnings.extend(contradicts);
    let mut package = package(&whole, &mut facts, parameters, by)?;
    if parameters.strict {
        refuse_odd(&facts)?;
    }
    if let Some(version) = version(&facts, parameters)? {
        let mut connection = state.database.read().await?;
        let place = (&version, &parameters.filename);
        let asker = (&*by.app, &*by.token_id);
        check_place(&mut connection, asker, place, Some(&whole.digest)).await?;
    }
    permission::judge(state, by, parameters.channel.is_some()).await?;
    // Until the rows are committed nobody refers to these bytes, and the sweep would take them.
    let kept = state.staging.keep(&whole.digest).await?;
    if let Some(staged) = whole.staged {
        let blocks = state.staging.promote(staged, &whole.digest).await?;
        package.blocks = Some(blocks.as_hex());
    } else {
        state.staging.check_blob(&whole.digest)?;
    }
    let stored = insert(state, package, parameters, by, session).await?;
    drop(kept);
    state.outbox.raise();
    Ok(stored)
}

/// The rows, and what is there already in their place.
async fn insert(
    state: &UploadState,
    package: Package,
    parameters: &Parameters,
    by: &By,
    session: Option<&str>,
) -> Result<Stored, Problem> {
    let channel = parameters.channel.as_ref().map(ToString::to_string);
    let terms = terms(parameters);
    let mut transaction = state.database.write().await?;
    packages::complete_keys(&mut transaction).await?;
    let before = quota::begin(&mut transaction, &by.app).await?;
    let placed = place(&mut transaction, package, parameters, &by.token_id).await?;
    let (package, status, replaced) = (placed.package, placed.status, placed.replaced);
    // What another token had sent before is this one's too from now on, which the catalog has to know.
    if package.state == "stored" || channel.is_some() || package.token_id != by.token_id {
        let now = clock::unix_millis();
        // The entry is locked before the package, as a delivery does it: in the other order the two would wait for each
        // other, and PostgreSQL would end one of them.
        let intent = (package.id.as_str(), channel.as_deref());
        let requester = (by.token_id.as_str(), by.request_id.as_str());
        outbox::queue(&mut transaction, intent, requester, &terms, now).await?;
        packages::ask_again(&mut transaction, &package.id).await?;
    }
    if let Some(session) = session {
        sessions::became(&mut transaction, session, &package.id).await?;
    }
    quota::end(&mut transaction, &by.app, before).await?;
    transaction.commit().await?;
    Ok(Stored {
        entry: outbox::place(&package.id, channel.as_deref(), &by.token_id),
        package,
        channel,
        status,
        replaced,
    })
}

fn terms(parameters: &Parameters) -> Terms {
    Terms {
        notes: parameters.notes.clone(),
        strict: parameters.strict,
        create_channel: parameters.create_channel,
    }
}

fn package(
    whole: &Whole,
    facts: &mut Facts,
    parameters: &Parameters,
    by: &By,
) -> Result<Package, Problem> {
    let target = target::target(facts, parameters)?;
    let version = version(facts, parameters)?;
    Ok(Package {
        id: Uuid::now_v7().to_string(),
        app: by.app.clone(),
        filename: parameters.filename.to_string(),
        version_key: version.as_ref().map_or_else(
            || format!("sha256:{}", whole.digest),
            |version| version.order_key().to_owned(),
        ),
        version: version.map(|version| version.as_str().to_owned()),
        sha256: whole.digest.as_hex(),
        blocks: None,
        size: i64::try_from(whole.size).map_err(Problem::internal)?,
        kind: facts.kind.as_str().to_owned(),
        platform: target.platform.as_str().to_owned(),
        arch: target.arch.as_str().to_owned(),
        facts: serde_json::to_string(facts).map_err(Problem::internal)?,
        state: "stored".to_owned(),
        known_as: None,
        refused_status: None,
        refused_code: None,
        refused_detail: None,
        refused_entry: None,
        token_id: by.token_id.clone(),
        token_name: by.token_name.clone(),
        request_id: by.request_id.clone(),
        created_at: clock::unix_millis(),
    })
}

/// Refuses what the bytes alone tell to be odd, before anything of them is kept.
fn refuse_odd(facts: &Facts) -> Result<(), Problem> {
    if facts.warnings.is_empty() {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "strict_refused",
        format!(
            "with strict=true nothing odd is taken, and this is: {}. Mend it, or leave strict out",
            facts.warnings.join("; ")
        ),
    )
    .with_member("warnings", facts.warnings.clone()))
}

/// The version to release under: the one that was given, else for a channel the one in the bytes.
fn version(facts: &Facts, parameters: &Parameters) -> Result<Option<Version>, Problem> {
    if parameters.version.is_some() || parameters.channel.is_none() {
        return Ok(parameters.version.clone());
    }
    let read = facts.version.as_deref();
    match read.map(str::parse::<Version>) {
        Some(Ok(version)) => Ok(Some(version)),
        Some(Err(error)) => Err(version_missing(&format!(
            "the version in the package cannot be used: {error}"
        ))),
        None => Err(version_missing(&match &facts.native_version {
            Some(native) => format!(
                "the package calls itself {native}, which has no place in the order of versions"
            ),
            None => "the package carries no version".to_owned(),
        })),
    }
}

fn version_missing(why: &str) -> Problem {
    Problem::unprocessable(
        "version_missing",
        format!("{why}: give one, as ?version=1.2.3"),
    )
}

fn digest_mismatch(expected: &Digest, received: &Digest) -> Problem {
    Problem::unprocessable(
        "digest_mismatch",
        format!(
            "the bytes that arrived have the SHA-256 {received} and not {expected}: send them again"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::RawParameters;

    fn parameters(change: impl FnOnce(&mut RawParameters)) -> Parameters {
        let mut raw = RawParameters {
            filename: "notes.apk".to_owned(),
            ..RawParameters::default()
        };
        change(&mut raw);
        raw.parse().expect("good parameters")
    }

    fn facts(version: Option<&str>) -> Facts {
        Facts {
            version: version.map(str::to_owned),
            ..Facts::not_understood("w")
        }
    }

    #[test]
    fn a_version_in_the_bytes_counts_only_for_a_channel() {
        let read = facts(Some("1.2.3"));
        let text = |parameters: &Parameters| {
            version(&read, parameters)
                .unwrap()
                .map(|version| version.as_str().to_owned())
        };
        assert_eq!(text(&parameters(|_| {})), None);
        let channel = parameters(|raw| raw.channel = Some("stable".into()));
        assert_eq!(text(&channel).as_deref(), Some("1.2.3"));
        let tag = facts(Some("v1.2.3"));
        let tagged = version(&tag, &channel).unwrap();
        assert_eq!(tagged.as_ref().map(Version::as_str), Some("1.2.3"));
        let mut native = facts(None);
        native.native_version = Some("1:2.0-1".to_owned());
        let refusal = version(&native, &channel).expect_err("no version");
        assert!(refusal.detail.contains("1:2.0-1"), "{}", refusal.detail);
        for bytes in [None, Some("first of May")] {
            let refusal = version(&facts(bytes), &channel).expect_err("no version");
            assert_eq!(refusal.code, "version_missing");
        }
    }
}
