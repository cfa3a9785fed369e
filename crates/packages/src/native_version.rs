//! The version that a deb or an rpm gives itself, in the order that all apps have.
//!
//! | of the package | here |
//! |---|---|
//! | `1.0-2`: upstream's version and the packager's revision | `1.0+2` |
//! | `1.0+dfsg-1`, `1.0^git7-1`: what comes after 1.0 and before 1.0.1 | `1.0+dfsg.1`, `1.0+git7.1` |
//! | `1.0~rc1-1`: what comes before 1.0 | `1.0-rc1+1` |
//! | `1.0-2+deb12u10`, `1.0-2.fc9`: words and numbers of a revision are apart, so that 10 comes after 9 | `1.0+2.deb.12.u.10`, `1.0+2.fc.9` |
//!
//! The order is that of `dpkg --compare-versions` (deb-version(7)) and of `rpmvercmp` (rpm-version(7)), as far as one order
//! for all apps can be. It is another one here where
//!
//! - `1.0` and `1.0.0` are compared: they are one version,
//! - a number follows a word in what upstream writes: `rc10` comes before `rc2`, as in SemVer,
//! - a word and a number stand at the same place of a build: `2.1` comes before `2+deb12u1`,
//! - two versions differ by nothing but separators: `1.0+a.1-1` and `1.0+a-1.1` are one.
//!
//! What could only come to a wrong place is not translated: an epoch, a `~` behind a build or in a revision, more than
//! four numbers.

use slipway_contract::{Facts, Version, VersionError};

use crate::facts::shown;

/// Why a version has no place in the order. The words begin with the code of the warning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untranslated {
    #[error(
        "epoch: the epoch of {0} has no place in the order of versions: give the version, as ?version=1.2.3"
    )]
    Epoch(String),
    #[error(
        "native_version: the `~` in {0} has no place in the order of versions: give the version, as ?version=1.2.3"
    )]
    Tilde(String),
    #[error(
        "native_version: {version} cannot be used as a version ({error}): give one, as ?version=1.2.3"
    )]
    Refused {
        version: String,
        error: VersionError,
    },
}

/// Keeps the version that the package gives itself, and what it is here. The text must be one that can be
/// shown (`slipway_contract::shown`).
pub(crate) fn set(
    facts: &mut Facts,
    native: String,
    translate: impl Fn(&str) -> Result<String, Untranslated>,
) {
    match translate(&native) {
        Ok(version) => facts.version = Some(version),
        Err(why) => facts.warn(why.to_string()),
    }
    facts.native_version = Some(native);
}

/// The version of a deb: `[epoch:]upstream[-revision]`.
pub(crate) fn of_deb(native: &str) -> Result<String, Untranslated> {
    let version = without_epoch(native)?;
    let (upstream, revision) = version.rsplit_once('-').unwrap_or((version, ""));
    // To dpkg a missing revision and 0 are equal.
    let revision = if revision.bytes().all(|byte| byte == b'0') {
        ""
    } else {
        revision
    };
    translate(native, upstream, revision)
}

/// The version of an rpm: `[epoch:]version-release`.
pub(crate) fn of_rpm(native: &str) -> Result<String, Untranslated> {
    let version = without_epoch(native)?;
    let (upstream, release) = version.rsplit_once('-').unwrap_or((version, ""));
    translate(native, upstream, release)
}

/// An rpm's version as it is written in one, out of its tags. An epoch of 0 is none.
pub(crate) fn written_by_rpm(
    epoch: u32,
    version: &str,
    release: &str,
    limit: usize,
) -> Option<String> {
    let epoch = if epoch > 0 {
        format!("{epoch}:")
    } else {
        String::new()
    };
    shown(&format!("{epoch}{version}-{release}"), limit)
}

fn without_epoch(native: &str) -> Result<&str, Untranslated> {
    match native.split_once(':') {
        None => Ok(native),
        Some((epoch, version)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte == b'0') => {
            Ok(version)
        }
        Some(_) => Err(Untranslated::Epoch(native.to_owned())),
    }
}

fn translate(native: &str, upstream: &str, revision: &str) -> Result<String, Untranslated> {
    let (numbers, rest) = upstream.split_at(numbers_length(upstream));
    let (pre_release, after) = match rest.strip_prefix('~') {
        None => ("", rest),
        Some(rest) => rest.split_at(rest.find(['+', '^']).unwrap_or(rest.len())),
    };
    if [pre_release, after, revision]
        .iter()
        .any(|part| part.contains('~'))
    {
        return Err(Untranslated::Tilde(native.to_owned()));
    }
    let mut version = numbers.to_owned();
    if rest.starts_with('~') {
        version.push('-');
        version.push_str(&joined(words(pre_release)));
    }
    let build = words(after).chain(words(revision).flat_map(words_and_numbers));
    let build = joined(build);
    if !build.is_empty() {
        version.push('+');
        version.push_str(&build);
    }
    match version.parse::<Version>() {
        Ok(_) => Ok(version),
        Err(error) => Err(Untranslated::Refused {
            version: native.to_owned(),
            error,
        }),
    }
}

/// Bytes of the numbers with dots that a version begins with.
fn numbers_length(version: &str) -> usize {
    let mut length = 0;
    for number in version.split('.') {
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            break;
        }
        length += digits + usize::from(length > 0);
        if digits < number.len() {
            break;
        }
    }
    length
}

