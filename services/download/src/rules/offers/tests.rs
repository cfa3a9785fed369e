//! Which file the page gives to whom.

use proptest::prelude::*;
use slipway_contract::package::File;
use slipway_contract::{Digest, Word};

use super::*;

fn package(version: &str, filename: &str, kind: &str, platform: &str, arch: &str) -> Package {
    Package {
        file: File {
            filename: filename.parse().expect("a name"),
            sha256: Digest::from_bytes([0; 32]),
            size: 1,
            kind: Word::read(kind),
            platform: Word::read(platform),
            arch: Word::read(arch),
        },
        blocks: None,
        signature: String::new(),
        facts: "{}".to_owned(),
        version: version.to_owned(),
        visibility: "published".to_owned().into(),
        reason: None,
        published_at: None,
    }
}

/// The page of a channel that holds `packages` of one release, for somebody with this machine.
fn page(device: Device, packages: &[Package]) -> Offers {
    let listed = wanted(device).map_or_else(Vec::new, |wanted| {
        let place = |package: &Package| {
            let place = fit::place(&package.file, &package.facts, wanted)?;
            Some((place, package.clone()))
        };
        let mut listed: Vec<_> = packages.iter().filter_map(place).collect();
        listed.sort_by_key(|(place, _)| *place);
        listed
    });
    let own = |platform: Platform| {
        let is_own = |package: &&Package| package.file.platform == platform && is_listed(package);
        let own: Vec<_> = packages.iter().filter(is_own).cloned().collect();
        (!own.is_empty()).then_some((platform, own))
    };
    let own = Platform::ALL.into_iter().filter_map(own).collect();
    Offers::arrange(device, listed, own)
}

/// Whether it stands among the files of its own platform.
fn is_listed(package: &Package) -> bool {
    package.file.platform.known().is_some_and(|platform| {
        let wanted = Wanted {
            platform: *platform,
            arch: None,
            kind: None,
        };
        fit::place(&package.file, &package.facts, wanted).is_some()
    })
}

fn device(platform: Platform, arch: Option<Arch>) -> Device {
    Device {
        platform: Some(platform),
        arch,
    }
}

fn names(offer: Option<&Offer>) -> Vec<&str> {
    let packages = offer.map(|offer| offer.packages.as_slice());
    let names = packages.unwrap_or_default().iter();
    names
        .map(|package| package.file.filename.as_str())
        .collect()
}

fn all() -> Vec<Package> {
    vec![
        package("1.0", "x64.apk", "apk", "android", "x86_64"),
        package("1.0", "arm64.apk", "apk", "android", "aarch64"),
        package("1.0", "notes.ipa", "ipa", "ios", "aarch64"),
        package("1.0", "notes.dmg", "dmg", "macos", "universal"),
        package("1.0", "notes.jar", "jar", "any", "universal"),
    ]
}

#[test]
fn a_phone_gets_what_nearly_every_phone_runs() {
    let offers = page(device(Platform::Android, None), &all());
    assert_eq!(names(offers.first.as_ref()), ["arm64.apk", "x64.apk"]);
    assert_eq!(offers.installs_on(|_| false), Some(Platform::Android));
    assert_eq!(offers.installs_on(|_| true), None);
    let others: Vec<_> = offers.others.iter().map(|offer| offer.platform).collect();
    assert_eq!(others, [Platform::Ios, Platform::Macos, Platform::Any]);
}

#[test]
fn a_mac_may_be_a_tablet() {
    let offers = page(device(Platform::Macos, None), &all());
    assert_eq!(names(offers.first.as_ref()), ["notes.dmg"]);
    assert_eq!(names(offers.perhaps.as_ref()), ["notes.ipa"]);
}

#[test]
fn a_file_for_any_system_stands_once() {
    let offers = page(device(Platform::Windows, None), &all());
    assert_eq!(names(offers.first.as_ref()), ["notes.jar"]);
    assert!(
        offers
            .others
            .iter()
            .all(|offer| offer.platform != Platform::Any)
    );
    // It installs as whatever it is, and not as a program of the visitor's system.
    assert_eq!(offers.installs_on(|_| false), None);
}

