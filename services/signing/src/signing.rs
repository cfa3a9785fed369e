//! From a statement to its signature.
//!
//! 1. The files of the statement are looked at: they are there also when the database is an older copy.
//! 2. The statement becomes a row, or the row that is there is read: it fixes the bytes, the key and the time.
//! 3. It becomes a file, which no older copy of the database takes back. What that says is the statement from here on.
//! 4. The blob is read to its end and proves to be the one that is stated, before any key is opened.
//! 5. The message is built from the statement alone, signed, proven with the public key that users have, and kept.
//!
//! After a crash at any point the next request goes on from what is written. Ed25519 is deterministic, so it comes to
//! the same bytes, and so do instances that race.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use futures_util::TryFutureExt as _;
use slipway_contract::Version;
use slipway_runtime::{Problem, clock};
use slipway_signatures::minisign::{Prehash, verify_prehash};

use crate::error::Error;
use crate::state::SigningState;
use crate::statement::{Position, Stated, Statement};
use crate::store::statements::Row;
use crate::taken::{self, Filed};
use crate::time::Clocks;
use crate::{keys, store};

pub(crate) struct Signed {
    pub(crate) key_id: String,
    /// Text of the `.minisig`.
    pub(crate) signature: String,
}

/// The signature of a statement: the one that was made before, or a new one.
pub(crate) async fn sign(state: &SigningState, statement: Statement) -> Result<Signed, Error> {
    let Written { position, row } = write_down(state, &statement).await?;
    let Row { stated, signature } = row;
    let key_id = stated.key_id.clone();
    if let Some(signature) = signature {
        return Ok(Signed { key_id, signature });
    }
    let name = format!("{}/{}/{}", stated.app, stated.version, stated.filename);
    let work = make(state.clone(), statement, position, stated).map_err(Problem::from);
    let signature = state
        .single_flight
        .join(&state.process.tasks, name, work)
        .await?;
    Ok(Signed { key_id, signature })
}

/// What the files say under the name of a statement.
async fn filed(state: &SigningState, statement: &Statement) -> Result<Filed, Error> {
    let (first, further) = (
        statement.place(Position::First),
        statement.place(Position::Further),
    );
    Ok(Filed {
        first: state.files.read(first).await?,
        further: state.further.read(further).await?,
    })
}

/// What is written down of a statement.
struct Written {
    position: Position,
    row: Row,
}

/// Writes the statement down, as a row and as a file, unless the name is taken, and compares with what is there.
async fn write_down(state: &SigningState, statement: &Statement) -> Result<Written, Error> {
    let filed = filed(state, statement).await?;
    let version = &statement.version;
    let named = filed.keys(version).chain(statement.key_id.as_deref());
    let named: Vec<&str> = named.collect();
    let key = keys::present(state, &statement.app, &named).await?;
    // What is stated already has its time.
    let now = match filed.about(version) {
        Some(filed) => filed.stated_at,
        None => time_to_state(state, statement)?,
    };
    let wanted = statement.stated(Position::First, &key.id, now)?;
    let written = insert(state, version, &filed, &wanted).await?;
    taken::same(&written.row.stated, &wanted)?;
    Ok(written)
}

/// The first statement under the name, and behind it the further one where the first is about a version with another
/// build, each as a row and then as a file.
async fn insert(
    state: &SigningState,
    version: &Version,
    filed: &Filed,
    wanted: &Stated,
) -> Result<Written, Error> {
    let mut transaction = state.database.write().await?;
    let first = filed.first(wanted);
    let first = store::statements::insert(&mut transaction, Position::First, &first).await?;
    let Some(further) = filed.further(&first.stated, version, wanted) else {
        transaction.commit().await?;
        let stated = state.files.keep(&first.stated).await?;
        return Ok(Written {
            position: Position::First,
            row: Row { stated, ..first },
        });
    };
    let further = store::statements::insert(&mut transaction, Position::Further, &further).await?;
    transaction.commit().await?;
    state.files.keep(&first.stated).await?;
    let stated = state.further.keep(&further.stated).await?;
    Ok(Written {
        position: Position::Further,
        row: Row { stated, ..further },
    })
}

/// Now, unless the clock is wrong.
fn time_to_state(state: &SigningState, statement: &Statement) -> Result<i64, Error> {
    let clocks = Clocks {
        ours: clock::unix_millis(),
        catalog: statement.now,
        registry: state.peers.registry_time.now(),
    };
    let checked = state.past.check(clocks, Instant::now());
    Ok(checked.inspect_err(|wrong| tracing::warn!(%wrong, "nothing new is stated"))?)
}

/// Makes and keeps a signature. It runs to its end also when whoever asked has gone: a large package takes longer to
/// read than a caller waits, and when it asks again the signature is there.
async fn make(
    state: SigningState,
    statement: Statement,
    position: Position,
    stated: Stated,
) -> Result<String, Error> {
    let prehash = state
        .blobs
        .prehash(statement.sha256, statement.size)
        .await?;
    let mut connection = state.database.read().await?;
    let key = store::keys::get(&mut connection, &stated.key_id).await?;
    drop(connection);
    let key = key.ok_or_else(|| Error::internal("the key of a statement is not there"))?;
    let signature = sign_and_prove(&state, &statement, &stated, &key, &prehash)?;
    let mut transaction = state.database.write().await?;
    let kept =
        store::statements::keep_signature(&mut transaction, position, &stated, &signature).await?;
    transaction.commit().await?;
    tracing::info!(
        app = stated.app,
        version = stated.version,
        filename = stated.filename,
        sha256 = stated.sha256,
        key_id = stated.key_id,
        "signed a package"
    );
    kept.ok_or_else(|| Error::internal("a signature was not kept"))
}

/// Signs, and proves the text with the public key that users have before it can leave: against a fault of the machine,
/// and against a row whose two halves do not belong together.
fn sign_and_prove(
    state: &SigningState,
    statement: &Statement,
    stated: &Stated,
    key: &store::keys::Row,
    prehash: &Prehash,
) -> anyhow::Result<String> {
    let comment = statement.comment(stated);
    let secret = keys::open(&state.sealing, &key.id, &statement.app, &key.sealed)
        .with_context(|| format!("the key {} of {} cannot be used", key.id, statement.app))?;
    let signature = secret.sign(prehash, &comment);
    let proven = verify_prehash(prehash, &signature, &key.public_key)
        .context("a new signature was not proven by the app's public key")?;
    ensure!(
        proven.statement == Some(comment),
        "a new signature does not say what was to be signed"
    );
    Ok(signature)
}
