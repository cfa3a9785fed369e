//! What would be undone if one state of the catalog took the place of another, without anybody having asked for it.
//!
//! An older copy of a database takes releases and keys away and lifts what was forbidden since. That more is forbidden,
//! or that something is there which was not, is no loss: it is what time brings.

use std::collections::{BTreeMap, BTreeSet};

use super::held::Loss;
use super::{Change, Row, Visibility};
use crate::token::{Grant, Scope};

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
    /// Of the text that the feed writes.
    pub fn of(visibility: &str) -> Self {
        match visibility {
            "staged" | "hidden" => Self::Open,
            "published" => Self::Published,
            "yanked" => Self::Yanked,
            "deleted" => Self::Deleted,
            _ => Self::Other,
        }
    }
}

impl From<Visibility> for Shown {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Staged | Visibility::Hidden => Self::Open,
            Visibility::Published => Self::Published,
            Visibility::Yanked => Self::Yanked,
            Visibility::Deleted => Self::Deleted,
            Visibility::Unknown => Self::Other,
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
                    let files = files.map(|file| (file.filename.clone(), file.sha256.clone()));
                    let told = Release {
                        shown: release.visibility.into(),
                        files: files.collect(),
                        channels: Some(release.channels.iter().cloned().collect()),
                    };
                    let place = (release.app.clone(), release.version.clone());
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
mod tests {
    use super::*;

    const ALL: [Shown; 6] = [
        Shown::Open,
        Shown::Published,
        Shown::Yanked,
        Shown::Closed,
        Shown::Deleted,
        Shown::Other,
    ];

    fn release(shown: Shown, digest: &str) -> Release {
        let files = [("notes.apk".to_owned(), digest.to_owned())];
        Release {
            shown,
            files: files.into(),
            channels: None,
        }
    }

    fn with_release(release: Option<Release>) -> Known {
        let place = ("notes".to_owned(), "1.0".to_owned());
        Known {
            releases: release
                .map(|release| (place, release))
                .into_iter()
                .collect(),
            ..Known::default()
        }
    }

    fn grant(scopes: &[Scope], app: Option<&str>, expires_at: Option<i64>) -> Grant {
        Grant {
            id: "id".to_owned(),
            name: "ci".to_owned(),
            scopes: scopes.iter().copied().collect(),
            app: app.map(str::to_owned),
            expires_at,
            revoked_at: None,
        }
    }

    fn revoked(grant: &Grant) -> Grant {
        Grant {
            revoked_at: Some(7),
            ..grant.clone()
        }
    }

    /// All grants over a few scopes, apps and ends, each also revoked.
    fn grants() -> Vec<Grant> {
        let mut grants = Vec::new();
        for scopes in [
            &[][..],
            &[Scope::Read],
            &[Scope::Read, Scope::Upload],
            &[Scope::Admin],
        ] {
            for app in [None, Some("notes"), Some("other")] {
                for end in [None, Some(10), Some(20)] {
                    let grant = grant(scopes, app, end);
                    grants.extend([revoked(&grant), grant]);
                }
            }
        }
        grants
    }

    /// Whether some request at some time passes.
    fn permits(grant: &Grant, scope: Scope, app: Option<&str>, now: i64) -> bool {
        grant.check_alive(now).is_ok() && grant.permit(scope, app).is_ok()
    }

    #[test]
    fn a_state_loses_nothing_to_itself_and_everything_is_there_after_nothing() {
        for shown in ALL {
            let known = with_release(Some(release(shown, "d")));
            assert_eq!(known.losses(&known), [], "{shown:?}");
            assert_eq!(Known::default().losses(&known), []);
        }
    }

    #[test]
    fn no_release_is_undone_unasked() {
        let what = |old, new: Option<Shown>| {
            let new = with_release(new.map(|new| release(new, "d")));
            let losses = with_release(Some(release(old, "d"))).losses(&new);
            losses
                .first()
                .map(|loss| loss.what.clone())
                .unwrap_or_default()
        };
        for new in ALL.map(Some).into_iter().chain([None]) {
            assert_eq!(what(Shown::Open, new), "");
            let gone = match new {
                Some(Shown::Published | Shown::Yanked | Shown::Closed | Shown::Deleted) => "",
                _ => "release_lost",
            };
            assert_eq!(what(Shown::Published, new), gone, "{new:?}");
            assert_eq!(what(Shown::Closed, new), gone, "{new:?}");
            let lifted = match new {
                Some(Shown::Yanked | Shown::Deleted) => "",
                _ => "yank_lifted",
            };
            assert_eq!(what(Shown::Yanked, new), lifted, "{new:?}");
            let back = if new == Some(Shown::Deleted) {
                ""
            } else {
                "deletion_lifted"
            };
            assert_eq!(what(Shown::Deleted, new), back, "{new:?}");
            let less = if new == Some(Shown::Other) {
                ""
            } else {
                "restriction_lifted"
            };
            assert_eq!(what(Shown::Other, new), less, "{new:?}");
        }
    }

