use super::{Version, VersionError};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

#[test]
fn versions_are_ordered_as_semver_says_and_so_are_their_keys() {
    let ascending = [
        "0",
        "0.0.0.1",
        "0.9",
        "1.0.0-0",
        "1.0.0-2",
        "1.0.0-10",
        "1.0.0-99999999999999999999999",
        "1.0.0-alpha",
        "1.0.0-alpha+1",
        "1.0.0-alpha+a",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-alpha-1",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.0+0",
        "1.0.0+9",
        "1.0.0+41",
        "1.0.0+41.0",
        "1.0.0+41.a",
        "1.0.0+42",
        "1.0.0+100",
        "1.0.0+a",
        "1.0.0+a.1",
        "1.0.0+a.b",
        "1.0.0+a0",
        "1.0.0+b",
        "1.0.0.1",
        "1.0.1-rc.1",
        "1.0.1",
        "1.2",
        "1.10",
        "2.0.0--",
        "2.0.0-1a",
        "2",
        "10",
        "2026.01.05",
        "18446744073709551616",
    ];
    for pair in ascending.windows(2) {
        let (lower, higher) = (version(pair[0]), version(pair[1]));
        assert!(lower < higher, "{lower} < {higher}");
        assert!(lower.order_key() < higher.order_key(), "{lower} < {higher}");
    }
}

#[test]
fn versions_that_differ_only_in_spelling_are_the_same_version() {
    for (one, other) in [
        ("1", "1.0.0.0"),
        ("1+build.7", "1.0.0+build.07"),
        ("2026.01.05", "2026.1.5"),
        ("1-rc.1+x", "1.0.0-rc.1+x"),
        ("00", "0"),
    ] {
        assert_eq!(version(one), version(other));
        assert_eq!(version(one).order_key(), version(other).order_key());
        assert_eq!(version(one).to_string(), one);
    }
    assert_ne!(version("1.0-a"), version("1.0-A"));
    assert_ne!(version("1.0+a"), version("1.0+A"));
    assert_ne!(version("1.0"), version("1.0+0"));
}

#[test]
fn one_letter_before_the_numbers_is_left_out() {
    assert_eq!(version("v1.2.3").as_str(), "1.2.3");
    assert_eq!(version("V1.2+v7").as_str(), "1.2+v7");
    assert_eq!(version(&format!("v{}", "1".repeat(64))).as_str().len(), 64);
}

/// Keys that databases hold since 0.1.0.
#[test]
fn the_key_without_a_build_is_what_it_was() {
    for (text, key) in [
        ("0", "000000001"),
        ("1.0.0", "0110000001"),
        ("2026.01.05", "042026011015001"),
        ("1.2.3-rc.1", "011012013000272630010110"),
    ] {
        assert_eq!(version(text).order_key(), key);
    }
    for text in ["1.0", "1.0-rc.1"] {
        let (plain, built) = (version(text), version(&format!("{text}+41")));
        assert_eq!(plain.order_key(), plain.precedence_key());
        assert_eq!(built.precedence_key(), plain.order_key());
        assert_eq!(built.order_key(), format!("{}102410f", plain.order_key()));
        assert!(!plain.order_key().ends_with('f'));
        let complete = |text, key: &Version| Version::complete_key(text, key.order_key());
        assert_eq!(
            complete(built.as_str(), &plain).as_deref(),
            Some(built.order_key())
        );
        assert_eq!(complete(built.as_str(), &built), None);
        assert_eq!(complete(plain.as_str(), &plain), None);
        assert_eq!(complete("1.1+41", &plain), None);
    }
}

#[test]
fn what_is_not_a_version_says_why() {
    for (bad, error) in [
        ("", VersionError::Empty),
        ("v", VersionError::Empty),
        ("vv1.2", VersionError::NotANumber("v1".into())),
        ("latest", VersionError::NotANumber("latest".into())),
        ("1..2", VersionError::NotANumber(String::new())),
        ("-rc", VersionError::NotANumber(String::new())),
        ("1.2.3.4.5", VersionError::TooManyNumbers(5)),
        ("1.0-", VersionError::EmptyIdentifier),
        ("1.0-a..b", VersionError::EmptyIdentifier),
        ("1.0+", VersionError::EmptyIdentifier),
        ("1.0+a+b", VersionError::Character('+')),
        ("1.0 beta", VersionError::Space),
        ("1/2", VersionError::Character('/')),
        ("1.٣", VersionError::Character('٣')),
        (&"1".repeat(65), VersionError::TooLong(65)),
    ] {
        assert_eq!(bad.parse::<Version>().map(|v| v.text), Err(error), "{bad}");
    }
}

#[test]
fn a_build_does_not_make_a_pre_release() {
    assert!(version("1.0-rc.1+a-b").is_pre_release());
    assert!(!version("1.0+a-b").is_pre_release());
}

#[test]
fn keys_hold_nothing_that_a_collation_could_reorder() {
    let key = version("1.2.3-Beta.4-x+y");
    assert!(
        key.order_key()
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    );
}
