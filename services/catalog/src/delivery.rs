//! What upload delivers, read into types before anything of it is written.
//!
//! A service is not believed for being inside: one that was taken over could otherwise put any text into rows that
//! others serve, sign and show. What cannot be is refused for good and logged, because then a service lies or is broken.
//! A word that a later version may know is no lie: it waits until this catalog knows it too.

use http::StatusCode;
use slipway_packages::{Arch, Digest, FileName, Kind, Platform, Slug, Version};
use slipway_service::api::Requester;
use slipway_service::token::Scope;
use slipway_service::{Problem, api, clock};
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::channels::{Asked, Place};
use crate::store::audit::By;
use crate::store::packages::Package;
use crate::store::tokens;
use crate::{draft, permission};

/// Bytes of a package: the largest object that an S3 store takes, 5 TiB.
const MOST_BYTES: i64 = 5 << 40;
/// Bytes of the facts as JSON: what upload reads of an inspection at most.
const LONGEST_FACTS: usize = 1 << 20;
/// Packages that one delivery takes the place of: those of one name that were put while the catalog was away.
const MOST_REPLACED: usize = 10_000;
/// Bytes of a word that a later version may know.
const LONGEST_WORD: usize = 32;
/// How long an intent may have waited to be judged by the time of its acknowledgement, in milliseconds: a day, for a catalog
/// that was away. An upload that was taken over could name any time at which a token lived.
const LONGEST_AGO: i64 = 24 * 3600 * 1000;

/// A delivery whose every part is what it has to be.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(crate) id: String,
    pub(crate) app: Slug,
    pub(crate) filename: FileName,
    pub(crate) sha256: Digest,
    /// Of the list of its blocks; `None` from an upload that makes none.
    pub(crate) blocks: Option<Digest>,
    /// Bytes.
    pub(crate) size: i64,
    pub(crate) kind: Kind,
    pub(crate) platform: Platform,
    pub(crate) arch: Arch,
    /// JSON.
    pub(crate) facts: String,
    pub(crate) version: Option<Version>,
    pub(crate) channel: Option<Slug>,
    pub(crate) intent: String,
    /// Packages in whose place it was put, of which one may come later.
    pub(crate) replaces: Vec<String>,
    /// Of the release, while it is a draft.
    pub(crate) notes: Option<String>,
    /// Whether what is odd is refused.
    pub(crate) strict: bool,
    create_channel: bool,
    heard: Option<api::Heard>,
    token_id: String,
    request_id: String,
    requested_by: Requester,
    acknowledged_at: Option<i64>,
}

/// Why a delivery is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error(
        "{field} of the delivery is not what it has to be: {why}; the upload service is at fault, tell the operator"
    )]
    Wrong { field: &'static str, why: String },
    /// Not final: a catalog of a later version takes it.
    #[error(
        "the {field} {word:?} is not known to this version of the catalog yet: it waits until that is updated"
    )]
    Unknown { field: &'static str, word: String },
    #[error("the token that uploaded this {0}: upload it again with another")]
    Token(&'static str),
    #[error(
        "{version} was not released to {channel} by the token that asked for it: {why}. The package is kept: send it again, or publish its draft, with a token that may release it"
    )]
    Intent {
        version: String,
        channel: String,
        why: String,
    },
    #[error(
        "the package {0} is there already as another one; the upload service is at fault, tell the operator"
    )]
    Differs(String),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        if let Refused::Unknown { .. } = refused {
            tracing::warn!(detail, "a delivery waits");
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "delivery_unknown", detail);
        }
        if let Refused::Intent { .. } = refused {
            tracing::info!(detail, "an intent to publish is refused");
            return Self::new(StatusCode::FORBIDDEN, "token_refused", detail);
        }
        tracing::error!(detail, "upload delivered what cannot be");
        match refused {
            Refused::Token(_) => Self::unprocessable("token_refused", detail),
            Refused::Differs(_) => Self::conflict("delivery_differs", detail),
            Refused::Wrong { .. } | Refused::Unknown { .. } | Refused::Intent { .. } => {
                Self::unprocessable("delivery_invalid", detail)
            }
        }
    }
}

