//! What is drawn of an icon, and what is said where nothing can be.

use std::{fs, io::Cursor, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use slipway_contract::Facts;

use crate::{Random, archive, archive::Entry, facts, is_installed, output, skip};

const ANDROID: &str = "/usr/share/android-framework-res/framework-res.apk";
const RED: [u8; 4] = [255, 0, 0, 255];
const BLUE: [u8; 4] = [0, 0, 255, 255];

const MANIFEST: &str = r#"<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="org.example.notes" android:versionCode="1"><application android:icon="@drawable/icon"/></manifest>"#;
const ADAPTIVE: &str = r#"<adaptive-icon xmlns:android="http://schemas.android.com/apk/res/android"><background android:drawable="@color/back"/><foreground android:drawable="@drawable/front"/></adaptive-icon>"#;
const COLORS: &str =
    r#"<resources><color name="back">@color/red</color><color name="red">#f00</color></resources>"#;

/// A picture of one colour, of pixels that a compressor makes little of where `random`.
fn png(size: u32, color: [u8; 4], random: bool) -> Vec<u8> {
    let mut pixels = color.repeat((size * size) as usize);
    if random {
        let mut random = Random(0x1c0);
        pixels.fill_with(|| u8::try_from(random.below(256)).expect("a test makes it well"));
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size, size);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("a test makes it well");
    writer
        .write_image_data(&pixels)
        .expect("a test makes it well");
    writer.finish().expect("a test makes it well");
    bytes
}

fn webp(size: u32, color: [u8; 4]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let pixels = color.repeat((size * size) as usize);
    let encoder = image_webp::WebPEncoder::new(&mut bytes);
    encoder
        .encode(&pixels, size, size, image_webp::ColorType::Rgba8)
        .expect("a test makes it well");
    bytes
}

/// An APK of these files by `aapt`, which makes the binary form of XML.
fn built(files: &[(&str, &[u8])]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a test makes it well");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a test makes it well"))
            .expect("a test makes it well");
        fs::write(path, bytes).expect("a test makes it well");
    }
    let manifest = folder.path().join("AndroidManifest.xml");
    if !manifest.exists() {
        fs::write(manifest, MANIFEST).expect("a test makes it well");
    }
    output(Command::new("aapt").current_dir(folder.path()).args([
        "package",
        "-f",
        "--no-crunch",
        "-M",
        "AndroidManifest.xml",
        "-S",
        "res",
        "-I",
        ANDROID,
        "-F",
        "notes.apk",
    ]));
    fs::read(folder.path().join("notes.apk")).expect("a test makes it well")
}

fn can_build() -> bool {
    let can = is_installed("aapt") && fs::metadata(ANDROID).is_ok();
    if !can {
        skip("icons in APKs by aapt, because aapt and android-framework-res are not installed");
    }
    can
}

/// The drawn icon's pixel at the middle and at the corner, and its size.
fn drawn(facts: &Facts) -> ([u8; 4], [u8; 4], u32) {
    let icon = facts
        .icon
        .as_ref()
        .unwrap_or_else(|| panic!("no icon: {:?}", facts.warnings));
    assert_eq!(icon.media_type, "image/png");
    let bytes = STANDARD.decode(&icon.data).expect("a test makes it well");
    let mut reader = png::Decoder::new(Cursor::new(bytes))
        .read_info()
        .expect("a test makes it well");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a test makes it well")];
    let frame = reader
        .next_frame(&mut pixels)
        .expect("a test makes it well");
    let at = |x: u32, y: u32| {
        let at = ((y * frame.width + x) * 4) as usize;
        pixels[at..at + 4].try_into().expect("a test makes it well")
    };
    (at(frame.width / 2, frame.height / 2), at(0, 0), frame.width)
}

fn missing(facts: &Facts) -> String {
    assert!(facts.icon.is_none());
    let found = facts
        .warnings
        .iter()
        .find(|words| words.starts_with("icon_missing: "));
    found
        .unwrap_or_else(|| panic!("{:?}", facts.warnings))
        .clone()
}

#[test]
fn an_adaptive_icon_is_drawn_from_its_layers() {
    let facts = facts(include_bytes!("../files/adaptive-icon.apk"));
    let (middle, corner, size) = drawn(&facts);
    let whole = [30, 30, 200, 255];
    assert_eq!((middle, corner, size), (whole, whole, 192));
    assert!(!facts.warnings.iter().any(|words| words.contains("icon")));
}

#[test]
fn layers_are_pictures_colours_and_what_leads_to_them() {
    if !can_build() {
        return;
    }
    let inset = r#"<inset xmlns:android="http://schemas.android.com/apk/res/android" android:drawable="@drawable/blue" android:inset="25%"/>"#;
    let bitmap = r#"<bitmap xmlns:android="http://schemas.android.com/apk/res/android" android:src="@drawable/blue"/>"#;
    let inside = r#"<adaptive-icon xmlns:android="http://schemas.android.com/apk/res/android"><background><color android:color="@color/back"/></background><foreground><inset android:drawable="@drawable/blue" android:inset="30dp"/></foreground></adaptive-icon>"#;
    let (picture, webp) = (png(432, BLUE, false), webp(108, BLUE));
    let front = |name, bytes| {
        vec![
            ("res/drawable/icon.xml", ADAPTIVE.as_bytes()),
            (name, bytes),
        ]
    };
    for (what, mut files, corner) in [
        (
            "a PNG",
            front("res/drawable-xxxhdpi/front.png", &picture[..]),
            BLUE,
        ),
        ("a WebP", front("res/drawable/front.webp", &webp[..]), BLUE),
        (
            "an inset",
            front("res/drawable/front.xml", inset.as_bytes()),
            RED,
        ),
        (
            "a bitmap",
            front("res/drawable/front.xml", bitmap.as_bytes()),
            BLUE,
        ),
        (
            "elements within",
            vec![("res/drawable/icon.xml", inside.as_bytes())],
            RED,
        ),
    ] {
        files.extend([
            ("res/values/colors.xml", COLORS.as_bytes()),
            ("res/drawable/blue.png", &picture),
        ]);
        let facts = facts(&built(&files));
        assert_eq!(drawn(&facts), (BLUE, corner, 192), "{what}");
    }
}

