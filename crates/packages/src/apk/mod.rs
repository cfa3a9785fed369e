//! Android packages: what an APK says of itself.

mod content;
mod manifest;
mod resources;
mod signer;
mod strings;

use std::{cmp::Reverse, collections::BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};

pub use self::content::{ContentAlgorithm, ContentDigest, ContentDigests};
use self::{
    manifest::{Manifest, Value},
    resources::{Found, Resources},
};
use crate::{
    Arch, Facts, Icon, Kind, Limits,
    facts::shown,
    source::{Fault, Source},
    zip::Archive,
};

pub(crate) const MANIFEST: &[u8] = b"AndroidManifest.xml";

/// ABIs that are listed; Android has seven.
const ABIS: usize = 16;

/// Icons that are tried, the finest first.
const ICONS: usize = 16;

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
    if let Some(signatures) = or_warning(&mut facts, "the signature", signatures)? {
        facts.signer_sha256 = signatures.certificate;
        *content = signatures.content;
        if signatures.is_unclear {
            facts.warn("its signature says nothing of its content that could be compared");
        }
        if facts.signer_sha256.is_none() {
            facts.warn("the APK is not signed: Android does not install it");
        }
    }
    let bytes = entry(source, archive, MANIFEST, limits.manifest).and_then(|bytes| {
        let manifest = bytes.as_deref().and_then(Manifest::read);
        manifest.ok_or_else(|| Fault::malformed("it is damaged"))
    });
    if let Some(manifest) = or_warning(&mut facts, "AndroidManifest.xml", bytes)? {
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
    let table = entry(source, archive, b"resources.arsc", limits.resources);
    let table = or_warning(facts, "resources.arsc", table)?.flatten();
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
    for image in [manifest.icon, manifest.round_icon].into_iter().flatten() {
        if facts.icon.is_none() {
            facts.icon = icon(source, archive, limits, image, resources)?;
        }
    }
    Ok(())
}

/// The entry's bytes, `None` when there is no such entry.
fn entry(
    source: &mut Source<'_>,
    archive: &Archive,
    name: &[u8],
    limit: u64,
) -> Result<Option<Vec<u8>>, Fault> {
    let entry = archive.find(name);
    entry.map(|entry| entry.read(source, limit)).transpose()
}

/// Turns "not well formed" into a warning and `None`.
fn or_warning<T>(
    facts: &mut Facts,
    what: &str,
    result: Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Fault::Malformed(why)) => {
            facts.warn(format!("{what} could not be read: {why}"));
            Ok(None)
        }
        Err(other) => Err(other),
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
    let arches: BTreeSet<Option<Arch>> = abis.iter().map(|abi| arch(abi)).collect();
    facts.arch = match arches.first() {
        Some(one) if arches.len() == 1 => *one,
        _ => Some(Arch::Universal),
    };
    facts.abis = abis.into_iter().take(ABIS).map(str::to_owned).collect();
}

fn arch(abi: &str) -> Option<Arch> {
    match abi {
        "arm64-v8a" => Some(Arch::Aarch64),
        "armeabi-v7a" | "armeabi" => Some(Arch::Armv7),
        "x86" => Some(Arch::X86),
        "x86_64" => Some(Arch::X86_64),
        _ => None,
    }
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

/// The finest picture that is a PNG or WebP by its first bytes and within the limit. The other kinds,
/// XML with vectors or layers, would have to be drawn.
fn icon(
    source: &mut Source<'_>,
    archive: &Archive,
    limits: &Limits,
    value: Value,
    resources: Option<&Resources<'_>>,
) -> Result<Option<Icon>, Fault> {
    let mut files = match (value, resources) {
        (Value::Reference(id), Some(resources)) => resources.texts(id),
        _ => return Ok(None),
    };
    files.sort_by_key(|found| {
        Reverse(if found.density >= 0xfffe {
            0
        } else {
            found.density
        })
    });
    for found in files.iter().take(ICONS) {
        let bytes = match entry(source, archive, found.text.as_bytes(), limits.icon) {
            Ok(Some(bytes)) => bytes,
            Ok(None) | Err(Fault::Malformed(_)) => continue,
            Err(other) => return Err(other),
        };
        if let Some(media_type) = picture(&bytes) {
            return Ok(Some(Icon {
                media_type: media_type.to_owned(),
                data: STANDARD.encode(bytes),
            }));
        }
    }
    Ok(None)
}

fn picture(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else {
        None
    }
}
