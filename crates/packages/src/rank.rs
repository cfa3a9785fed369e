//! Which of a release's packages somebody gets who names a platform and not a file.

use crate::{Arch, Kind, Platform};

/// What was asked for at `latest/{platform}?arch=&kind=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub platform: Platform,
    pub arch: Option<Arch>,
    pub kind: Option<Kind>,
}

/// How well a package fits; the smallest is the one to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    platform: u8,
    arch: u8,
    kind: u8,
}

impl Wanted {
    /// The rank of a package, or `None` when it does not fit.
    ///
    /// The platform's own before what runs on any; then the exact architecture before universal
    /// (where none was named, universal first: it runs for whoever asked); then what installs and
    /// removes most cleanly: `appimage deb rpm tar.gz`, `msi exe zip`, `dmg zip`.
    pub fn rank(self, platform: Platform, arch: Arch, kind: Kind) -> Option<Rank> {
        let platform = match platform {
            own if own == self.platform => 0,
            Platform::Any if self.platform != Platform::None => 1,
            _ => return None,
        };
        let arch = match self.arch {
            Some(wanted) if wanted == arch => 0,
            Some(_) if arch == Arch::Universal => 1,
            Some(_) => return None,
            None => u8::from(arch != Arch::Universal),
        };
        if self.kind.is_some_and(|wanted| wanted != kind) {
            return None;
        }
        Some(Rank {
            platform,
            arch,
            kind: ease(kind),
        })
    }
}

/// One list serves every platform: the kinds of two platforms never meet in one answer, save the
/// archives, which stand in the same order everywhere. An AAB is for a store, not for a phone: last.
fn ease(kind: Kind) -> u8 {
    match kind {
        Kind::Apk | Kind::Ipa | Kind::AppImage | Kind::Msi | Kind::Dmg | Kind::Hap => 0,
        Kind::Deb | Kind::Exe | Kind::Pkg | Kind::Xapk | Kind::Apks | Kind::Apkm => 1,
        Kind::Rpm | Kind::Msix => 2,
        Kind::Flatpak | Kind::Snap => 3,
        Kind::TarGz | Kind::TarXz | Kind::TarZst | Kind::TarBz2 => 4,
        Kind::Zip | Kind::SevenZip => 5,
        Kind::Jar | Kind::Whl | Kind::Nupkg => 6,
        Kind::MachO => 7,
        Kind::Other => 8,
        Kind::Aab => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;
    use crate::{Arch, Kind, Platform};

    fn best(wanted: Wanted, packages: &[(Platform, Arch, Kind)]) -> Option<usize> {
        (0..packages.len())
            .filter_map(|index| {
                let (platform, arch, kind) = packages[index];
                wanted.rank(platform, arch, kind).map(|rank| (rank, index))
            })
            .min()
            .map(|(_, index)| index)
    }

    #[test]
    fn exact_architecture_beats_universal_and_the_kind_decides_last() {
        use Arch::{Aarch64, Universal, X86_64};
        let packages = [
            (Platform::Linux, Universal, Kind::AppImage),
            (Platform::Linux, X86_64, Kind::TarGz),
            (Platform::Linux, X86_64, Kind::Deb),
            (Platform::Linux, Aarch64, Kind::AppImage),
        ];
        let wanted = |arch, kind| Wanted {
            platform: Platform::Linux,
            arch,
            kind,
        };
        assert_eq!(best(wanted(Some(X86_64), None), &packages), Some(2));
        assert_eq!(best(wanted(Some(Aarch64), None), &packages), Some(3));
        assert_eq!(best(wanted(Some(Arch::X86), None), &packages), Some(0));
        assert_eq!(best(wanted(None, None), &packages), Some(0));
        assert_eq!(best(wanted(None, Some(Kind::TarGz)), &packages), Some(1));
        assert_eq!(best(wanted(Some(X86_64), Some(Kind::Rpm)), &packages), None);
    }

    #[test]
    fn each_platform_has_its_order_of_kinds() {
        for (platform, kinds) in [
            (
                Platform::Linux,
                &[Kind::AppImage, Kind::Deb, Kind::Rpm, Kind::TarGz][..],
            ),
            (Platform::Windows, &[Kind::Msi, Kind::Exe, Kind::Zip]),
            (Platform::Macos, &[Kind::Dmg, Kind::Zip]),
            (Platform::Android, &[Kind::Apk, Kind::Aab]),
        ] {
            let wanted = Wanted {
                platform,
                arch: None,
                kind: None,
            };
            let ranks: Vec<_> = kinds
                .iter()
                .map(|kind| wanted.rank(platform, Arch::X86_64, *kind).unwrap())
                .collect();
            assert!(ranks.is_sorted_by(|one, next| one < next), "{platform}");
        }
    }

    #[test]
    fn what_counts_for_no_platform_fits_none() {
        let rank = |wanted, own| {
            let wanted = Wanted {
                platform: wanted,
                arch: None,
                kind: None,
            };
            wanted.rank(own, Arch::Universal, Kind::Other)
        };
        for platform in Platform::ALL {
            let fits = platform == Platform::None;
            assert_eq!(rank(platform, Platform::None).is_some(), fits, "{platform}");
        }
        assert!(rank(Platform::None, Platform::Any).is_none());
        assert!(rank(Platform::None, Platform::Linux).is_none());
    }

    #[test]
    fn another_platform_never_fits_and_any_comes_last() {
        let wanted = Wanted {
            platform: Platform::Windows,
            arch: Some(Arch::X86_64),
            kind: None,
        };
        let packages = [
            (Platform::Any, Arch::X86_64, Kind::Zip),
            (Platform::Linux, Arch::X86_64, Kind::Deb),
            (Platform::Windows, Arch::Universal, Kind::Exe),
        ];
        assert_eq!(best(wanted, &packages), Some(2));
        assert_eq!(best(wanted, &packages[..2]), Some(0));
        assert_eq!(best(wanted, &packages[1..2]), None);
    }
}
