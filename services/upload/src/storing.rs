//! From all bytes of a package to what is acknowledged: digest, inspection, its place in the store, and its rows.
//!
//! The order is what makes an acknowledgement last: the staged file is durable, then the list of its blocks, then its
//! rename, then the row of the package and the row that tells the catalog, in one transaction. A crash before the commit
//! leaves nothing that anybody was told of: a file in staging, or a blob without a row, which the same bytes use again.

mod place;

use std::path::PathBuf;

use slipway_contract::package::File;
use slipway_contract::{Digest, Facts, Target, Version, Word, contradiction};
use slipway_database::columns::Parsed;
use slipway_runtime::clock;
use uuid::Uuid;

use crate::error::Error;
use crate::parameters::Parameters;
use crate::permission::By;
use crate::rules::place::Asked;
use crate::rules::{body, package, session};
use crate::staging::Staged;
use crate::state::UploadState;
use crate::store::intents::Terms;
use crate::store::json::Document;
use crate::store::packages::Package;
use crate::store::state::State;
use crate::store::{outbox, packages, sessions};
use crate::{permission, quota};
use place::place;

pub(crate) use place::{Placed, check_place};

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

/// A package that survives the loss of power, and the intent that the catalog is going to be told.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) placed: Placed,
    pub(crate) channel: Option<String>,
    /// Where the outbox has it as long as the catalog has not been told.
    pub(crate) entry: String,
}

impl Stored {
    pub(crate) fn package(&self) -> &Package {
        self.placed.package()
    }
}

/// Makes a package of `whole`. `from` is the upload in pieces that it comes from.
pub(crate) async fn store(
    state: &UploadState,
    whole: Whole,
    parameters: &Parameters,
    by: &By,
    from: Option<&str>,
) -> Result<Stored, Error> {
    body::check_digest(parameters.sha256, whole.digest)?;
    let mut facts = state.inspection.facts(&whole.path, parameters).await?;
    let own = facts.version.as_deref();
    let contradicts = parameters.version.as_ref();
    let contradicts = contradicts.and_then(|version| contradiction(version, own));
    facts.warnings.extend(contradicts);
    let target = package::target(&mut facts, parameters)?;
    let version = package::version(&facts, parameters)?;
    package::check_odd(&facts, parameters)?;
    if let Some(version) = &version {
        let asked = Asked {
            version,
            filename: &parameters.filename,
            digest: Some(&whole.digest),
            token_id: &by.token_id,
        };
        let mut connection = state.database.read().await?;
        check_place(&mut connection, &by.app, &asked).await?;
    }
    let mut package = row(&whole, &facts, target, version, parameters, by)?;
    permission::judge(state, by, parameters.channel.is_some()).await?;
    // Until the rows are committed nobody refers to these bytes, and the sweep would take them.
    let kept = state.staging.keep(&whole.digest).await?;
    let kept = kept.ok_or(body::Refusal::StoreBusy)?;
    if let Some(staged) = whole.staged {
        let blocks = state.staging.promote(staged, &whole.digest).await?;
        package.blocks = Some(Parsed(blocks));
    } else if !state.staging.has_blob(&whole.digest)? {
        return Err(session::Refusal::BytesGone.into());
    }
    let stored = insert(state, package, parameters, by, from).await?;
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
    from: Option<&str>,
) -> Result<Stored, Error> {
    let channel = parameters.channel.as_ref().map(ToString::to_string);
    let terms = terms(parameters);
    let mut transaction = state.database.write().await?;
    packages::complete_keys(&mut transaction).await?;
    let before = quota::begin(&mut transaction, &by.app).await?;
    let placed = place(&mut transaction, package, parameters).await?;
    let package = placed.package();
    // What another token had sent before is this one's too from now on, which the catalog has to know.
    if package.state == State::Stored || channel.is_some() || package.token_id != by.token_id {
        let now = clock::unix_millis();
        // The entry is locked before the package, as a delivery does it: in the other order the two would wait for each
        // other, and PostgreSQL would end one of them.
        let intent = (package.id.as_str(), channel.as_deref());
        let requester = (by.token_id.as_str(), by.request_id.as_str());
        outbox::queue(&mut transaction, intent, requester, &terms, now).await?;
        packages::ask_again(&mut transaction, &package.id).await?;
    }
    if let Some(session) = from {
        sessions::became(&mut transaction, session, &package.id).await?;
    }
    quota::end(&mut transaction, &by.app, before).await?;
    transaction.commit().await?;
    Ok(Stored {
        entry: outbox::place(&package.id, channel.as_deref(), &by.token_id),
        placed,
        channel,
    })
}

fn terms(parameters: &Parameters) -> Terms {
    Terms {
        notes: parameters.notes.clone(),
        strict: parameters.strict,
        create_channel: parameters.create_channel,
    }
}

fn row(
    whole: &Whole,
    facts: &Facts,
    target: Target,
    version: Option<Version>,
    parameters: &Parameters,
    by: &By,
) -> Result<Package, Error> {
    Ok(Package {
        id: Uuid::now_v7().to_string(),
        app: by.app.parse().map_err(Error::internal)?,
        file: File {
            filename: parameters.filename.clone(),
            sha256: whole.digest,
            size: i64::try_from(whole.size).map_err(Error::internal)?,
            kind: Word::Known(facts.kind),
            platform: Word::Known(target.platform),
            arch: Word::Known(target.arch),
        },
        version_key: version.as_ref().map_or_else(
            || format!("sha256:{}", whole.digest),
            |version| version.order_key().to_owned(),
        ),
        version: version.map(|version| Parsed(Word::Known(version))),
        blocks: None,
        facts: Document(serde_json::to_value(facts).map_err(Error::internal)?),
        state: State::Stored,
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
