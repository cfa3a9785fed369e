//! How far the release of a package is.

use slipway_contract::Code;
use slipway_contract::public::{Package, Refusal as Refused, Uploaded};
use slipway_contract::{PackageState, ReleaseState, Word};

/// The code of a package that the catalog had, or was to have, and has no more.
pub(crate) const GONE: Code = Code::PackageGone;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// No package has this id.
    Unknown,
    /// Deleted, or another took its place in its draft.
    Gone,
    ReleaseFailed {
        version: String,
        reason: String,
    },
    /// The catalog's, as it said it.
    Refused(Refused),
}

/// Whether the package is where it was to be. A state that this version does not know is not: the answer waits, and says in
/// the end that it does.
pub(crate) fn is_settled(uploaded: &Uploaded, requested: bool) -> Result<bool, Refusal> {
    let Some(release) = uploaded.release.as_ref().filter(|_| requested) else {
        return Ok(true);
    };
    match release.state {
        Word::Known(ReleaseState::Published | ReleaseState::Yanked | ReleaseState::Deleted) => {
            Ok(true)
        }
        Word::Known(ReleaseState::Failed) => {
            let reason = release.reason.as_deref().unwrap_or("the log knows why");
            Err(Refusal::ReleaseFailed {
                version: release.version.to_string(),
                reason: reason.to_owned(),
            })
        }
        Word::Known(ReleaseState::Draft | ReleaseState::Signing | ReleaseState::Verifying)
        | Word::Unknown(_) => Ok(false),
    }
}

/// Says of a release on its way what happens now, when nothing hinders it.
pub(crate) fn with_reason(mut uploaded: Uploaded) -> Uploaded {
    let Package { state, reason, .. } = &mut uploaded.package;
    if reason.is_none() {
        let words = match state.known() {
            Some(PackageState::Release(ReleaseState::Signing)) => "it is being signed",
            Some(PackageState::Release(ReleaseState::Verifying)) => "it is being verified",
            _ => return uploaded,
        };
        *reason = Some(format!("{words}; it goes on by itself"));
    }
    uploaded
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use slipway_contract::package::File;

    use super::*;

    fn file() -> File {
        let words = ["apk", "android", "universal"].map(str::to_owned);
        File::read("notes.apk", &"07".repeat(32), 1, words).expect("a file")
    }

    fn uploaded(state: &str) -> Uploaded {
        let release = json!({
            "app": "notes", "version": "1.0", "channels": [], "state": state, "reason": "why",
            "notes": null, "packages": [], "links": {"page": "", "files": []},
            "created_at": "", "published_at": null, "yanked_at": null,
        });
        Uploaded {
            package: Package {
                state: Word::read(state),
                ..Package::stored("id".to_owned(), file(), &json!({}))
            },
            release: Some(serde_json::from_value(release).expect("a release")),
            refused: None,
        }
    }

    #[test]
    fn only_what_is_published_is_reached() {
        for (state, settled) in [
            ("draft", false),
            ("signing", false),
            ("verifying", false),
            ("published", true),
            ("yanked", true),
            ("deleted", true),
            ("of_a_later_version", false),
            ("", false),
        ] {
            assert_eq!(is_settled(&uploaded(state), true), Ok(settled), "{state}");
            assert_eq!(is_settled(&uploaded(state), false), Ok(true), "{state}");
        }
        assert!(is_settled(&uploaded("failed"), true).is_err());
        assert_eq!(is_settled(&uploaded("failed"), false), Ok(true));
    }

    #[test]
    fn a_reason_of_the_catalogs_stays() {
        assert!(with_reason(uploaded("signing")).package.reason.is_some());
        let mut hindered = uploaded("signing");
        hindered.package.reason = Some("the clock is wrong".to_owned());
        let reason = with_reason(hindered).package.reason;
        assert_eq!(reason.as_deref(), Some("the clock is wrong"));
    }
}
