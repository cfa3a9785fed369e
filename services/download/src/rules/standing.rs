//! Whether a file is served, by what is known of its release: the rules, without HTTP and SQL.

use slipway_contract::{Version, VersionError, Visibility, Word};

use crate::audience::Audience;
use crate::refusal::Refused;
use crate::store::releases::Release;

/// Whether a file whose release is `visibility` is served. One that is not is not told from one that does not exist, unless
/// its release was withdrawn.
pub(crate) fn is_served(
    audience: Audience,
    version: &str,
    visibility: &Word<Visibility>,
    reason: Option<&str>,
) -> Result<bool, Refused> {
    if audience.serves(visibility) {
        return Ok(true);
    }
    if *visibility == Visibility::Yanked {
        return Err(Refused::Yanked {
            version: version.to_owned(),
            reason: reason.map(str::to_owned),
        });
    }
    Ok(false)
}

/// Why there is no file of a name in `version`, of which `release` is known.
pub(crate) fn missing(audience: Audience, version: &str, release: Option<&Release>) -> Refused {
    match release {
        // Its files are not known any more. One that never was published is not told from one that does not exist.
        Some(release)
            if release.visibility == Visibility::Deleted && release.published_at.is_some() =>
        {
            Refused::ReleaseDeleted(version.to_owned())
        }
        Some(release) if audience.serves(&release.visibility) => Refused::File,
        _ => match version.parse::<Version>() {
            Err(lost @ VersionError::Space) => Refused::ReleaseLost(lost),
            _ => Refused::Release,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [&str; 6] = [
        "staged",
        "published",
        "yanked",
        "deleted",
        "hidden",
        "of a later version",
    ];

    fn word(text: &str) -> Word<Visibility> {
        text.to_owned().into()
    }

    fn release(visibility: &str, published_at: Option<i64>) -> Release {
        Release {
            version: "1.0".to_owned(),
            visibility: word(visibility),
            notes: None,
            published_at,
        }
    }

    #[test]
    fn the_public_gets_what_is_published_and_learns_of_what_was_withdrawn() {
        for visibility in ALL {
            let served = is_served(Audience::Public, "1.0", &word(visibility), Some("why"));
            match visibility {
                "published" => assert_eq!(served, Ok(true)),
                "yanked" => assert!(matches!(served, Err(Refused::Yanked { .. }))),
                _ => assert_eq!(served, Ok(false), "{visibility}"),
            }
            let staged = is_served(Audience::Staged, "1.0", &word(visibility), None);
            let is_shown = matches!(visibility, "published" | "staged");
            assert_eq!(staged == Ok(true), is_shown, "{visibility}");
        }
    }

    #[test]
    fn a_release_that_never_was_published_is_not_told_from_none() {
        let public = |release: Option<&Release>| missing(Audience::Public, "1.0", release);
        assert_eq!(public(None), Refused::Release);
        for visibility in ["staged", "hidden", "deleted", "of a later version"] {
            let never = release(visibility, None);
            assert_eq!(public(Some(&never)), Refused::Release, "{visibility}");
        }
        let deleted = release("deleted", Some(1));
        let told = Refused::ReleaseDeleted("1.0".to_owned());
        assert_eq!(public(Some(&deleted)), told);
        let published = release("published", Some(1));
        assert_eq!(public(Some(&published)), Refused::File);
    }

    #[test]
    fn a_plus_that_was_lost_on_the_way_is_told() {
        let lost = missing(Audience::Public, "1.0 41", None);
        assert_eq!(lost, Refused::ReleaseLost(VersionError::Space));
    }

    proptest! {
        #[test]
        fn nothing_but_what_is_published_is_served_to_the_public(visibility in "\\PC{0,12}|published|staged") {
            let served = is_served(Audience::Public, "1.0", &word(&visibility), None);
            prop_assert_eq!(served == Ok(true), visibility == "published");
        }
    }
}