#[test]
fn a_picture_as_it_is_goes_before_one_that_is_drawn() {
    if !can_build() {
        return;
    }
    let picture = png(48, BLUE, false);
    let bytes = built(&[
        ("res/drawable-mdpi/icon.png", &picture),
        ("res/drawable-anydpi-v26/icon.xml", ADAPTIVE.as_bytes()),
        ("res/drawable/front.png", &picture),
        ("res/values/colors.xml", COLORS.as_bytes()),
    ]);
    let facts = facts(&bytes);
    assert_eq!(STANDARD.decode(facts.icon.unwrap().data).unwrap(), picture);
}

#[test]
fn why_there_is_no_icon_is_said() {
    if !can_build() {
        return;
    }
    let vector = br#"<vector xmlns:android="http://schemas.android.com/apk/res/android" android:width="24dp" android:height="24dp" android:viewportWidth="24" android:viewportHeight="24"><path android:pathData="M0,0h24v24z" android:fillColor="@android:color/black"/></vector>"#;
    let circle = br#"<bitmap xmlns:android="http://schemas.android.com/apk/res/android" android:src="@drawable/front"/>"#;
    let (large, huge) = (png(256, BLUE, true), png(2049, BLUE, false));
    let colors = ("res/values/colors.xml", COLORS.as_bytes());
    let adaptive = ("res/drawable/icon.xml", ADAPTIVE.as_bytes());
    for (words, files) in [
        ("vector", vec![("res/drawable/icon.xml", &vector[..])]),
        (
            "foreground is a vector",
            vec![adaptive, colors, ("res/drawable/front.xml", vector)],
        ),
        (
            "leads too far",
            vec![adaptive, colors, ("res/drawable/front.xml", circle)],
        ),
        ("at most", vec![("res/drawable/icon.png", &large[..])]),
        (
            "too large",
            vec![adaptive, colors, ("res/drawable/front.png", &huge)],
        ),
    ] {
        let missing = missing(&facts(&built(&files)));
        assert!(missing.contains(words), "{words}: {missing}");
    }
}

#[test]
fn an_apk_that_names_no_icon_misses_none() {
    let split = facts(include_bytes!("../files/split.apk"));
    assert_eq!(split.split.as_deref(), Some("config.arm64_v8a"));
    assert_eq!(split.warnings.len(), 1);
    assert!(split.warnings[0].starts_with("split_alone: "), "{split:?}");
}

#[test]
fn what_android_does_not_install_for_users_is_said() {
    if !can_build() {
        return;
    }
    let manifest = |in_manifest: &str, in_application: &str| {
        format!(
            r#"<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="org.example.notes" android:versionCode="1" {in_manifest}><application {in_application}/></manifest>"#
        )
    };
    for (manifest, begins) in [
        (
            manifest("", r#"android:testOnly="true""#),
            Some("test_only: "),
        ),
        (manifest("", r#"android:testOnly="false""#), None),
        (
            manifest(r#"android:isSplitRequired="true""#, ""),
            Some("split_alone: "),
        ),
        (manifest("", ""), None),
    ] {
        let bytes = built(&[
            ("AndroidManifest.xml", manifest.as_bytes()),
            ("res/values/colors.xml", COLORS.as_bytes()),
        ]);
        let facts = facts(&bytes);
        let said: Vec<_> = facts
            .warnings
            .iter()
            .filter(|words| words.contains(": ") && !words.contains("signed"))
            .collect();
        assert_eq!(said.len(), usize::from(begins.is_some()), "{said:?}");
        assert!(
            said.iter().all(|words| words.starts_with(begins.unwrap())),
            "{said:?}"
        );
        assert_eq!(facts.test_only, begins == Some("test_only: "));
    }
}

#[test]
fn damage_to_an_adaptive_icon_never_panics() {
    let whole = include_bytes!("../files/adaptive-icon.apk");
    let names = [
        "AndroidManifest.xml",
        "resources.arsc",
        "res/drawable/fg.png",
        "res/mipmap-anydpi-v26/ic.xml",
    ];
    let mut random = Random(0xadab7);
    for damaged in names {
        for _ in 0..10 {
            let entries = names.map(|name| {
                let mut bytes = archive::entry(whole, name);
                if name == damaged {
                    let place = random.below(bytes.len());
                    bytes[place] ^= u8::try_from(1 + random.below(255)).unwrap();
                }
                Entry::new(name, &bytes)
            });
            facts(&archive::zip(&entries));
        }
    }
}
