//! Whom a package is for.

use serde::Deserialize;
use slipway_contract::package::File;
use slipway_contract::{Arch, Rank, Wanted, is_source_package};

/// How well a package fits; the smallest is the one to give, and `None` is not for the platform. What an older version
/// released before its kind was known is held against the same rules. `facts`: what inspection read, as JSON.
pub(crate) fn place(file: &File, facts: &str, wanted: Wanted) -> Option<Rank> {
    // Words of a later version; that they are not known was said when the package came.
    let arch = *file.arch.known()?;
    let place = wanted.place(*file.platform.known()?, arch, *file.kind.known()?)?;
    if is_source_package(file.filename.as_str()) {
        return None;
    }
    // Whether anybody can use it is not known then.
    let Some(content) = Content::read(facts) else {
        return Some(place.only_listed());
    };
    let runs = |wanted| arch != Arch::Universal || content.has_code_for(wanted);
    let is_usable = content.split.is_none() && wanted.arch.is_none_or(runs);
    Some(if is_usable {
        place
    } else {
        place.only_listed()
    })
}

/// What decides of the facts whether somebody can use a package.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Content {
    abis: Option<Vec<String>>,
    /// A part of an app in several APKs: Android installs it only with the others.
    split: Option<String>,
}

impl Content {
    /// Out of facts as JSON; `None` where they have another shape, as a later version may give them.
    fn read(facts: &str) -> Option<Self> {
        let read: Option<Self> = serde_json::from_str(facts).ok()?;
        Some(read.unwrap_or_default())
    }

    /// Universal means all of those that it has machine code for, if it has any.
    fn has_code_for(&self, wanted: Arch) -> bool {
        let is_wanted = |abi: &String| abi.parse().is_ok_and(|own: Arch| own.is_same(&wanted));
        let abis = self.abis.as_deref().unwrap_or_default();
        abis.is_empty() || wanted == Arch::Universal || abis.iter().any(is_wanted)
    }
}

/// Whether the facts of a package tell who can use it.
pub(crate) fn tell(facts: &str) -> bool {
    Content::read(facts).is_some()
}

/// Whether a package is a part that is of use only with the others of its app.
pub(crate) fn is_part(facts: &str) -> bool {
    Content::read(facts).is_some_and(|content| content.split.is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use slipway_contract::{Digest, Platform, Word};

    use super::*;

    fn file(filename: &str, kind: &str, platform: &str, arch: &str) -> File {
        File {
            filename: filename.parse().expect("a name"),
            sha256: Digest::from_bytes([0; 32]),
            size: 0,
            kind: Word::read(kind),
            platform: Word::read(platform),
            arch: Word::read(arch),
        }
    }

    fn android(arch: Option<&str>) -> Wanted {
        Wanted {
            platform: Platform::Android,
            arch: arch.map(|arch| arch.parse().expect("an architecture")),
            kind: None,
        }
    }

    fn is_offered(file: &File, facts: &str, arch: Option<&str>) -> Option<bool> {
        place(file, facts, android(arch)).map(Rank::is_offered)
    }

    #[test]
    fn universal_is_what_it_has_code_for() {
        let fat = file("fat.apk", "apk", "android", "universal");
        let facts = r#"{"abis":["arm64-v8a","x86_64"]}"#;
        assert_eq!(is_offered(&fat, facts, Some("aarch64")), Some(true));
        assert_eq!(is_offered(&fat, facts, Some("armv7")), Some(false));
        assert_eq!(is_offered(&fat, facts, None), Some(true));
        for without_code in [r#"{"abis":[]}"#, "{}", "null"] {
            assert_eq!(is_offered(&fat, without_code, Some("armv7")), Some(true));
        }
    }

    #[test]
    fn what_nobody_can_use_is_only_listed() {
        let apk = file("a.apk", "apk", "android", "aarch64");
        let part = r#"{"split":"config.de"}"#;
        assert_eq!(is_offered(&apk, part, None), Some(false));
        assert!(is_part(part) && tell(part));
        // Facts in a shape of a later version.
        let later = r#"{"abis":{"arm64-v8a":1}}"#;
        assert_eq!(is_offered(&apk, later, None), Some(false));
        assert!(!tell(later) && !is_part(later));
    }

    #[test]
    fn sources_are_for_nobody() {
        for name in ["notes-1.src.rpm", "notes_1.orig.tar.gz"] {
            let source = file(name, "other", "android", "universal");
            assert_eq!(is_offered(&source, "{}", None), None, "{name}");
        }
    }

    proptest! {
        /// A word of a later version gives nobody a file.
        #[test]
        fn what_is_not_known_is_for_nobody(word in "zz[a-z]{1,6}", which in 0..2) {
            let mut apk = file("a.apk", "apk", "android", "aarch64");
            match which {
                0 => apk.kind = Word::read(word),
                _ => apk.platform = Word::read(word),
            }
            prop_assert_eq!(is_offered(&apk, "{}", None), None);
        }

        /// Facts decide who can use a package, never for which platform it is.
        #[test]
        fn whatever_the_facts_are_they_are_answered(facts in "\\PC{0,24}|\\{\"abis\":\\[\"[a-z0-9-]{0,9}\"\\]\\}", arch in "aarch64|x86|riscv64") {
            let apk = file("a.apk", "apk", "android", &arch);
            let fits = place(&apk, &facts, android(None));
            prop_assert!(fits.is_some());
            prop_assert!(tell(&facts) || !fits.is_some_and(Rank::is_offered));
            let wanted = Wanted { platform: Platform::Windows, ..android(None) };
            prop_assert_eq!(place(&apk, &facts, wanted), None);
        }
    }
}
