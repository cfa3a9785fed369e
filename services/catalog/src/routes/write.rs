//! How a request changes something: in one transaction its token is judged, the effect is made and the audit has it. Under
//! an `Idempotency-Key`, a request that is sent again, because its answer was lost, has its effect once.
//!
//! The key is remembered in the transaction of the effect, with what the answer is made from. A repetition skips the
//! effect, and its answer is made from the same: what it shows of a release is as that is now.

use http::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use slipway_contract::grant::Scope;
use slipway_runtime::clock;
use sqlx::AnyConnection;

use crate::error::Error;
use crate::permission::Actor;
use crate::refusal::Request as Refused;
use crate::state::CatalogState;
use crate::store::audit;
use crate::store::idempotency::{self as keys, Key};

/// Bytes of a key: a UUID and some prefix.
const MAX_KEY: usize = 200;

/// Who changes something, and what the token has to permit for it.
#[derive(Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) state: &'a CatalogState,
    pub(super) actor: &'a Actor,
    pub(super) scope: Scope,
    /// `None`: what belongs to no app.
    pub(super) app: Option<&'a str>,
}

/// What an effect has made.
pub(super) struct Done<T> {
    /// What the answer is made from.
    pub(super) made: T,
    /// `None` when nothing has changed.
    pub(super) audit: Option<Entry>,
}

/// What the audit has of an effect.
pub(super) struct Entry {
    /// `None`: what belongs to no app.
    pub(super) app: Option<String>,
    pub(super) action: &'static str,
    pub(super) subject: String,
    pub(super) reason: Option<String>,
}

impl Entry {
    pub(super) fn new(app: Option<&str>, action: &'static str, subject: &str) -> Self {
        Self {
            app: app.map(str::to_owned),
            action,
            subject: subject.to_owned(),
            reason: None,
        }
    }
}

/// A request that may be sent again.
#[derive(Clone, Copy)]
pub(super) struct Request<'a, B> {
    pub(super) headers: &'a HeaderMap,
    /// What is done, to what.
    pub(super) operation: &'a str,
    pub(super) body: &'a B,
}

impl Write<'_> {
    /// Makes an effect.
    pub(super) async fn run<T>(
        self,
        effect: impl AsyncFnOnce(&mut AnyConnection) -> Result<Done<T>, Error>,
    ) -> Result<T, Error> {
        let mut transaction = self.actor.change(self.state, self.scope, self.app).await?;
        let done = effect(&mut transaction).await?;
        self.audit(&mut transaction, done.audit).await?;
        self.state.commit(transaction).await?;
        Ok(done.made)
    }

    /// Makes an effect once. `again` reads what the answer is made from where a version that did not keep it has made the
    /// effect.
    pub(super) async fn once<T, B>(
        self,
        request: Request<'_, B>,
        effect: impl AsyncFnOnce(&mut AnyConnection) -> Result<Done<T>, Error>,
        again: impl AsyncFnOnce(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
        B: Serialize,
    {
        let key = self.key(request.headers)?;
        let mut transaction = self.actor.change(self.state, self.scope, self.app).await?;
        if let Some(key) = key {
            let digest = digest(&request)?;
            let now = clock::unix_millis();
            match keys::remember(&mut transaction, key, &digest, now).await? {
                None => {}
                Some(before) if before.request != digest => return Err(Refused::KeyReused.into()),
                Some(before) => {
                    return match before.answer {
                        Some(answer) => read(&answer),
                        None => again(&mut transaction).await,
                    };
                }
            }
        }
        let done = effect(&mut transaction).await?;
        self.audit(&mut transaction, done.audit).await?;
        if let Some(key) = key {
            keys::answer(&mut transaction, key, &text(&done.made)?).await?;
        }
        self.state.commit(transaction).await?;
        Ok(done.made)
    }

    /// The key of a request, if it has one.
    fn key<'k>(&'k self, headers: &'k HeaderMap) -> Result<Option<Key<'k>>, Refused> {
        let Some(key) = headers.get("idempotency-key") else {
            return Ok(None);
        };
        let key = key.to_str().ok();
        let key = key.filter(|key| !key.is_empty() && key.len() <= MAX_KEY);
        let key = key.ok_or(Refused::KeyInvalid)?;
        let token_id = &self.actor.grant.id;
        Ok(Some(Key { token_id, key }))
    }

    async fn audit(&self, db: &mut AnyConnection, entry: Option<Entry>) -> sqlx::Result<()> {
        let Some(entry) = entry else { return Ok(()) };
        let place = (entry.app.as_deref(), &*entry.subject);
        let by = self.actor.by();
        audit::insert_with_reason(db, by, entry.action, place, entry.reason.as_deref()).await
    }
}

fn digest<B: Serialize>(request: &Request<'_, B>) -> Result<String, Error> {
    let body = text(request.body)?;
    let text = format!("{}\n{body}", request.operation);
    Ok(hex::encode(Sha256::digest(text)))
}

fn text(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::from(anyhow::Error::new(error)))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::from(anyhow::Error::new(error)))
}
