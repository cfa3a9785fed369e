//! Jars (Oracle, "JAR File Specification") and wheels (`PyPA`, "Binary distribution format").

use std::collections::BTreeSet;

use slipway_contract::{Arch, Facts, Platform};

use super::manifests::Zipped;
use crate::facts::Fill as _;
use crate::source::Fault;

pub(super) const JAR: &[u8] = b"META-INF/MANIFEST.MF";

/// `<name>.dist-info/WHEEL`.
pub(super) fn is_wheel(name: &[u8]) -> bool {
    in_folder(name, b".dist-info/WHEEL")
}

fn is_metadata(name: &[u8]) -> bool {
    in_folder(name, b".dist-info/METADATA")
}

/// Whether the name is that of a file in a folder at the top, both with this end.
fn in_folder(name: &[u8], end: &[u8]) -> bool {
    name.strip_suffix(end)
        .is_some_and(|folder| !folder.is_empty() && !folder.contains(&b'/'))
}

pub(super) fn describe_jar(
    facts: &mut Facts,
    zipped: &mut Zipped<'_, '_, '_>,
) -> Result<(), Fault> {
    let manifest = unfolded(&zipped.manifest(JAR)?, "");
    let find = |names: &[&str]| names.iter().find_map(|name| field(&manifest, name));
    // Directives follow the name.
    let bundle = find(&["Bundle-SymbolicName", "Automatic-Module-Name"]);
    let bundle = bundle.and_then(|name| name.split(';').next());
    let version = find(&[
        "Implementation-Version",
        "Bundle-Version",
        "Specification-Version",
    ]);
    facts.say(bundle, version, zipped.limits);
    if let Some(label) = find(&["Implementation-Title", "Bundle-Name"]) {
        facts.say_label(label, zipped.limits);
    }
    facts.arch = Some(Arch::Universal);
    Ok(())
}

pub(super) fn describe_wheel(
    facts: &mut Facts,
    zipped: &mut Zipped<'_, '_, '_>,
) -> Result<(), Fault> {
    let wheel = unfolded(&zipped.manifest_that(is_wheel)?, "");
    target(facts, &wheel);
    let metadata = unfolded(&zipped.manifest_that(is_metadata)?, " ");
    facts.say(
        field(&metadata, "Name"),
        field(&metadata, "Version"),
        zipped.limits,
    );
    Ok(())
}

/// What a wheel runs on, out of its tags, such as `cp312-cp312-manylinux_2_17_x86_64`. One for all systems is for any.
fn target(facts: &mut Facts, wheel: &str) {
    let tags = wheel.lines().filter_map(|line| line.strip_prefix("Tag:"));
    let systems = tags.filter_map(|tag| tag.trim().splitn(3, '-').nth(2));
    let mut arches = Vec::new();
    let mut platforms = BTreeSet::new();
    for system in systems.flat_map(|systems| systems.split('.')) {
        let (platform, arch) = system_of(system);
        platforms.insert(platform);
        arches.push(arch);
    }
    match platforms.first() {
        Some(Platform::None) if platforms.len() == 1 => {
            facts.set_no_platform("a system that its tags name");
        }
        Some(platform) if platforms.len() == 1 => facts.platform = Some(*platform),
        _ => {}
    }
    facts.arch = Some(Arch::Universal);
    facts.set_arches(arches);
}

fn system_of(system: &str) -> (Platform, &str) {
    // `macosx_11_0_arm64`, `manylinux_2_17_x86_64`: numbers stand between the system and the architecture.
    let arch = system.split_once('_').map_or(system, |(_, rest)| {
        rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_')
    });
    match system.split(|c: char| !c.is_ascii_alphabetic()).next() {
        Some("macosx") => (Platform::Macos, arch),
        // The device or the simulator follows (PEP 730).
        Some("ios") => {
            let device = arch
                .rsplit_once('_')
                .filter(|(_, sdk)| sdk.starts_with("iphone"));
            (Platform::Ios, device.map_or(arch, |(arch, _)| arch))
        }
        Some("android") => (Platform::Android, arch),
        Some("linux" | "manylinux" | "musllinux") => (Platform::Linux, arch),
        Some("win") if system == "win32" => (Platform::Windows, "x86"),
        Some("win") => (Platform::Windows, arch),
        _ if system == "any" => (Platform::Any, "any"),
        // Such as `pyodide_2024_0_wasm32` and `freebsd_14_0_release_amd64`.
        _ => (Platform::None, arch),
    }
}

/// The first part of a manifest, up to an empty line, with the lines that go on in the next one whole.
fn unfolded(bytes: &[u8], between: &str) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut whole = String::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix([' ', '\t']) {
            whole.push_str(between);
            whole.push_str(rest);
        } else {
            whole.push('\n');
            whole.push_str(line);
        }
    }
    whole
}

fn field<'a>(manifest: &'a str, name: &str) -> Option<&'a str> {
    let found = manifest
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(own, _)| own.eq_ignore_ascii_case(name));
    found
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::target;
    use slipway_contract::{Arch, Facts, Kind, Platform};

    #[test]
    fn a_wheel_runs_on_what_its_tags_say() {
        let of = |tags: &[&str]| {
            let mut facts = Facts::of(Kind::Whl);
            let lines: Vec<String> = tags.iter().map(|tag| format!("Tag: {tag}")).collect();
            target(&mut facts, &lines.join("\n"));
            (facts.platform.unwrap(), facts.arch.unwrap())
        };
        let all = (Platform::Any, Arch::Universal);
        assert_eq!(of(&["py2-none-any", "py3-none-any"]), all);
        assert_eq!(of(&[]), all);
        for (tag, platform, arch) in [
            (
                "cp312-cp312-manylinux_2_17_x86_64",
                Platform::Linux,
                Arch::X86_64,
            ),
            (
                "cp312-cp312-manylinux2014_aarch64",
                Platform::Linux,
                Arch::Aarch64,
            ),
            (
                "cp312-abi3-musllinux_1_2_armv7l",
                Platform::Linux,
                Arch::Armv7,
            ),
            ("cp312-cp312-linux_x86_64", Platform::Linux, Arch::X86_64),
            (
                "cp312-cp312-macosx_11_0_arm64",
                Platform::Macos,
                Arch::Aarch64,
            ),
            (
                "cp312-cp312-macosx_10_9_universal2",
                Platform::Macos,
                Arch::Universal,
            ),
            (
                "cp313-cp313-ios_13_0_arm64_iphoneos",
                Platform::Ios,
                Arch::Aarch64,
            ),
            (
                "cp312-cp312-pyodide_2024_0_wasm32",
                Platform::None,
                "wasm32".parse().unwrap(),
            ),
            ("py3-none-win32", Platform::Windows, Arch::X86),
            ("py3-none-win_amd64", Platform::Windows, Arch::X86_64),
            ("py3-none-win_arm64", Platform::Windows, Arch::Aarch64),
            (
                "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
                Platform::Linux,
                Arch::X86_64,
            ),
        ] {
            assert_eq!(of(&[tag]), (platform, arch), "{tag}");
        }
    }
}
