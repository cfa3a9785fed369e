//! Android packages: what an APK says of itself.

mod content;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod icon;
mod manifest;
mod picture;
mod prefixed;
mod resources;
mod signer;
mod strings;
mod value;
mod xml;

use std::collections::BTreeSet;

pub use self::content::{ContentAlgorithm, ContentDigest, ContentDigests};

use slipway_contract::{Arch, Facts, Kind};

use self::{
    icon::Icons,
    manifest::Manifest,
    resources::{Found, Resources},
    value::Value,
};
use crate::facts::Fill as _;
use crate::{
    facts::shown,
    limits::Limits,
    source::{Fault, Source},
    zip::Archive,
};

pub(crate) const MANIFEST: &[u8] = b"AndroidManifest.xml";

/// ABIs that are listed; Android has seven.
const ABIS: usize = 16;

/// The facts of an APK, and into `content` what it says of its own bytes. What cannot be read is a warning, save the
/// block of its signatures: without that Android does not install it.
pub(crate) fn read(
    source: &mut Source<'_>,
    archive: &Archive,
    content: &mut Option<ContentDigests>,
    limits: &Limits,
) -> Result<Facts, Fault> {
    let mut facts = Facts::of(Kind::Apk);
    native_code(&mut facts, archive.names());
    let signatures = signer::read(source, archive, limits);
    if let Some(signatures) = facts.or_warning("the signature", signatures)? {
        facts.signer_sha256 = signatures.certificate;
        *content = signatures.content;
        if signatures.is_unclear {
            facts.warn("its signature says nothing of its content that could be compared");
        }
        if facts.signer_sha256.is_none() {
            facts.warn("the APK is not signed: Android does not install it");
        }
    }
    let bytes = archive
        .bytes(source, MANIFEST, limits.manifest)
        .and_then(|bytes| {
            let manifest = bytes.as_deref().and_then(Manifest::read);
            manifest.ok_or_else(|| Fault::malformed("it is damaged"))
        });
    if let Some(manifest) = facts.or_warning("AndroidManifest.xml", bytes)? {
        describe(&mut facts, source, archive, limits, manifest)?;
    }
    Ok(facts)
}

fn describe(
    facts: &mut Facts,
    source: &mut Source<'_>,
    archive: &Archive,
    limits: &Limits,
    manifest: Manifest,
) -> Result<(), Fault> {
    let table = archive.bytes(source, b"resources.arsc", limits.resources);
    let table = facts.or_warning("resources.arsc", table)?.flatten();
    let resources = table.as_deref().and_then(Resources::read);
    if table.is_some() && resources.is_none() {
        facts.warn("resources.arsc could not be read: it is damaged");
    }
    let resources = resources.as_ref();

    facts.identifier = manifest.package.and_then(|text| shown(&text, limits.text));
    facts.version = text(manifest.version_name, resources, limits);
    facts.version_code = manifest
        .version_code
        .map(|code| u64::from(manifest.version_code_major.unwrap_or(0)) << 32 | u64::from(code));
    facts.min_sdk = manifest.min_sdk;
    facts.target_sdk = manifest.target_sdk;
    facts.label = text(manifest.label, resources, limits);
    facts.test_only = manifest.test_only;
    facts.split = manifest.split.and_then(|text| shown(&text, limits.text));
    warn_of_what_is_not_installed(facts, manifest.needs_splits);
    let icons: Vec<Value> = [manifest.icon, manifest.round_icon]
        .into_iter()
        .flatten()
        .collect();
    if icons.is_empty() {
        return Ok(());
    }
    match Icons::new(source, archive, limits, resources).read(&icons)? {
        Ok(icon) => facts.icon = Some(icon),
        Err(why) => facts.warn(format!(
            "icon_missing: its icon {why}: give it a PNG or WebP of at most {} KiB, such as one for devices before Android 8, to have it shown",
            limits.icon >> 10
        )),
    }
    Ok(())
}

/// What Android takes from developers and not from users, or not alone.
fn warn_of_what_is_not_installed(facts: &mut Facts, needs_splits: bool) {
    if facts.test_only {
        facts.warn("test_only: the APK says android:testOnly, so Android installs it by `adb install -t` alone: build it for release");
    }
    if let Some(split) = &facts.split {
        facts.warn(format!(
            "split_alone: the APK is the part {split} of an app, which Android installs only together with its base: send an APK that holds the whole app"
        ));
    } else if needs_splits {
        facts.warn("split_alone: the APK is the base of an app in several parts, which Android does not install without the others: send an APK that holds the whole app");
    }
}

/// ABIs from `lib/<abi>/<library>`. One architecture is that one; several or none run anywhere.
pub(crate) fn native_code<'a>(facts: &mut Facts, names: impl Iterator<Item = &'a [u8]>) {
    let abis: BTreeSet<&str> = names
        .filter_map(|name| {
            let mut parts = name.strip_prefix(b"lib/")?.split(|byte| *byte == b'/');
            let abi = std::str::from_utf8(parts.next()?).ok()?;
            parts.next().filter(|library| !library.is_empty())?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            (!abi.is_empty() && abi.len() <= 32 && abi.bytes().all(plain)).then_some(abi)
        })
        .collect();
    let arches: BTreeSet<Arch> = abis.iter().filter_map(|abi| arch(abi)).collect();
    facts.arch = match arches.first() {
        Some(one) if arches.len() == 1 => Some(*one),
        _ => Some(Arch::Universal),
    };
    facts.abis = abis.into_iter().take(ABIS).map(str::to_owned).collect();
}

/// Android takes libraries out of the folders of its own ABIs alone, and passes over every other.
fn arch(abi: &str) -> Option<Arch> {
    const KNOWN: [&str; 8] = [
        "arm64-v8a",
        "armeabi",
        "armeabi-v7a",
        "mips",
        "mips64",
        "riscv64",
        "x86",
        "x86_64",
    ];
    KNOWN.contains(&abi).then(|| abi.parse().ok()).flatten()
}

/// What a value says in the default configuration; else in English; else in any.
fn text(
    value: Option<Value>,
    resources: Option<&Resources<'_>>,
    limits: &Limits,
) -> Option<String> {
    let text = match value? {
        Value::Text(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Reference(id) => {
            let found = resources?.texts(id).into_iter();
            found.min_by_key(foreignness)?.text
        }
        Value::Color(_) | Value::Share(_) => return None,
    };
    shown(&text, limits.text)
}

fn foreignness(found: &Found) -> u8 {
    match found.language {
        _ if found.default => 0,
        [0, 0] => 1,
        [b'e', b'n'] => 2,
        _ => 3,
    }
}
