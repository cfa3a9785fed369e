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
        let app = crate::feed::App {
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
                        more |= permits(&new, scope, app, now) && !permits(&old, scope, app, now);
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
