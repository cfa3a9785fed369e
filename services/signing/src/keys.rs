//! The keys of apps, as rows: made when they are first asked for, and opened to sign.

use slipway_contract::Slug;
use slipway_runtime::clock;
use slipway_signatures::minisign::{KeyId, SecretKey};

use crate::error::Error;
use crate::present;
use crate::purpose::{Format, Purpose, Role};
use crate::sealing::{SealingKey, Secret};
use crate::state::SigningState;
use crate::store::keys::{self, NewKey, Row};

/// The app's key for minisign; it is made when it is missing. Of racing instances one makes it and all get it.
pub(crate) async fn ensure(state: &SigningState, app: &Slug) -> Result<Row, Error> {
    let present = of_app(state, app).await?;
    let stated = state.files.keys_of(app.as_str());
    if let Some(key) = present::given(app, present, |key| &key.id, &stated)? {
        return Ok(key);
    }
    let new = make(&state.sealing, app)?;
    let mut transaction = state.database.write().await?;
    let key = keys::insert(&mut transaction, &new).await?;
    transaction.commit().await?;
    if key.id == new.id {
        tracing::info!(%app, key_id = key.id, "made a signing key");
    }
    Ok(key)
}

/// The app's key, which must be each that is named: by the files of statements and by the catalog. It is never made:
/// users know the one that was given out, and a second one would sign what they cannot verify.
pub(crate) async fn present(
    state: &SigningState,
    app: &Slug,
    named: &[&str],
) -> Result<Row, Error> {
    let key = of_app(state, app).await?;
    Ok(present::named(app, key, |key| &key.id, named)?)
}

async fn of_app(state: &SigningState, app: &Slug) -> sqlx::Result<Option<Row>> {
    let mut connection = state.database.read().await?;
    let (role, format) = (Role::Release, Format::Minisign);
    keys::of_app(&mut connection, app.as_str(), role, format).await
}

/// Opens the key `key_id` of `app`. The purpose is what the caller needs, not what the row says of itself.
pub(crate) fn open(
    sealing: &SealingKey,
    key_id: &str,
    app: &Slug,
    sealed: &[u8],
) -> anyhow::Result<SecretKey> {
    let purpose = Purpose::release_minisign(key_id, app).canonical();
    let seed = sealing.open(&purpose, sealed)?;
    Ok(SecretKey::from_seed(key_id.parse()?, &seed))
}

fn make(sealing: &SealingKey, app: &Slug) -> anyhow::Result<NewKey> {
    let mut id = [0; 8];
    let mut seed = Secret::default();
    getrandom::fill(&mut id)?;
    getrandom::fill(seed.as_mut_slice())?;
    let id = KeyId::from_bytes(id);
    let key_id = id.to_string();
    let purpose = Purpose::release_minisign(&key_id, app);
    Ok(NewKey {
        role: purpose.role,
        format: purpose.format,
        app: app.to_string(),
        sealed: sealing.seal(&purpose.canonical(), &seed)?,
        public_key: SecretKey::from_seed(id, &seed).public_key().to_string(),
        created_at: clock::unix_millis(),
        id: key_id,
    })
}