#[test]
fn what_no_device_installs_is_first_where_the_page_can_say_why() {
    let bundle = package("1.0", "a.aab", "aab", "android", "aarch64");
    let offers = page(
        device(Platform::Android, None),
        std::slice::from_ref(&bundle),
    );
    assert_eq!(names(offers.first.as_ref()), ["a.aab"]);
    assert_eq!(obstacle(&bundle), Some(Obstacle::Aab));
    assert_eq!(offers.installs_on(|_| false), None);
    let part = Package {
        facts: r#"{"split":"config.de"}"#.to_owned(),
        ..package("1.0", "a.apk", "apk", "android", "aarch64")
    };
    assert_eq!(obstacle(&part), Some(Obstacle::Part));
    // For another machine, without a word that the page could say.
    let offers = page(
        device(Platform::Linux, Some(Arch::X86)),
        &[package("1.0", "a.deb", "deb", "linux", "aarch64")],
    );
    assert!(offers.first.is_none());
    assert_eq!(names(offers.others.first()), ["a.deb"]);
}

#[test]
fn the_page_is_about_the_visitors_version_or_the_highest_for_a_system() {
    let offer = |version, platform| {
        let name = Platform::as_str(platform);
        let package = package(version, "a.bin", "other", name, "universal");
        Offer::new(platform, vec![package])
    };
    let others = [
        offer("1.0", Platform::Linux),
        offer("1.10", Platform::Macos),
        offer("1.9", Platform::Windows),
        offer("2.0", Platform::None),
    ];
    let offers = |first| Offers {
        first,
        perhaps: None,
        others: others.iter().flatten().map(clone).collect(),
    };
    assert_eq!(offers(None).version(), Some("1.10"));
    let first = offer("0.9", Platform::Android);
    assert_eq!(offers(first).version(), Some("0.9"));
}

fn clone(offer: &Offer) -> Offer {
    Offer {
        platform: offer.platform,
        version: offer.version.clone(),
        packages: offer.packages.clone(),
    }
}

fn any_package() -> impl Strategy<Value = (&'static str, &'static str, &'static str)> {
    let kind = prop::sample::select(vec![
        "apk", "aab", "ipa", "deb", "dmg", "msi", "zip", "later",
    ]);
    let platform = prop::sample::select(vec![
        "android", "ios", "macos", "windows", "linux", "any", "none", "later",
    ]);
    let arch = prop::sample::select(vec!["universal", "x86_64", "aarch64", "armv7", "ppc64le"]);
    (kind, platform, arch)
}

proptest! {
    /// Every file of a known platform stands on the page once, and what is first is what `latest` gives or one of its rank
    /// that nearly every phone runs.
    #[test]
    fn every_file_is_offered_once(kinds in prop::collection::vec(any_package(), 0..8), system in 0..Platform::ALL.len() + 1) {
        let packages: Vec<_> = kinds
            .iter()
            .enumerate()
            .map(|(at, (kind, platform, arch))| package("1.0", &format!("{at}.bin"), kind, platform, arch))
            .collect();
        let device = Device { platform: Platform::ALL.get(system).copied(), arch: None };
        let offers = page(device, &packages);
        let mut shown: Vec<_> = offers.all().flat_map(|offer| names(Some(offer))).collect();
        shown.sort_unstable();
        let listed = packages.iter().filter(|package| is_listed(package));
        let listed: Vec<_> = listed.map(|package| package.file.filename.as_str()).collect();
        prop_assert_eq!(shown, listed);
        if let Some(first) = &offers.first {
            let best = first.best().expect("never empty");
            prop_assert!(best.file.kind.known().is_some() && best.file.arch.known().is_some());
            let place = fit::place(&best.file, &best.facts, wanted(device).expect("a machine"));
            let anything = packages.iter().filter_map(|package| fit::place(&package.file, &package.facts, wanted(device)?));
            let is_offered = anything.clone().any(Rank::is_offered);
            prop_assert_eq!(place.map(Rank::is_offered), Some(is_offered));
        }
    }
}
