//! Who delivers, and who asks for a release: their tokens as they are in the caller's transaction. The rules of what is
//! delivered are [`crate::rules::delivery`].

use slipway_contract::Slug;
use slipway_contract::grant::{Grant, Scope};
use slipway_runtime::clock;
use sqlx::AnyConnection;

use crate::error::Error;
use crate::permission;
use crate::refusal;
use crate::rules::delivery::Delivered;
use crate::store::audit::By;
use crate::store::tokens;

/// Who uploaded or asked, for the audit.
pub(crate) struct Uploader {
    token_id: String,
    token_name: String,
    request_id: String,
}

impl Uploader {
    fn new(grant: Grant, request_id: &str) -> Self {
        Self {
            token_id: grant.id,
            token_name: grant.name,
            request_id: request_id.to_owned(),
        }
    }

    pub(crate) fn by(&self) -> By<'_> {
        By {
            token_id: &self.token_id,
            token_name: &self.token_name,
            request_id: &self.request_id,
        }
    }
}

/// Who uploaded: a token that is ours and permits it, under the name that it has here. It may have expired or been
/// revoked since: what was acknowledged before stays.
pub(crate) async fn uploader(
    db: &mut AnyConnection,
    delivery: &Delivered,
) -> Result<Uploader, Error> {
    let grant = tokens::by_id(db, &delivery.token_id)
        .await?
        .ok_or(refusal::Delivery::TokenUnknown)?;
    let app = Some(delivery.app.as_str());
    if grant.permit(Scope::Upload, app).is_err() {
        return Err(refusal::Delivery::TokenMayNotUpload.into());
    }
    Ok(Uploader::new(grant, &delivery.request_id))
}

/// Who has sent these bytes now, perhaps once more; `None` when the token may not upload any more.
pub(crate) async fn sender(
    db: &mut AnyConnection,
    delivery: &Delivered,
) -> Result<Option<Uploader>, Error> {
    let asks = &delivery.requested_by;
    let needed = (Scope::Upload, Some(delivery.app.as_str()));
    match permission::judge(db, &asks.token_id, needed, clock::unix_millis()).await {
        Ok(grant) => Ok(Some(Uploader::new(grant, &asks.request_id))),
        Err(error) => error.refusal().map(|_| None),
    }
}

/// Who asks for `version` in `channel`: a token that may release the app now, in the transaction that takes the intent. One
/// that has expired since the acknowledgement still may; one that was revoked may not, whatever was acknowledged.
pub(crate) async fn requester(
    db: &mut AnyConnection,
    delivery: &Delivered,
    (version, channel): (&str, &Slug),
) -> Result<Uploader, Error> {
    let asks = &delivery.requested_by;
    let at = delivery.judged_at(clock::unix_millis());
    let needed = (Scope::Release, Some(delivery.app.as_str()));
    match permission::judge(db, &asks.token_id, needed, at).await {
        Ok(grant) => Ok(Uploader::new(grant, &asks.request_id)),
        Err(error) => Err(refusal::Delivery::Intent {
            version: version.to_owned(),
            channel: channel.to_string(),
            why: error.refusal()?.detail,
        }
        .into()),
    }
}
