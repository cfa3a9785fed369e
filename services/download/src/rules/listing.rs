//! Which release of a channel somebody gets, and its packages in order.

use std::ops::ControlFlow;

use slipway_contract::Rank;

/// What a platform has in one release: that of the highest that holds something to offer, or else that of the highest which
/// has anything for the platform. Packages come release by release, the highest first.
pub(crate) struct Listing<Package> {
    /// Of the release that is being looked at.
    listed: Vec<(Rank, Package)>,
    version: String,
    /// Of the highest release, when it had nothing to offer.
    passed: Vec<(Rank, Package)>,
}

impl<Package> Listing<Package> {
    pub(crate) fn new() -> Self {
        Self {
            listed: Vec::new(),
            version: String::new(),
            passed: Vec::new(),
        }
    }

    /// Looks at the next package that is for the platform, of the release `version`; breaks when no further one changes
    /// anything.
    pub(crate) fn add(&mut self, version: &str, place: Rank, package: Package) -> ControlFlow<()> {
        if self.version != version {
            if is_offered(&self.listed) {
                return ControlFlow::Break(());
            }
            let before = std::mem::take(&mut self.listed);
            if self.passed.is_empty() {
                self.passed = before;
            }
            version.clone_into(&mut self.version);
        }
        self.listed.push((place, package));
        ControlFlow::Continue(())
    }

    /// The best first, and last what is for other machines. Of two that fit alike, the one that came first.
    pub(crate) fn finish(self) -> Vec<(Rank, Package)> {
        let mut listed = if self.passed.is_empty() || is_offered(&self.listed) {
            self.listed
        } else {
            self.passed
        };
        listed.sort_by_key(|(place, _)| *place);
        listed
    }
}

fn is_offered<Package>(listed: &[(Rank, Package)]) -> bool {
    listed.iter().any(|(place, _)| place.is_offered())
}

/// What `latest` gives of what a platform has, the best first: `None` where nothing fits.
pub(crate) fn latest<Package>(listed: Vec<(Rank, Package)>) -> Option<Package> {
    let best = listed.into_iter().next();
    best.filter(|(place, _)| place.is_offered())
        .map(|(_, package)| package)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use slipway_contract::{Arch, Kind, Platform, Wanted};

    use super::*;

    fn any_rank() -> impl Strategy<Value = Rank> {
        let arch = prop::sample::select(vec![Arch::Universal, Arch::X86_64, Arch::Aarch64]);
        let kind = prop::sample::select(vec![Kind::Deb, Kind::Rpm, Kind::TarGz]);
        (arch, kind, any::<bool>()).prop_map(|(arch, kind, is_usable)| {
            let wanted = Wanted {
                platform: Platform::Linux,
                arch: None,
                kind: None,
            };
            let place = wanted.place(Platform::Linux, arch, kind);
            let place = place.expect("for the platform");
            if is_usable {
                place
            } else {
                place.only_listed()
            }
        })
    }

    /// Releases, the highest first, each with its packages.
    fn any_releases() -> impl Strategy<Value = Vec<Vec<Rank>>> {
        prop::collection::vec(prop::collection::vec(any_rank(), 1..4), 0..5)
    }

    /// Every package is named by its release and its place in it.
    fn list(releases: &[Vec<Rank>]) -> Vec<(Rank, (usize, usize))> {
        let mut listing = Listing::new();
        'all: for (release, places) in releases.iter().enumerate() {
            for (at, place) in places.iter().enumerate() {
                let added = listing.add(&release.to_string(), *place, (release, at));
                if added.is_break() {
                    break 'all;
                }
            }
        }
        listing.finish()
    }

    proptest! {
        /// The rule in words: all of the highest release that offers something, else all of the highest.
        #[test]
        fn the_highest_release_that_offers_something_is_listed_whole(releases in any_releases()) {
            let offers = releases.iter().position(|places| places.iter().any(|place| place.is_offered()));
            let listed = list(&releases);
            let expected = offers.unwrap_or(0);
            prop_assert_eq!(listed.len(), releases.get(expected).map_or(0, Vec::len));
            prop_assert!(listed.iter().all(|(_, (release, _))| *release == expected));
            prop_assert!(listed.is_sorted_by_key(|(place, (_, at))| (*place, *at)));
        }

        #[test]
        fn latest_gives_the_best_that_fits_or_nothing(releases in any_releases()) {
            let all = releases.iter().flatten();
            let is_there = all.clone().any(|place| place.is_offered());
            let best = list(&releases).first().map(|(place, _)| *place);
            prop_assert_eq!(latest(list(&releases)).is_some(), is_there);
            if is_there {
                let (release, _) = latest(list(&releases)).expect("is there");
                prop_assert_eq!(best, releases[release].iter().min().copied());
            }
        }
    }
}