    #[test]
    fn a_release_does_not_come_back_into_a_channel_unasked() {
        let of = |channels: Option<&[&str]>| {
            let channels = channels.map(|all| all.iter().map(|&one| one.to_owned()).collect());
            with_release(Some(Release {
                channels,
                ..release(Shown::Published, "d")
            }))
        };
        let what = |old, new| {
            let losses = of(old).losses(&of(new));
            losses.first().map(|loss| loss.what.clone())
        };
        let (none, beta, both) = (&[][..], &["beta"][..], &["beta", "stable"][..]);
        for (old, new) in [(none, beta), (none, both), (beta, both)] {
            assert_eq!(
                what(Some(old), Some(new)).as_deref(),
                Some("roll_back_lifted")
            );
            assert_eq!(what(Some(new), Some(old)), None);
        }
        assert_eq!(
            (what(None, Some(both)), what(Some(none), None)),
            (None, None)
        );
    }

    #[test]
    fn other_bytes_and_other_keys_are_losses() {
        let old = with_release(Some(release(Shown::Published, "d")));
        let other = with_release(Some(release(Shown::Published, "e")));
        assert_eq!(old.losses(&other)[0].what, "files_changed");
        let mut none = old.clone();
        none.releases
            .values_mut()
            .for_each(|release| release.files.clear());
        assert_eq!(old.losses(&none)[0].what, "files_changed");
        assert_eq!(none.losses(&old), []);

        let key = |text: &str| Known {
            keys: [("notes".to_owned(), text.to_owned())].into(),
            ..Known::default()
        };
        assert_eq!(key("k").losses(&key("k")), []);
        assert_eq!(key("k").losses(&key("l"))[0].what, "key_changed");
        assert_eq!(key("k").losses(&Known::default())[0].what, "key_lost");
    }

    #[test]
    fn a_deleted_app_stays_deleted() {
        let told = |deleted| {
            let app = super::super::App {
                slug: "notes".to_owned(),
                name: "Notes".to_owned(),
                public_key: None,
                deleted,
                quota: crate::quota::Quota::default(),
            };
            Known::told(&[Change {
                seq: 1,
                row: Row::App(app),
            }])
        };
        let deleted = told(true);
        assert_eq!(told(false).losses(&deleted), []);
        assert_eq!(deleted.losses(&deleted), []);
        for older in [told(false), Known::default()] {
            let losses = deleted.losses(&older);
            assert_eq!(losses.len(), 1);
            let loss = &losses[0];
            assert_eq!((&*loss.subject, &*loss.what), ("notes", "deletion_lifted"));
        }
    }

    #[test]
    fn a_token_is_a_loss_exactly_when_something_passes_that_did_not() {
        let with = |grant: &Grant| Known {
            tokens: [("hash".to_owned(), grant.clone())].into(),
            ..Known::default()
        };
        for old in grants() {
            assert_eq!(with(&old).losses(&Known::default()), []);
            for new in grants() {
                let mut more = false;
                for scope in [Scope::Read, Scope::Upload, Scope::Release, Scope::Admin] {
                    for app in [None, Some("notes"), Some("other"), Some("third")] {
                        for now in [5, 15, 25] {
                            more |=
                                permits(&new, scope, app, now) && !permits(&old, scope, app, now);
                        }
                    }
                }
                let losses = with(&old).losses(&with(&new));
                // A token without scopes permits nothing, but its narrower facts are widened all the same.
                if more {
                    assert_eq!(losses.len(), 1, "{old:?} to {new:?}");
                } else if !new.scopes.is_empty() {
                    assert_eq!(losses, [], "{old:?} to {new:?}");
                }
            }
        }
    }
}
