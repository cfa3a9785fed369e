//! What would be undone if one state of the catalog took the place of another, without anybody having asked for it.
//!
//! An older copy of a database takes releases and keys away and lifts what was forbidden since. That more is forbidden,
//! or that something is there which was not, is no loss: it is what time brings.

use std::collections::{BTreeMap, BTreeSet};

use crate::feed::{Change, Row};
use crate::grant::{Grant, Scope};
use crate::held::Loss;
use crate::state::Visibility;
use crate::word::Word;

/// Of a state, all that must not be undone unasked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The text of each app's public key.
    pub keys: BTreeMap<String, String>,
    /// Apps that were deleted.
    pub deleted_apps: BTreeSet<String>,
    /// By app and version.
    pub releases: BTreeMap<(String, String), Release>,
    /// By the hash of the token.
    pub tokens: BTreeMap<String, Grant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    pub shown: Shown,
    /// The digest of each file name.
    pub files: BTreeMap<String, String>,
    /// Those that it is in; `None` where a copy does not keep them.
    pub channels: Option<BTreeSet<String>>,
}

/// How far a release is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Not, or not yet.
    Open,
    Published,
    Yanked,
    /// Published or yanked: a copy need not know which.
    Closed,
    /// The row is there for ever, to say so.
    Deleted,
    /// In a way that this program does not know.
    Other,
}

impl Shown {
    pub fn of(visibility: &Word<Visibility>) -> Self {
        match visibility {
            Word::Known(Visibility::Staged | Visibility::Hidden) => Self::Open,
            Word::Known(Visibility::Published) => Self::Published,
            Word::Known(Visibility::Yanked) => Self::Yanked,
            Word::Known(Visibility::Deleted) => Self::Deleted,
            Word::Unknown(_) => Self::Other,
        }
    }
}

impl Known {
    /// Of a whole state as the feed tells it.
    pub fn told(changes: &[Change]) -> Self {
        let mut known = Self::default();
        for change in changes {
            match &change.row {
                Row::App(app) => {
                    if let Some(key) = &app.public_key {
                        known.keys.insert(app.slug.clone(), key.clone());
                    }
                    if app.deleted {
                        known.deleted_apps.insert(app.slug.clone());
                    }
                }
                Row::Token(token) => {
                    known.tokens.insert(token.hash.clone(), token.grant.clone());
                }
                Row::Release(release) => {
                    let files = release.packages.iter();
                    let files = files
                        .map(|file| (file.file.filename.to_string(), file.file.sha256.to_string()));
                    let told = Release {
                        shown: Shown::of(&release.visibility),
                        files: files.collect(),
                        channels: Some(release.channels.iter().map(Word::to_string).collect()),
                    };
                    let place = (release.app.to_string(), release.version.to_string());
                    known.releases.insert(place, told);
                }
                // What is in no release may come and go.
                Row::Package(_) | Row::Unknown => {}
            }
        }
        known
    }

    /// What `new` would undo of this, the tokens first.
    pub fn losses(&self, new: &Self) -> Vec<Loss> {
        let tokens = self.tokens.iter().filter_map(|(hash, old)| {
            let new = new.tokens.get(hash)?;
            Some(Loss::new(new.app.as_deref(), &new.id, widened(old, new)?))
        });
        let keys = self.keys.iter().filter_map(|(app, old)| {
            let what = match new.keys.get(app) {
                None => "key_lost",
                Some(new) if new != old => "key_changed",
                Some(_) => return None,
            };
            Some(Loss::new(Some(app), app, what))
        });
        // An app of which there is not even a row could be made again.
        let lifted = self.deleted_apps.difference(&new.deleted_apps);
        let apps = lifted.map(|app| Loss::new(Some(app), app, "deletion_lifted"));
        let releases = self.releases.iter().filter_map(|(place, old)| {
            let (app, version) = place;
            let what = undone(old, new.releases.get(place))?;
            Some(Loss::new(Some(app), version, what))
        });
        tokens.chain(keys).chain(apps).chain(releases).collect()
    }
}

/// What a token would be permitted that it was not. One that is gone, or revoked, is permitted nothing.
fn widened(old: &Grant, new: &Grant) -> Option<&'static str> {
    if new.revoked_at.is_some() {
        return None;
    }
    if old.revoked_at.is_some() {
        return Some("revocation_lifted");
    }
    let permitted = |scope| old.scopes.contains(&Scope::Admin) || old.scopes.contains(scope);
    if !new.scopes.iter().all(permitted) {
        return Some("scopes_widened");
    }
    if old.app.is_some() && old.app != new.app {
        return Some("app_widened");
    }
    let end = |grant: &Grant| grant.expires_at.unwrap_or(i64::MAX);
    (end(old) < end(new)).then_some("expiry_extended")
}

/// What would be undone of a release. It is gone when there is neither a row nor a tombstone of it.
fn undone(old: &Release, new: Option<&Release>) -> Option<&'static str> {
    let shown = new.map(|new| new.shown);
    match (old.shown, shown) {
        (Shown::Open, _)
        | (
            Shown::Yanked | Shown::Published | Shown::Closed | Shown::Deleted,
            Some(Shown::Deleted),
        )
        | (Shown::Other, Some(Shown::Other)) => None,
        (
            Shown::Published | Shown::Closed,
            Some(Shown::Published | Shown::Yanked | Shown::Closed),
        )
        | (Shown::Yanked, Some(Shown::Yanked)) => {
            let kept = |(name, digest)| new.and_then(|new| new.files.get(name)) == Some(digest);
            if !old.files.iter().all(kept) {
                return Some("files_changed");
            }
            new.is_some_and(|new| is_in_more_channels(old, new))
                .then_some("roll_back_lifted")
        }
        (Shown::Published | Shown::Closed, _) => Some("release_lost"),
        (Shown::Yanked, _) => Some("yank_lifted"),
        (Shown::Deleted, _) => Some("deletion_lifted"),
        (Shown::Other, _) => Some("restriction_lifted"),
    }
}

/// Whether a channel would have a release that it has not: it was rolled back, perhaps because the release does harm.
fn is_in_more_channels(old: &Release, new: &Release) -> bool {
    let (Some(old), Some(new)) = (&old.channels, &new.channels) else {
        return false;
    };
    !new.is_subset(old)
}

#[cfg(test)]
mod tests;