impl Delivered {
    pub(crate) fn read(delivery: api::Delivery) -> Result<Self, Problem> {
        let blocks = delivery.blocks.as_deref();
        let requested_by = delivery.requested_by.unwrap_or_else(|| Requester {
            token_id: delivery.token_id.clone(),
            request_id: delivery.request_id.clone(),
        });
        Ok(Self {
            id: uuid("id", delivery.id)?,
            app: word("app", &delivery.app)?,
            filename: word("filename", &delivery.filename)?,
            sha256: word("sha256", &delivery.sha256)?,
            blocks: blocks.map(|blocks| word("blocks", blocks)).transpose()?,
            size: size(delivery.size)?,
            kind: known("kind", &delivery.kind)?,
            platform: known("platform", &delivery.platform)?,
            arch: known("arch", &delivery.arch)?,
            facts: facts(&delivery.facts)?,
            // These two are a developer's words, who is told what is wrong with them.
            version: delivery
                .version
                .as_deref()
                .map(draft::parse_version)
                .transpose()?,
            channel: delivery
                .channel
                .as_deref()
                .map(draft::parse_channel)
                .transpose()?,
            intent: uuid("wish", delivery.intent)?,
            replaces: replaces(delivery.replaces)?,
            notes: delivery.notes.as_deref().map(draft::prose).transpose()?,
            strict: delivery.strict,
            create_channel: delivery.create_channel,
            heard: delivery.heard,
            token_id: uuid("token_id", delivery.token_id)?,
            request_id: uuid("request_id", delivery.request_id)?,
            requested_by: Requester {
                token_id: uuid("wished_by.token_id", requested_by.token_id)?,
                request_id: uuid("wished_by.request_id", requested_by.request_id)?,
            },
            acknowledged_at: delivery.acknowledged_at,
        })
    }

    /// Who uploaded: a token that is ours and permits it, under the name that it has here. It may have expired or been
    /// revoked since: what was acknowledged before stays.
    pub(crate) async fn by(&self, db: &mut AnyConnection) -> Result<Uploader, Problem> {
        let grant = tokens::by_id(db, &self.token_id)
            .await?
            .ok_or(Refused::Token("is not known to the catalog"))?;
        let app = Some(self.app.as_str());
        if grant.permit(Scope::Upload, app).is_err() {
            return Err(Refused::Token("may not upload to this app").into());
        }
        Ok(Uploader {
            token_id: grant.id,
            token_name: grant.name,
            request_id: self.request_id.clone(),
        })
    }

