//! What the facts of a package are called in front of people.

use std::borrow::Cow;

use slipway_packages::{Arch, Kind, Platform};
use time::OffsetDateTime;
use time::macros::format_description;

/// `18.4 MB`: decimal units, as phones, Macs and file managers show them.
pub(crate) fn size(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let bytes = bytes.max(0);
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    // In tenths of a unit, rounded, so that 999,500 bytes are 1.0 MB and not 1000.0 kB.
    let mut tenths = bytes.saturating_add(50) / 100;
    let mut unit = 0;
    while tenths >= 9_995 && unit + 1 < UNITS.len() {
        tenths = (tenths + 500) / 1000;
        unit += 1;
    }
    let unit = UNITS[unit];
    match tenths {
        0..1000 => format!("{}.{} {unit}", tenths / 10, tenths % 10),
        _ => format!("{} {unit}", (tenths + 5) / 10),
    }
}

/// `24 November 2026`, in UTC.
pub(crate) fn date(unix_millis: i64) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(unix_millis.div_euclid(1000)).ok()?;
    time.format(format_description!(
        "[day padding:none] [month repr:long] [year]"
    ))
    .ok()
}

pub(crate) const fn platform(platform: Platform) -> &'static str {
    match platform {
        Platform::Android => "Android",
        Platform::Ios => "iOS",
        Platform::Macos => "macOS",
        Platform::Windows => "Windows",
        Platform::Linux => "Linux",
        Platform::Harmony => "HarmonyOS",
        Platform::Any => "Any system",
        Platform::None => "Other file",
    }
}

/// What to look for to know whether it runs here; `None` where it runs everywhere.
pub(crate) fn arch(platform: Platform, arch: Arch) -> Option<Cow<'static, str>> {
    let label = match (platform, arch) {
        (Platform::Macos, Arch::Aarch64) => "Apple silicon",
        (Platform::Macos, Arch::X86_64) => "Intel",
        (Platform::Macos, Arch::Universal) => "Apple silicon and Intel",
        (_, Arch::X86_64) => "64-bit Intel or AMD",
        (_, Arch::X86) => "32-bit Intel or AMD",
        (_, Arch::Aarch64) => "64-bit ARM",
        (_, Arch::Armv7) => "32-bit ARM",
        (_, Arch::Universal) => return None,
        (_, Arch::Named(name)) => return Some(Cow::Owned(name.as_str().to_owned())),
    };
    Some(Cow::Borrowed(label))
}

pub(crate) const fn kind(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Apk => "APK",
        Kind::Aab => "bundle for stores (AAB)",
        Kind::Ipa => "IPA",
        Kind::Deb => "for Debian and Ubuntu (deb)",
        Kind::Rpm => "for Fedora and openSUSE (rpm)",
        Kind::AppImage => "for any distribution (AppImage)",
        Kind::Msi => "installer (msi)",
        Kind::Exe => "program (exe)",
        Kind::MachO => "program",
        Kind::Dmg => "disk image (dmg)",
        Kind::Zip => "archive (zip)",
        Kind::TarGz => "archive (tar.gz)",
        Kind::TarXz => "archive (tar.xz)",
        Kind::TarZst => "archive (tar.zst)",
        Kind::TarBz2 => "archive (tar.bz2)",
        Kind::SevenZip => "archive (7z)",
        Kind::Jar => "for Java (jar)",
        Kind::Whl => "for Python (wheel)",
        Kind::Pkg => "installer (pkg)",
        Kind::Snap => "snap",
        Kind::Flatpak => "Flatpak",
        Kind::Msix => "app package (MSIX)",
        Kind::Nupkg => "NuGet package",
        Kind::Xapk => "APK with its parts (XAPK)",
        Kind::Apks => "APK with its parts (APKS)",
        Kind::Apkm => "APK with its parts (APKM)",
        Kind::Hap => "HAP",
        Kind::Other => return None,
    })
}

/// The version of Android that has an API level.
pub(crate) fn android(api_level: u32) -> String {
    let version = match api_level {
        19 => "4.4",
        21 => "5.0",
        22 => "5.1",
        23 => "6.0",
        24 => "7.0",
        25 => "7.1",
        26 => "8.0",
        27 => "8.1",
        28 => "9",
        29 => "10",
        30 => "11",
        31 => "12",
        32 => "12L",
        33 => "13",
        34 => "14",
        35 => "15",
        36 => "16",
        _ => return format!("Android with API level {api_level} or newer"),
    };
    format!("Android {version} or newer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_and_a_unit() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (99_949, "99.9 kB"),
            (100_000, "100 kB"),
            (999_449, "999 kB"),
            (999_450, "1.0 MB"),
            (18_432_100, "18.4 MB"),
            (2_147_483_648, "2.1 GB"),
            (i64::MAX, "9223372 TB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn dates_are_written_out() {
        assert_eq!(date(1_795_000_000_250).as_deref(), Some("18 November 2026"));
        assert_eq!(date(i64::MAX), None);
    }
}