/// What lies between separators.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(['.', '+', '-', '^', '_'])
        .filter(|word| !word.is_empty())
}

/// The parts of a word that are digits, and those that are not.
#[expect(
    clippy::disallowed_methods,
    reason = "a digit is a byte of its own in UTF-8, so each part is text"
)]
fn words_and_numbers(word: &str) -> impl Iterator<Item = &str> {
    word.as_bytes()
        .chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit())
        .map(|part| std::str::from_utf8(part).unwrap_or_default())
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deb_version_is_translated() {
        for (native, version) in [
            ("1.0", "1.0"),
            ("1.0-2", "1.0+2"),
            ("1.0-0", "1.0"),
            ("0:1.0-2", "1.0+2"),
            ("1.0+dfsg-1", "1.0+dfsg.1"),
            ("1.0+dfsg", "1.0+dfsg"),
            ("1.0~rc1", "1.0-rc1"),
            ("1.0~rc1-1", "1.0-rc1+1"),
            ("1.0~beta.2+dfsg-1", "1.0-beta.2+dfsg.1"),
            ("1.1.1n-0+deb11u5", "1.1.1+n.0.deb.11.u.5"),
            ("2.4.7-0ubuntu2", "2.4.7+0.ubuntu.2"),
            ("1.0-beta-1", "1.0+beta.1"),
            ("20230101", "20230101"),
        ] {
            assert_eq!(of_deb(native).as_deref(), Ok(version), "{native}");
        }
    }

    #[test]
    fn an_rpm_version_is_translated() {
        for (native, version) in [
            ("1.0-2", "1.0+2"),
            ("1.0-0", "1.0+0"),
            ("1.0-2.fc39", "1.0+2.fc.39"),
            ("1.0~rc1-1", "1.0-rc1+1"),
            ("1.0^git7-1", "1.0+git7.1"),
            ("1.0~rc1^git7-1", "1.0-rc1+git7.1"),
            ("1.0-2_1", "1.0+2.1"),
        ] {
            assert_eq!(of_rpm(native).as_deref(), Ok(version), "{native}");
        }
        assert_eq!(written_by_rpm(0, "1.0", "2", 64).as_deref(), Some("1.0-2"));
        assert_eq!(
            written_by_rpm(3, "1.0", "2", 64).as_deref(),
            Some("3:1.0-2")
        );
    }

    #[test]
    fn what_has_no_place_in_the_order_says_why() {
        for (native, code) in [
            ("1:2.0-1", "epoch: "),
            ("x:2.0-1", "epoch: "),
            ("1.0-1~bpo12+1", "native_version: "),
            ("1.0~beta~rc1-1", "native_version: "),
            ("1.0~~a", "native_version: "),
            ("1.0+dfsg~rc1-1", "native_version: "),
            ("1.0~", "native_version: "),
            ("1.0~+git", "native_version: "),
            ("1.2.3.4.5-1", "native_version: "),
            ("r23-1", "native_version: "),
            ("", "native_version: "),
            ("1.0-ä", "native_version: "),
        ] {
            let why = of_deb(native).expect_err(native).to_string();
            assert!(
                why.starts_with(code) && why.contains("?version="),
                "{native}: {why}"
            );
        }
        assert!(of_deb(&format!("1.0+{}-1", "a".repeat(64))).is_err());
    }

    /// Each list as `dpkg --compare-versions` and `rpmvercmp` order it.
    #[test]
    fn what_is_translated_keeps_its_order() {
        let debs = [
            "0.9-1",
            "1.0~beta-1",
            "1.0~rc1-1",
            "1.0~rc1-2",
            "1.0~rc1+dfsg-1",
            "1.0~rc2-1",
            "1.0",
            "1.0-1",
            "1.0-2",
            "1.0-2+deb12u1",
            "1.0-2+deb12u9",
            "1.0-2+deb12u10",
            "1.0-10",
            "1.0-10ubuntu2",
            "1.0-10ubuntu10",
            "1.0a-1",
            "1.0+dfsg-1",
            "1.0+dfsg-2",
            "1.0+dfsg1-1",
            "1.0+git20230101-1",
            "1.0.1~rc1-1",
            "1.0.1-1",
        ];
        let rpms = [
            "1.0~rc1-1",
            "1.0~rc1-2",
            "1.0~rc1^git1-1",
            "1.0-1",
            "1.0-1.fc9",
            "1.0-1.fc10",
            "1.0-2.fc9",
            "1.0-10.fc9",
            "1.0^git1-1",
            "1.0^git2-1",
            "1.0.1-1",
        ];
        let order = |native: &str, translated: Result<String, Untranslated>| {
            translated.expect(native).parse::<Version>().expect(native)
        };
        for pair in debs.windows(2) {
            assert!(
                order(pair[0], of_deb(pair[0])) < order(pair[1], of_deb(pair[1])),
                "{pair:?}"
            );
        }
        for pair in rpms.windows(2) {
            assert!(
                order(pair[0], of_rpm(pair[0])) < order(pair[1], of_rpm(pair[1])),
                "{pair:?}"
            );
        }
    }
}
