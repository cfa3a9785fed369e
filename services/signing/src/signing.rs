//! From a statement to its signature.
//!
//! 1. The statement is written down, or the one that is there is read: it fixes the bytes, the key and the time.
//! 2. The blob is read to its end and proves to be the one that is stated, before any key is opened.
//! 3. The message is built from the statement alone, signed, proven with the public key that users have, and kept.
//!
//! After a crash at any point the next request goes on from what is written. Ed25519 is deterministic, so it comes to
//! the same bytes, and so do instances that race.

use anyhow::{Context as _, ensure};
use slipway_service::{Problem, clock};
use slipway_signatures::minisign::{Prehash, verify_prehash};

use crate::error::StatementDiffers;
use crate::statement::Statement;
use crate::store::statements::Row;
use crate::{State, keys, store};

pub(crate) struct Signed {
    pub(crate) key_id: String,
    /// Text of the `.minisig`.
    pub(crate) signature: String,
}

/// The signature of a statement: the one that was made before, or a new one.
pub(crate) async fn sign(state: &State, statement: Statement) -> Result<Signed, Problem> {
    let key = keys::ensure(state, &statement.app).await?;
    let row = write_down(state, &statement, &key.id).await?;
    let key_id = row.key_id.clone();
    if let Some(signature) = row.signature {
        return Ok(Signed { key_id, signature });
    }
    let name = format!("{}/{}/{}", row.app, row.version_key, row.filename);
    let work = make(state.clone(), statement, row);
    let signature = state.flights.join(&state.process.tasks, name, work).await?;
    Ok(Signed { key_id, signature })
}

/// Writes the statement down unless the name is taken, and compares with what is there.
async fn write_down(state: &State, statement: &Statement, key_id: &str) -> Result<Row, Problem> {
    let new = statement.row(key_id, clock::unix_millis())?;
    let mut transaction = state.database.write().await?;
    let kept = store::statements::insert(&mut transaction, &new).await?;
    transaction.commit().await?;
    if kept.says_the_same_as(&new) {
        return Ok(kept);
    }
    Err(StatementDiffers(kept).into())
}

/// Makes and keeps a signature. It runs to its end also when whoever asked has gone: a large package takes longer to
/// read than a caller waits, and when it asks again the signature is there.
async fn make(state: State, statement: Statement, row: Row) -> Result<String, Problem> {
    let prehash = state
        .blobs
        .prehash(statement.sha256, statement.size)
        .await?;
    let mut connection = state.database.read().await?;
    let key = store::keys::get(&mut connection, &row.key_id).await?;
    drop(connection);
    let key = key.ok_or_else(|| Problem::internal("the key of a statement is not there"))?;
    let signature = sign_and_prove(&state, &statement, &row, &key, &prehash)?;
    let mut transaction = state.database.write().await?;
    let kept = store::statements::keep_signature(&mut transaction, &row, &signature).await?;
    transaction.commit().await?;
    tracing::info!(
        app = row.app,
        version = row.version,
        filename = row.filename,
        sha256 = row.sha256,
        key_id = row.key_id,
        "signed a package"
    );
    kept.ok_or_else(|| Problem::internal("a signature was not kept"))
}

/// Signs, and proves the text with the public key that users have before it can leave: against a fault of the machine,
/// and against a row whose two halves do not belong together.
fn sign_and_prove(
    state: &State,
    statement: &Statement,
    row: &Row,
    key: &store::keys::Row,
    prehash: &Prehash,
) -> anyhow::Result<String> {
    let comment = statement.comment(row);
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
