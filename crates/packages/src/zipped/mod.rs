//! Packages that are zips: which kind one is, and what its manifest says.

mod aab;
mod apps;
mod bundles;
mod libraries;
mod manifests;
mod protobuf;
mod windows;

use slipway_contract::{Facts, Kind};

use self::manifests::Zipped;
use crate::facts::Fill as _;
use crate::{
    apk::{self, ContentDigests},
    limits::Limits,
    source::{Fault, Source},
    zip::Archive,
};

/// What an APK says of its content is put into `content`.
pub(crate) fn read(
    source: &mut Source<'_>,
    content: &mut Option<ContentDigests>,
    limits: &Limits,
) -> Result<Facts, Fault> {
    let archive =
        Archive::open(source, limits).map_err(|fault| fault.into_damage("it begins as a zip"))?;
    let kind = kind(&archive);
    let oddities = archive.oddities(kind)?;
    let mut facts = match kind {
        Kind::Apk => apk::read(source, &archive, content, limits)?,
        _ => Facts::of(kind),
    };
    let describe = match kind {
        Kind::Aab => aab::describe,
        Kind::Ipa => apps::describe_ipa,
        Kind::Hap => apps::describe_hap,
        Kind::Xapk | Kind::Apks | Kind::Apkm => bundles::describe,
        Kind::Msix => windows::describe_msix,
        Kind::Nupkg => windows::describe_nupkg,
        Kind::Jar => libraries::describe_jar,
        Kind::Whl => libraries::describe_wheel,
        _ => |_: &mut Facts, _: &mut Zipped<'_, '_, '_>| Ok(()),
    };
    let mut zipped = Zipped {
        source,
        archive: &archive,
        limits,
    };
    let described = describe(&mut facts, &mut zipped);
    facts.or_warning("its manifest", described)?;
    facts.warnings.extend(oddities);
    Ok(facts)
}

/// By what is in it, whatever its name. Each has its manifest at a place that others do not have.
fn kind(archive: &Archive) -> Kind {
    let has = |name: &[u8]| archive.find(name).is_some();
    let has_that = |is: fn(&[u8]) -> bool| archive.names().any(is);
    // A library for Android (AAR) has the manifest of an APK too, and its code in `classes.jar`.
    if has(b"BundleConfig.pb") && has(b"base/manifest/AndroidManifest.xml") {
        Kind::Aab
    } else if has(apk::MANIFEST) && !has(b"classes.jar") {
        Kind::Apk
    } else if has_that(apps::is_ios_manifest) {
        Kind::Ipa
    } else if has(bundles::XAPK) && has_that(bundles::is_apk) {
        Kind::Xapk
    } else if has(bundles::APKM) && has(bundles::BASE) {
        Kind::Apkm
    } else if has_that(bundles::is_apk) && (has(bundles::TOC) || has(bundles::BASE)) {
        Kind::Apks
    } else if has(windows::CONTENT_TYPES) && (has(windows::MSIX) || has(windows::MSIX_BUNDLE)) {
        Kind::Msix
    } else if has_that(windows::is_nuspec) {
        Kind::Nupkg
    } else if (has(apps::HAP) || has(apps::HAP_BEFORE)) && has_that(apps::is_of_hap) {
        Kind::Hap
    } else if has_that(libraries::is_wheel) {
        Kind::Whl
    } else if has(libraries::JAR) {
        Kind::Jar
    } else {
        Kind::Zip
    }
}
