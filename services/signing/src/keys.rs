//! The keys of apps: one key serves one role, one format and one app.
//!
//! An uploader chooses the bytes of a package, so a key that served two formats could be made to sign a message of the
//! one that is a valid message of the other.

use slipway_packages::Slug;
use slipway_service::{Problem, clock};
use slipway_signatures::minisign::{KeyId, SecretKey};

use crate::SigningState;
use crate::error::KeyMissing;
use crate::sealing::{SealingKey, Secret};
use crate::store::keys::{self, NewKey, Row};

/// What a key is for; it never changes, and the seal covers it.
pub(crate) struct Purpose<'a> {
    pub(crate) key_id: &'a str,
    pub(crate) role: Role,
    pub(crate) format: Format,
    pub(crate) app: &'a Slug,
}

#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Signs what an app publishes.
    Release,
}

#[derive(Clone, Copy)]
pub(crate) enum Format {
    Minisign,
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
        }
    }
}

impl Format {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Minisign => "minisign",
        }
    }
}

impl<'a> Purpose<'a> {
    /// The key that signs the releases of an app in minisign's format.
    pub(crate) fn release_minisign(key_id: &'a str, app: &'a Slug) -> Self {
        Self {
            key_id,
            role: Role::Release,
            format: Format::Minisign,
            app,
        }
    }

    /// One spelling for one purpose: in JSON no field can end early and begin another.
    fn canonical(&self) -> Vec<u8> {
        let fields = [
            "slipway key 1",
            self.key_id,
            self.role.as_str(),
            self.format.as_str(),
            self.app.as_str(),
        ];
        serde_json::Value::from(fields.as_slice())
            .to_string()
            .into_bytes()
    }
}

/// The app's key for minisign; it is made when it is missing. Of racing instances one makes it and all get it.
///
/// None is made for an app of which something was stated by a key that the database does not have: an older copy of the
/// database was put back, and users know that key.
pub(crate) async fn ensure(state: &SigningState, app: &Slug) -> Result<Row, Problem> {
    let present = of_app(state, app).await?;
    let id = present.as_ref().map(|key| &key.id);
    let known = state.files.keys_of(app.as_str());
    if let Some(missing) = known.into_iter().find(|known| Some(known) != id) {
        return Err(missing_key(app, Some(missing), id.cloned()));
    }
    if let Some(key) = present {
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
    named: [Option<&str>; 3],
) -> Result<Row, Problem> {
    let mut named = named.into_iter().flatten();
    match of_app(state, app).await? {
        Some(key) => match named.find(|id| *id != key.id) {
            Some(other) => Err(missing_key(app, Some(other.to_owned()), Some(key.id))),
            None => Ok(key),
        },
        None => Err(missing_key(app, named.next().map(str::to_owned), None)),
    }
}

fn missing_key(app: &Slug, key_id: Option<String>, instead: Option<String>) -> Problem {
    KeyMissing {
        app: app.to_string(),
        key_id,
        instead,
    }
    .into()
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
