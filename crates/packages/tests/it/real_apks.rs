//! Facts of APKs that people install, and agreement with Android's own `aapt`.

use std::{fs, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use slipway_contract::{Arch, Facts, Kind, Platform};

use crate::{archive, facts, fixtures, is_installed, output, skip};

#[test]
fn facts_of_real_apks_are_those_that_aapt_and_apksigner_print() {
    let read: Vec<Facts> = fixtures::apks()
        .iter()
        .map(|apk| facts(&apk.bytes))
        .collect();
    if read.is_empty() {
        return;
    }
    let find = |identifier: &str, version: &str| {
        let of = |facts: &&Facts| {
            facts.identifier.as_deref() == Some(identifier)
                && facts.version.as_deref() == Some(version)
        };
        read.iter().find(of).expect(identifier)
    };
    let settings = find("io.appium.settings", "8.0.10");
    assert_eq!(
        (settings.kind, settings.platform),
        (Kind::Apk, Some(Platform::Android))
    );
    assert_eq!(
        (settings.arch, settings.abis.len()),
        (Some(Arch::Universal), 0)
    );
    assert_eq!(settings.version_code, Some(192));
    assert_eq!(settings.label.as_deref(), Some("Appium Settings"));
    assert_eq!(
        (settings.min_sdk, settings.target_sdk),
        (Some(26), Some(35))
    );
    assert_eq!(
        settings.signer_sha256.unwrap().as_hex(),
        "680dbbc39ab0944796c811b636ace510c8e551317087036cebab0751b0a6190c"
    );
    assert!(!settings.signer_verified);
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    let icon = settings.icon.as_ref().unwrap();
    assert_eq!(icon.media_type, "image/png");
    assert_eq!(
        hex::encode(Sha256::digest(STANDARD.decode(&icon.data).unwrap())),
        "0836a79abbac891a57a448e4fffc6051931341d6beb2c376285baea7ef440b35",
        "the icon is ic_launcher.png of xxxhdpi, the finest"
    );

    let server = find("io.appium.uiautomator2.server", "10.6.6");
    assert_eq!(
        (server.version_code, server.min_sdk, server.target_sdk),
        (Some(278), Some(26), Some(34))
    );
    assert_eq!(
        (&server.label, &server.icon),
        (&None, &None),
        "it has neither"
    );
    assert_eq!(
        server.signer_sha256.unwrap().as_hex(),
        "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc"
    );
}

#[test]
fn every_real_apk_reads_as_aapt_reads_it() {
    let apks = fixtures::apks();
    if !is_installed("aapt") {
        return skip("the comparison with aapt, because it is not installed");
    }
    for apk in apks {
        agrees_with_aapt(&facts(&apk.bytes), apk.path.to_str().unwrap());
    }
}

fn agrees_with_aapt(facts: &Facts, path: &str) {
    let badging = output(Command::new("aapt").args(["dump", "badging", path]));
    let quoted = |start: &str| {
        let line = badging.lines().find_map(|line| line.split_once(start))?;
        let (value, _) = line.1.split_once('\'')?;
        (!value.is_empty()).then_some(value)
    };
    assert_eq!(
        facts.identifier.as_deref(),
        quoted("package: name='"),
        "{path}"
    );
    assert_eq!(facts.version.as_deref(), quoted("versionName='"), "{path}");
    assert_eq!(
        facts.version_code.map(|code| code.to_string()).as_deref(),
        quoted("versionCode='")
    );
    assert_eq!(
        facts.label.as_deref(),
        quoted("application-label:'"),
        "{path}"
    );
    assert_eq!(
        facts.min_sdk.map(|sdk| sdk.to_string()).as_deref(),
        quoted("sdkVersion:'")
    );
    assert_eq!(
        facts.target_sdk.map(|sdk| sdk.to_string()).as_deref(),
        quoted("targetSdkVersion:'")
    );
    let code = badging
        .lines()
        .find_map(|line| line.strip_prefix("native-code: "));
    let abis: Vec<&str> = code
        .unwrap_or_default()
        .split(['\'', ' '])
        .filter(|abi| !abi.is_empty())
        .collect();
    assert_eq!(facts.abis, abis, "{path}");
}

const ANDROID: &str = "/usr/share/android-framework-res/framework-res.apk";

/// What the real ones do not have: languages, references to references, native code, a vector icon.
#[test]
fn an_apk_that_aapt_made_gives_what_went_into_it() {
    if !is_installed("aapt") || fs::metadata(ANDROID).is_err() {
        return skip("an APK by aapt, because aapt and android-framework-res are not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write(
        "AndroidManifest.xml",
        br#"<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="org.example.notes"
            android:versionCode="7" android:versionName="@string/version">
            <application android:label="@string/name" android:icon="@mipmap/icon">
              <activity android:name=".Main" android:label="not this" android:icon="@mipmap/icon"/>
            </application>
            <uses-sdk android:minSdkVersion="21" android:targetSdkVersion="33"/></manifest>"#,
    );
    let strings =
        |name: &str| format!("<resources><string name=\"app\">{name}</string></resources>");
    write(
        "res/values/app.xml",
        strings("Notes &amp; Größe").as_bytes(),
    );
    write("res/values-de/app.xml", strings("Notizen").as_bytes());
    write(
        "res/values/names.xml",
        br#"<resources><string name="name">@string/app</string><string name="version">1.2.3-beta.1</string></resources>"#,
    );
    write("res/mipmap-mdpi/icon.png", &pixel(1));
    write("res/mipmap-xhdpi/icon.png", &pixel(2));
    write(
        "res/mipmap-anydpi-v26/icon.xml",
        br#"<adaptive-icon xmlns:android="http://schemas.android.com/apk/res/android"/>"#,
    );
    write("raw/lib/arm64-v8a/libnotes.so", b"code");
    let built = |extra: &[&str]| {
        let mut aapt = Command::new("aapt");
        aapt.current_dir(folder.path())
            .args([
                "package",
                "-f",
                "-M",
                "AndroidManifest.xml",
                "-S",
                "res",
                "-I",
                ANDROID,
                "-F",
                "notes.apk",
            ])
            .args(extra)
            .arg("raw");
        output(&mut aapt);
        fs::read(folder.path().join("notes.apk")).unwrap()
    };
    for strings in [&[][..], &["--utf16"]] {
        let bytes = built(strings);
        let facts = facts(&bytes);
        assert_eq!(facts.label.as_deref(), Some("Notes & Größe"));
        assert_eq!(facts.version.as_deref(), Some("1.2.3-beta.1"));
        assert_eq!(
            (facts.version_code, facts.min_sdk, facts.target_sdk),
            (Some(7), Some(21), Some(33))
        );
        assert_eq!(
            (facts.arch, &*facts.abis),
            (Some(Arch::Aarch64), &["arm64-v8a".to_owned()][..])
        );
        assert_eq!(
            facts.warnings,
            ["the APK is not signed: Android does not install it"]
        );
        let finest = archive::entry(&bytes, "res/mipmap-xhdpi-v4/icon.png");
        assert_eq!(STANDARD.decode(facts.icon.unwrap().data).unwrap(), finest);
        agrees_with_aapt(
            &crate::facts(&bytes),
            folder.path().join("notes.apk").to_str().unwrap(),
        );
    }
}

/// A PNG of one grey pixel.
fn pixel(shade: u8) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        png.extend(archive::number(data.len()).to_be_bytes());
        png.extend(kind);
        png.extend(data);
        png.extend(crc.sum().to_be_bytes());
    };
    chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    let mut pixels = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut pixels, &[0, shade]).expect("memory takes it");
    chunk(b"IDAT", &pixels.finish().expect("memory takes it"));
    chunk(b"IEND", &[]);
    png
}
