//! Which of a release's packages somebody gets who names a platform and not a file.

use crate::{arch::Arch, kind::Kind, platform::Platform};

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
    is_listed_only: bool,
    platform: u8,
    arch: u8,
    kind: u8,
}

impl Rank {
    /// Whether it is given to who asked. What only stands in a list is for other machines of the platform.
    pub fn is_offered(self) -> bool {
        !self.is_listed_only
    }

    /// The place of what nobody can use alone.
    #[must_use]
    pub fn only_listed(self) -> Self {
        Self {
            is_listed_only: true,
            ..self
        }
    }
}

impl Wanted {
    /// The rank of a package to give, or `None` when it does not fit.
    ///
    /// The platform's own before what runs on any; then the exact architecture before universal; then what installs and
    /// removes most cleanly: `appimage deb rpm tar.gz`, `msi exe zip`, `dmg zip`. Where no architecture was named, it is
    /// universal, then `x86_64`, `aarch64` and the others by name; one that is not known here is for who names it.
    pub fn rank(self, platform: Platform, arch: Arch, kind: Kind) -> Option<Rank> {
        self.place(platform, arch, kind)
            .filter(|rank| rank.is_offered())
    }

    /// The place of a package in a list of all that the platform has: what is for other machines stands at the end.
    pub fn place(self, platform: Platform, arch: Arch, kind: Kind) -> Option<Rank> {
        let platform = match platform {
            own if own == self.platform => 0,
            Platform::Any if self.platform != Platform::None => 1,
            _ => return None,
        };
        if self.kind.is_some_and(|wanted| wanted != kind) {
            return None;
        }
        // A bundle is for a store: nobody installs it.
        let is_for_store = kind == Kind::Aab && self.kind.is_none();
        let fits = match self.arch {
            Some(wanted) => self.fits(wanted, arch),
            None => (!matches!(arch, Arch::Named(_))).then(|| usual(arch)),
        };
        Some(Rank {
            is_listed_only: fits.is_none() || is_for_store,
            platform,
            arch: fits.unwrap_or_else(|| usual(arch)),
            kind: ease(kind),
        })
    }

    fn fits(self, wanted: Arch, arch: Arch) -> Option<u8> {
        if wanted.is_same(&arch) {
            return Some(0);
        }
        match (wanted, arch) {
            (_, Arch::Universal) => Some(1),
            // Every Windows runs 32-bit programs, and most installers are some, whatever they install.
            (Arch::X86_64 | Arch::Aarch64, Arch::X86) if self.platform == Platform::Windows => {
                Some(2)
            }
            _ => None,
        }
    }
}

/// For somebody who named no architecture.
fn usual(arch: Arch) -> u8 {
    match arch {
        Arch::Universal => 0,
        Arch::X86_64 => 1,
        Arch::Aarch64 => 2,
        Arch::Armv7 => 3,
        Arch::X86 => 4,
        Arch::Named(_) => 5,
    }
}

/// Whether a file of this name is the source of a package, or a part of it (`rpmbuild(8)`, `dsc(5)`): nobody installs it,
/// whatever is said of it.
pub fn is_source_package(filename: &str) -> bool {
    let name = filename.to_ascii_lowercase();
    let ends = [".src.rpm", ".nosrc.rpm", ".dsc"];
    let holds = [".orig.tar.", ".debian.tar."];
    ends.iter().any(|ending| name.ends_with(ending)) || holds.iter().any(|part| name.contains(part))
}

/// One list serves every platform: the kinds of two platforms never meet in one answer, save the
/// archives, which stand in the same order everywhere.
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
    use crate::{arch::Arch, kind::Kind, platform::Platform};

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
            (Platform::Android, &[Kind::Apk, Kind::Xapk]),
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
    fn without_an_architecture_those_that_are_known_are_offered_in_their_order() {
        let power: Arch = "ppc64el".parse().unwrap();
        let order = [
            Arch::Universal,
            Arch::X86_64,
            Arch::Aarch64,
            Arch::Armv7,
            Arch::X86,
        ];
        let of = |wanted: Option<Arch>, arch| {
            let wanted = Wanted {
                platform: Platform::Linux,
                arch: wanted,
                kind: None,
            };
            wanted.rank(Platform::Linux, arch, Kind::Deb)
        };
        let ranks: Vec<_> = order.iter().map(|arch| of(None, *arch).unwrap()).collect();
        assert!(ranks.is_sorted_by(|one, next| one < next));
        assert_eq!(of(None, power), None);
        assert!(of(Some(power), power) < of(Some(power), Arch::Universal));
        assert!(of(Some("ppc64le".parse().unwrap()), power).is_some());
        for arch in order {
            let fits =
                of(Some(arch), power).or(of(Some(power), arch).filter(|_| arch != Arch::Universal));
            assert_eq!(fits, None, "{arch}");
        }
    }

    #[test]
    fn what_is_for_other_machines_stands_last_in_a_list() {
        let wanted = Wanted {
            platform: Platform::Linux,
            arch: Some(Arch::Aarch64),
            kind: None,
        };
        let place = |arch| wanted.place(Platform::Linux, arch, Kind::Deb).unwrap();
        let last = place("ppc64".parse().unwrap());
        assert!(place(Arch::X86_64) < last && !last.is_offered());
        assert!(place(Arch::Universal) < place(Arch::X86_64));
        assert!(!place(Arch::X86_64).is_offered() && place(Arch::Universal).is_offered());
        assert_eq!(
            wanted.place(Platform::Macos, Arch::Aarch64, Kind::Dmg),
            None
        );
    }

    #[test]
    fn every_windows_runs_32_bit_programs() {
        let of = |platform, wanted, arch| {
            let wanted = Wanted {
                platform,
                arch: Some(wanted),
                kind: None,
            };
            wanted.rank(platform, arch, Kind::Exe)
        };
        let windows = |wanted, arch| of(Platform::Windows, wanted, arch);
        assert!(windows(Arch::X86_64, Arch::Universal) < windows(Arch::X86_64, Arch::X86));
        assert!(windows(Arch::Aarch64, Arch::X86).is_some());
        assert!(windows(Arch::X86, Arch::X86_64).is_none());
        assert!(of(Platform::Linux, Arch::X86_64, Arch::X86).is_none());
    }

    #[test]
    fn a_bundle_is_for_a_store_that_asks_for_it() {
        let of = |kind| {
            let wanted = Wanted {
                platform: Platform::Android,
                arch: Some(Arch::Aarch64),
                kind,
            };
            wanted.rank(Platform::Android, Arch::Aarch64, Kind::Aab)
        };
        assert!(of(None).is_none() && of(Some(Kind::Aab)).is_some());
    }

    #[test]
    fn a_source_package_is_known_by_its_name() {
        for name in [
            "notes-1.0-1.src.rpm",
            "notes_1.0-1.dsc",
            "notes_1.0.orig.tar.xz",
        ] {
            assert!(super::is_source_package(name), "{name}");
        }
        for name in ["notes-1.0.rpm", "src.rpm.zip", "notes.tar.xz", "dsc"] {
            assert!(!super::is_source_package(name), "{name}");
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
