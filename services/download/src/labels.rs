//! What the facts of a package are called in front of people.

use std::borrow::Cow;

use slipway_contract::{Arch, Kind, Platform};
use slipway_runtime::http::page::Language;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::rules::offers::Obstacle;
use crate::texts::Texts;

/// `18.4 MB`: decimal units, as phones, Macs and file managers show them.
pub(crate) fn size(bytes: i64, language: Language) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let bytes = bytes.max(0);
    if bytes < 1000 {
        return format!("{bytes} {}", language.pick(["bytes", "字节"]));
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
pub(crate) fn date(unix_millis: i64, language: Language) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(unix_millis.div_euclid(1000)).ok()?;
    let written = match language {
        Language::English => time.format(format_description!(
            "[day padding:none] [month repr:long] [year]"
        )),
        Language::Chinese => time.format(format_description!(
            "[year]年[month padding:none]月[day padding:none]日"
        )),
    };
    written.ok()
}

pub(crate) const fn platform(platform: Platform, texts: &Texts) -> &'static str {
    match platform {
        Platform::Android => "Android",
        Platform::Ios => "iOS",
        Platform::Macos => "macOS",
        Platform::Windows => "Windows",
        Platform::Linux => "Linux",
        Platform::Harmony => "HarmonyOS",
        Platform::Any => texts.any_system,
        Platform::None => texts.other_file,
    }
}

/// What to look for to know whether it runs here; `None` where it runs everywhere.
pub(crate) fn arch(
    platform: Platform,
    arch: Arch,
    language: Language,
) -> Option<Cow<'static, str>> {
    let label = match (platform, arch) {
        (Platform::Macos, Arch::Aarch64) => ["Apple silicon", "Apple 芯片"],
        (Platform::Macos, Arch::X86_64) => ["Intel", "Intel 芯片"],
        (Platform::Macos, Arch::Universal) => {
            ["Apple silicon and Intel", "Apple 芯片和 Intel 芯片"]
        }
        (_, Arch::X86_64) => ["64-bit Intel or AMD", "64 位 Intel 或 AMD"],
        (_, Arch::X86) => ["32-bit Intel or AMD", "32 位 Intel 或 AMD"],
        (_, Arch::Aarch64) => ["64-bit ARM", "64 位 ARM"],
        (_, Arch::Armv7) => ["32-bit ARM", "32 位 ARM"],
        (_, Arch::Universal) => return None,
        (_, Arch::Named(name)) => return Some(Cow::Owned(name.as_str().to_owned())),
    };
    Some(Cow::Borrowed(language.pick(label)))
}

pub(crate) const fn kind(kind: Kind, language: Language) -> Option<&'static str> {
    Some(language.pick(match kind {
        Kind::Apk => ["APK"; 2],
        Kind::Aab => ["bundle for stores (AAB)", "应用商店包（AAB）"],
        Kind::Ipa => ["IPA"; 2],
        Kind::Deb => [
            "for Debian and Ubuntu (deb)",
            "用于 Debian 和 Ubuntu（deb）",
        ],
        Kind::Rpm => [
            "for Fedora and openSUSE (rpm)",
            "用于 Fedora 和 openSUSE（rpm）",
        ],
        Kind::AppImage => [
            "for any distribution (AppImage)",
            "用于任何发行版（AppImage）",
        ],
        Kind::Msi => ["installer (msi)", "安装程序（msi）"],
        Kind::Exe => ["program (exe)", "程序（exe）"],
        Kind::MachO => ["program", "程序"],
        Kind::Dmg => ["disk image (dmg)", "磁盘映像（dmg）"],
        Kind::Zip => ["archive (zip)", "压缩包（zip）"],
        Kind::TarGz => ["archive (tar.gz)", "压缩包（tar.gz）"],
        Kind::TarXz => ["archive (tar.xz)", "压缩包（tar.xz）"],
        Kind::TarZst => ["archive (tar.zst)", "压缩包（tar.zst）"],
        Kind::TarBz2 => ["archive (tar.bz2)", "压缩包（tar.bz2）"],
        Kind::SevenZip => ["archive (7z)", "压缩包（7z）"],
        Kind::Jar => ["for Java (jar)", "用于 Java（jar）"],
        Kind::Whl => ["for Python (wheel)", "用于 Python（wheel）"],
        Kind::Pkg => ["installer (pkg)", "安装程序（pkg）"],
        Kind::Snap => ["snap"; 2],
        Kind::Flatpak => ["Flatpak"; 2],
        Kind::Msix => ["app package (MSIX)", "应用包（MSIX）"],
        Kind::Nupkg => ["NuGet package", "NuGet 包"],
        Kind::Xapk => ["APK with its parts (XAPK)", "分包 APK（XAPK）"],
        Kind::Apks => ["APK with its parts (APKS)", "分包 APK（APKS）"],
        Kind::Apkm => ["APK with its parts (APKM)", "分包 APK（APKM）"],
        Kind::Hap => ["HAP"; 2],
        Kind::Other => return None,
    }))
}

/// Why a tap on the file leads to no installed app, and what does: a title and words.
pub(crate) const fn obstacle(obstacle: Obstacle, texts: &Texts) -> [&'static str; 2] {
    match obstacle {
        Obstacle::Ipa => texts.ipa,
        Obstacle::Aab => texts.aab,
        Obstacle::Parts => texts.parts,
        Obstacle::Part => texts.split,
        Obstacle::Hap => texts.hap,
    }
}

/// The version of Android that has an API level.
pub(crate) fn android(api_level: u32, language: Language) -> String {
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
        _ => {
            return match language {
                Language::English => format!("Android with API level {api_level} or newer"),
                Language::Chinese => format!("Android API 级别 {api_level} 或更高"),
            };
        }
    };
    match language {
        Language::English => format!("Android {version} or newer"),
        Language::Chinese => format!("Android {version} 或更高"),
    }
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
            assert_eq!(size(bytes, Language::English), text, "{bytes}");
        }
    }

    #[test]
    fn dates_are_written_out() {
        for (language, text) in [
            (Language::English, "18 November 2026"),
            (Language::Chinese, "2026年11月18日"),
        ] {
            assert_eq!(date(1_795_000_000_250, language).as_deref(), Some(text));
        }
        assert_eq!(date(i64::MAX, Language::English), None);
    }
}
