//! The versions before the one that the page is about.

use slipway_contract::Version;

/// Some of them, the newest first.
pub(crate) struct Older<Package> {
    pub(crate) releases: Vec<OlderRelease<Package>>,
    /// Whether there are more.
    pub(crate) is_cut: bool,
}

/// A release with its packages, at least one.
pub(crate) struct OlderRelease<Package> {
    pub(crate) version: String,
    pub(crate) packages: Vec<Package>,
}

/// How many releases below `version` are read to show `limit`: one more, which tells whether there are more. `None` where
/// there are none to show.
pub(crate) fn to_read(version: &str, limit: u16) -> Option<i64> {
    let is_version = version.parse::<Version>().is_ok();
    (limit > 0 && is_version).then(|| i64::from(limit) + 1)
}

/// The first `limit` releases of packages that come release by release, each with its version.
pub(crate) fn group<Package>(
    packages: impl IntoIterator<Item = (String, Package)>,
    limit: u16,
) -> Older<Package> {
    let mut releases: Vec<OlderRelease<Package>> = Vec::new();
    for (version, package) in packages {
        match releases.last_mut() {
            Some(last) if last.version == version => last.packages.push(package),
            _ => releases.push(OlderRelease {
                version,
                packages: vec![package],
            }),
        }
    }
    let is_cut = releases.len() > usize::from(limit);
    releases.truncate(usize::from(limit));
    Older { releases, is_cut }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_older_than_what_is_no_version() {
        assert_eq!(to_read("1.0", 10), Some(11));
        assert_eq!(to_read("1.0", 0), None);
        assert_eq!(to_read("", 10), None);
        assert_eq!(to_read("latest", 10), None);
    }

    proptest! {
        /// Every release is shown whole, none beyond the limit, and that there are more is said.
        #[test]
        fn releases_are_shown_whole_up_to_the_limit(sizes in prop::collection::vec(1_usize..4, 0..6), limit in 0_u16..6) {
            let packages = sizes.iter().enumerate().flat_map(|(release, size)| {
                (0..*size).map(move |at| (release.to_string(), at))
            });
            let older = group(packages, limit);
            let shown: Vec<_> = older.releases.iter().map(|release| release.packages.len()).collect();
            prop_assert_eq!(&shown[..], &sizes[..sizes.len().min(usize::from(limit))]);
            prop_assert_eq!(older.is_cut, sizes.len() > usize::from(limit));
        }
    }
}