    /// Who has sent these bytes now, perhaps once more; `None` when the token may not upload any more.
    pub(crate) async fn sender(&self, db: &mut AnyConnection) -> Result<Option<Uploader>, Problem> {
        let needed = (Scope::Upload, Some(self.app.as_str()));
        match permission::judge(db, self.requester_id(), needed, clock::unix_millis()).await {
            Ok(grant) => Ok(Some(Uploader {
                token_id: grant.id,
                token_name: grant.name,
                request_id: self.requested_by.request_id.clone(),
            })),
            Err(problem) if problem.status.is_client_error() => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// Where it is to be published.
    pub(crate) fn place<'a>(&'a self, channel: &'a Slug) -> Place<'a> {
        Place {
            channel,
            create: self.create_channel,
            asked: Some(Asked {
                heard: self.heard.as_ref(),
                acknowledged_at: self.acknowledged_at,
            }),
        }
    }

    pub(crate) fn requester_id(&self) -> &str {
        &self.requested_by.token_id
    }

    /// Who asks for `version` in `channel`: a token that may release the app now, in the transaction that takes the intent. One
    /// that has expired since the acknowledgement still may; one that was revoked may not, whatever was acknowledged.
    pub(crate) async fn requester(
        &self,
        db: &mut AnyConnection,
        (version, channel): (&str, &Slug),
    ) -> Result<Uploader, Problem> {
        let at = judged_at(self.acknowledged_at, clock::unix_millis());
        let needed = (Scope::Release, Some(self.app.as_str()));
        match permission::judge(db, &self.requested_by.token_id, needed, at).await {
            Ok(grant) => Ok(Uploader {
                token_id: grant.id,
                token_name: grant.name,
                request_id: self.requested_by.request_id.clone(),
            }),
            Err(problem) if problem.status.is_client_error() => Err(Refused::Intent {
                version: version.to_owned(),
                channel: channel.to_string(),
                why: problem.detail,
            }
            .into()),
            Err(problem) => Err(problem),
        }
    }

    /// Whether `package`, which has this id, is this delivery's, its list of blocks included.
    /// Otherwise the id of another's package would carry its
    /// release into a channel.
    pub(crate) fn check_same(&self, package: &Package) -> Result<(), Problem> {
        let same = package.app == self.app.as_str()
            && package.filename == self.filename.as_str()
            && package.sha256 == self.sha256.as_hex()
            && package.size == self.size;
        if !same {
            return Err(Refused::Differs(self.id.clone()).into());
        }
        if let Some(blocks) = &self.blocks {
            package.check_blocks(blocks)?;
        }
        Ok(())
    }
}

/// The time by which the expiry of an intent's token is judged: when the intent was acknowledged, if that can be, else now.
fn judged_at(acknowledged_at: Option<i64>, now: i64) -> i64 {
    let believed = |at: &i64| {
        let ago = now.saturating_sub(*at);
        (-clock::TOLERANCE_MILLIS..=LONGEST_AGO).contains(&ago)
    };
    acknowledged_at.filter(believed).unwrap_or(now)
}

/// Who uploaded or asked, for the audit.
pub(crate) struct Uploader {
    token_id: String,
    token_name: String,
    request_id: String,
}

impl Uploader {
    pub(crate) fn by(&self) -> By<'_> {
        By {
            token_id: &self.token_id,
            token_name: &self.token_name,
            request_id: &self.request_id,
        }
    }
}

fn wrong(field: &'static str, why: impl Into<String>) -> Refused {
    let why = why.into();
    Refused::Wrong { field, why }
}

fn word<T>(field: &'static str, text: &str) -> Result<T, Refused>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse()
        .map_err(|error: T::Err| wrong(field, error.to_string()))
}

/// A word of a list that grows with versions.
fn known<T>(field: &'static str, text: &str) -> Result<T, Refused>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let plausible = !text.is_empty()
        && text.len() <= LONGEST_WORD
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
    if !plausible {
        return word(field, text);
    }
    let word = text.to_owned();
    text.parse().map_err(|_| Refused::Unknown { field, word })
}

/// A UUID in the one spelling that we write.
fn uuid(field: &'static str, text: String) -> Result<String, Refused> {
    match text.parse::<Uuid>() {
        Ok(uuid) if uuid.to_string() == text => Ok(text),
        _ => Err(wrong(field, "a UUID is expected")),
    }
}

fn replaces(ids: Vec<String>) -> Result<Vec<String>, Refused> {
    if ids.len() > MOST_REPLACED {
        return Err(wrong(
            "replaces",
            "more than anybody puts while one is on its way",
        ));
    }
    let ids = ids.into_iter();
    ids.map(|id| uuid("replaces", id)).collect()
}

fn size(size: i64) -> Result<i64, Refused> {
    if (0..=MOST_BYTES).contains(&size) {
        return Ok(size);
    }
    Err(wrong("size", format!("{size} bytes are no package")))
}

fn facts(facts: &serde_json::Value) -> Result<String, Refused> {
    let text = facts.to_string();
    if !facts.is_object() {
        return Err(wrong("facts", "an object is expected"));
    }
    // PostgreSQL takes no NUL in a text, and what one engine refuses none may take.
    if text.len() > LONGEST_FACTS || text.contains('\0') {
        return Err(wrong("facts", format!("{} bytes are no facts", text.len())));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
