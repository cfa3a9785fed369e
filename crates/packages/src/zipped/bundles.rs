//! Apps of Android in several APKs, as stores and `bundletool` write them.

use std::collections::BTreeSet;

use serde_json::Value;
use slipway_contract::{Facts, Kind};

use super::{apps::json, manifests::Zipped, protobuf::Message};
use crate::facts::Fill as _;
use crate::{apk, source::Fault};

pub(super) const XAPK: &[u8] = b"manifest.json";
pub(super) const APKM: &[u8] = b"info.json";
pub(super) const BASE: &[u8] = b"base.apk";
/// `bundletool`, `commands.proto`: `BuildApksResult`.
pub(super) const TOC: &[u8] = b"toc.pb";
/// Of the installer SAI, whose archives have the same ending.
const SAI: &[u8] = b"meta.sai_v2.json";

/// Names of Android's ABIs as they stand in the names of such APKs.
const ABIS: [(&str, &str); 7] = [
    ("arm64_v8a", "arm64-v8a"),
    ("armeabi_v7a", "armeabi-v7a"),
    ("armeabi", "armeabi"),
    ("x86_64", "x86_64"),
    ("x86", "x86"),
    ("mips64", "mips64"),
    ("riscv64", "riscv64"),
];

pub(super) fn is_apk(name: &[u8]) -> bool {
    name.ends_with(b".apk")
}

pub(super) fn describe(facts: &mut Facts, zipped: &mut Zipped<'_, '_, '_>) -> Result<(), Fault> {
    native_code(facts, zipped);
    match facts.kind {
        Kind::Xapk => {
            let manifest = json(&zipped.manifest(XAPK)?)?;
            say(
                facts,
                zipped,
                &manifest,
                ["package_name", "version_name", "version_code", "name"],
            );
            facts.min_sdk = number(&manifest["min_sdk_version"]);
            facts.target_sdk = number(&manifest["target_sdk_version"]);
        }
        Kind::Apkm => {
            let manifest = json(&zipped.manifest(APKM)?)?;
            say(
                facts,
                zipped,
                &manifest,
                ["pname", "release_version", "versioncode", "app_name"],
            );
            facts.min_sdk = number(&manifest["min_api"]);
        }
        _ if zipped.archive.find(TOC).is_some() => {
            let toc = zipped.manifest(TOC)?;
            facts.say(Message(&toc).text(4), None, zipped.limits);
        }
        _ if zipped.archive.find(SAI).is_some() => {
            let manifest = json(&zipped.manifest(SAI)?)?;
            say(
                facts,
                zipped,
                &manifest,
                ["package", "version_name", "version_code", "label"],
            );
        }
        _ => {}
    }
    Ok(())
}

/// Identifier, version, version code and label under these keys.
fn say(facts: &mut Facts, zipped: &Zipped<'_, '_, '_>, manifest: &Value, keys: [&str; 4]) {
    let [identifier, version, code, label] = keys.map(|key| &manifest[key]);
    facts.say(identifier.as_str(), version.as_str(), zipped.limits);
    facts.version_code = number(code);
    if let Some(label) = label.as_str() {
        facts.say_label(label, zipped.limits);
    }
}

/// Some writers put numbers into quotation marks.
fn number<T: TryFrom<u64>>(value: &Value) -> Option<T> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    T::try_from(number).ok()
}

/// ABIs from the names of parts such as `config.arm64_v8a.apk` and `splits/base-x86.apk`. Where none is named, the code is
/// in an APK that is not looked into.
fn native_code(facts: &mut Facts, zipped: &Zipped<'_, '_, '_>) {
    let abi = |name: &[u8]| {
        let name = std::str::from_utf8(name).ok()?.strip_suffix(".apk")?;
        let ends = |own: &str| {
            let before = name.strip_suffix(own);
            before.is_some_and(|before| before.ends_with(['.', '-']))
        };
        ABIS.iter()
            .find(|(own, _)| ends(own))
            .map(|(_, abi)| format!("lib/{abi}/-"))
    };
    let abis: BTreeSet<String> = zipped.archive.names().filter_map(abi).collect();
    if !abis.is_empty() {
        apk::native_code(facts, abis.iter().map(String::as_bytes));
    }
}
