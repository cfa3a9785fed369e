//! What upload delivers, read into types before anything of it is written.
//!
//! A service is not believed for being inside: one that was taken over could otherwise put any text into rows that
//! others serve, sign and show. What cannot be is refused for good and logged, because then a service lies or is broken.
//! A word or a form that a later version may know is no lie: it waits until this catalog knows it too.

use serde_json::Value;
use slipway_contract::internal::{self, Requester};
use slipway_contract::package::File;
use slipway_contract::{Digest, FileName, Slug, Version, Word};
use slipway_runtime::clock;
use uuid::Uuid;

use crate::refusal::{Delivery, Package, Refusal};
use crate::rules::channel::{Asked, Place};
use crate::rules::text;

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
    /// Its words are all known.
    pub(crate) file: File,
    /// Of the list of its blocks; `None` from an upload that makes none.
    pub(crate) blocks: Option<Digest>,
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
    heard: Option<internal::Heard>,
    /// The token that uploaded it.
    pub(crate) token_id: String,
    pub(crate) request_id: String,
    /// Who asks for it in the channel.
    pub(crate) requested_by: Requester,
    acknowledged_at: Option<i64>,
}

impl Delivered {
    pub(crate) fn read(delivery: Value) -> Result<Self, Refusal> {
        check_text::<Slug>(&delivery, "app")?;
        check_text::<FileName>(&delivery, "filename")?;
        check_text::<Digest>(&delivery, "sha256")?;
        check_text::<Digest>(&delivery, "blocks")?;
        let delivery: internal::Delivery = serde_json::from_value(delivery)
            .map_err(|error| Delivery::Unreadable(error.to_string()))?;
        let requested_by = delivery.requested_by.unwrap_or_else(|| Requester {
            token_id: delivery.token_id.clone(),
            request_id: delivery.request_id.clone(),
        });
        Ok(Self {
            id: uuid("id", delivery.id)?,
            app: delivery.app,
            file: file(delivery.file)?,
            blocks: delivery.blocks,
            facts: facts(&delivery.facts)?,
            // These two are a developer's words, who is told what is wrong with them.
            version: said(delivery.version, text::version)?,
            channel: said(delivery.channel, text::channel)?,
            intent: uuid("wish", delivery.intent)?,
            replaces: replaces(delivery.replaces)?,
            notes: delivery.notes.as_deref().map(text::prose).transpose()?,
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

    /// The time by which the expiry of the intent's token is judged, at `now`.
    pub(crate) fn judged_at(&self, now: i64) -> i64 {
        judged_at(self.acknowledged_at, now)
    }

    /// Whether a package of this id that is `there` is this delivery's, its list of blocks included. Otherwise the id of
    /// another's package would carry its release into a channel.
    pub(crate) fn check_same(&self, there: &Identity<'_>) -> Result<(), Delivery> {
        // What it is for is what an earlier version has read out of the same bytes, perhaps less.
        let same = there.app == self.app.as_str()
            && there.file.filename == self.file.filename
            && there.file.sha256 == self.file.sha256
            && there.file.size == self.file.size;
        if !same {
            return Err(Delivery::Differs(self.id.clone()));
        }
        match &self.blocks {
            Some(blocks) => check_blocks(&self.id, there.blocks, blocks),
            None => Ok(()),
        }
    }
}

/// What makes a package the one that it is.
pub(crate) struct Identity<'a> {
    pub(crate) app: &'a str,
    pub(crate) file: &'a File,
    pub(crate) blocks: Option<Digest>,
}

/// Refuses another list of blocks for the package `id` than the one that is there: whoever could change it could have other
/// bytes served.
pub(crate) fn check_blocks(
    id: &str,
    there: Option<Digest>,
    given: &Digest,
) -> Result<(), Delivery> {
    if there.is_none_or(|there| there == *given) {
        return Ok(());
    }
    Err(Delivery::OtherBlocks(id.to_owned()))
}

/// What becomes of a package on its way into the release that its intent names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// It is there, or no version is named.
    AsItIs,
    /// It was left out of its draft, or came without one: it comes into the release while that is a draft.
    Join,
}

/// Where a package is to be released that is there. `release` is its own and `wanted` that of the version that is named,
/// which may not be there yet. It may have been released under another version, which nobody asked for in this channel.
pub(crate) fn home(
    id: &str,
    release: Option<&str>,
    names_version: bool,
    wanted: Option<&str>,
) -> Result<Home, Package> {
    match release {
        _ if !names_version => Ok(Home::AsItIs),
        None => Ok(Home::Join),
        Some(_) if release == wanted => Ok(Home::AsItIs),
        Some(_) => Err(Package::Taken(id.to_owned())),
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

fn wrong(field: &'static str, why: impl Into<String>) -> Delivery {
    let why = why.into();
    Delivery::Wrong { field, why }
}

/// Refuses a text that is none of its kind. Where there is something else than a text, the delivery has another form.
fn check_text<T>(delivery: &Value, field: &'static str) -> Result<(), Delivery>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = delivery[field].as_str().map(str::parse::<T>);
    match text {
        Some(Err(error)) => Err(wrong(field, error.to_string())),
        _ => Ok(()),
    }
}

/// What a developer has said, or `parse`'s words of what is wrong with it.
fn said<T, E>(
    word: Option<Word<T>>,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, E> {
    match word {
        Some(Word::Unknown(text)) => parse(&text).map(Some),
        Some(Word::Known(word)) => Ok(Some(word)),
        None => Ok(None),
    }
}

fn file(file: File) -> Result<File, Delivery> {
    if !(0..=MOST_BYTES).contains(&file.size) {
        return Err(wrong("size", format!("{} bytes are no package", file.size)));
    }
    check_known("kind", &file.kind)?;
    check_known("platform", &file.platform)?;
    check_known("arch", &file.arch)?;
    Ok(file)
}

/// Refuses what is no word of a list that grows with versions; one that a later version may know waits.
fn check_known<T>(field: &'static str, word: &Word<T>) -> Result<(), Delivery> {
    let Word::Unknown(text) = word else {
        return Ok(());
    };
    let plausible = !text.is_empty()
        && text.len() <= LONGEST_WORD
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
    if !plausible {
        return Err(wrong(field, "no version knows such a word"));
    }
    let word = text.clone();
    Err(Delivery::Unknown { field, word })
}

/// A UUID in the one spelling that we write.
fn uuid(field: &'static str, text: String) -> Result<String, Delivery> {
    match text.parse::<Uuid>() {
        Ok(uuid) if uuid.to_string() == text => Ok(text),
        _ => Err(wrong(field, "a UUID is expected")),
    }
}

fn replaces(ids: Vec<String>) -> Result<Vec<String>, Delivery> {
    if ids.len() > MOST_REPLACED {
        return Err(wrong(
            "replaces",
            "more than anybody puts while one is on its way",
        ));
    }
    let ids = ids.into_iter();
    ids.map(|id| uuid("replaces", id)).collect()
}

fn facts(facts: &serde_json::Value) -> Result<String, Delivery> {
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
