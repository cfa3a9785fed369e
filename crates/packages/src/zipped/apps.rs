//! Apps of iOS and `HarmonyOS`.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use plist::stream::{Event, Reader};
use serde_json::Value;
use slipway_contract::Facts;

use super::manifests::Zipped;
use crate::facts::Fill as _;
use crate::{apk, source::Fault};

pub(super) const HAP: &[u8] = b"module.json";
/// Of the model before that of stages.
pub(super) const HAP_BEFORE: &[u8] = b"config.json";

/// Events of a property list that are looked at; `Info.plist` of a large app has 2,000.
const EVENTS: usize = 100_000;
/// How many times its own size of a property list may be read. A binary one can name one object many times in another,
/// and that one many times in a third.
const READS: u64 = 16;

/// `Payload/<name>.app/Info.plist`.
pub(super) fn is_ios_manifest(name: &[u8]) -> bool {
    name.strip_prefix(b"Payload/")
        .and_then(|rest| rest.strip_suffix(b".app/Info.plist"))
        .is_some_and(|app| !app.is_empty() && !app.contains(&b'/'))
}

/// What every HAP has beside its manifest.
pub(super) fn is_of_hap(name: &[u8]) -> bool {
    name == b"resources.index" || name == b"pack.info" || name.starts_with(b"ets/")
}

/// Apple, "Information Property List", in XML or binary.
pub(super) fn describe_ipa(
    facts: &mut Facts,
    zipped: &mut Zipped<'_, '_, '_>,
) -> Result<(), Fault> {
    let bytes = zipped.manifest_that(is_ios_manifest)?;
    let limits = zipped.limits;
    let texts = texts(&bytes)?;
    let find = |key: &str| {
        let found = texts.iter().find(|(own, _)| own == key);
        found
            .map(|(_, text)| text.as_str())
            .filter(|text| !text.is_empty())
    };
    let version = find("CFBundleShortVersionString").or_else(|| find("CFBundleVersion"));
    facts.say(find("CFBundleIdentifier"), version, limits);
    if let Some(label) = find("CFBundleDisplayName").or_else(|| find("CFBundleName")) {
        facts.say_label(label, limits);
    }
    Ok(())
}

/// Keys and texts of the outermost dictionary.
fn texts(bytes: &[u8]) -> Result<Vec<(String, String)>, Fault> {
    let damaged = || Fault::malformed("its property list is damaged");
    let left = READS * (bytes.len() as u64).max(4096);
    let bounded = Bounded {
        input: Cursor::new(bytes),
        left,
    };
    let mut texts = Vec::new();
    let mut depth = 0_usize;
    let mut key = None;
    for event in Reader::new(bounded).take(EVENTS) {
        match event.map_err(|_| damaged())? {
            Event::StartArray(_) | Event::StartDictionary(_) => {
                depth += 1;
                key = None;
            }
            Event::EndCollection => depth = depth.saturating_sub(1),
            Event::String(text) if depth == 1 => match key.take() {
                None => key = Some(text.into_owned()),
                Some(key) => texts.push((key, text.into_owned())),
            },
            _ if depth == 1 => key = None,
            _ => {}
        }
    }
    if depth != 0 {
        return Err(damaged());
    }
    Ok(texts)
}

/// Gives no more than a number of bytes, however often they are asked for.
struct Bounded<R> {
    input: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.left = self
            .left
            .checked_sub(1 + read as u64)
            .ok_or(io::ErrorKind::InvalidData)?;
        Ok(read)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.input.seek(to)
    }
}

/// Huawei, "module.json5" and "app.json5", which are one file in a HAP.
pub(super) fn describe_hap(
    facts: &mut Facts,
    zipped: &mut Zipped<'_, '_, '_>,
) -> Result<(), Fault> {
    let libraries = zipped.archive.names().filter_map(|name| {
        let path = std::str::from_utf8(name.strip_prefix(b"libs/")?).ok()?;
        // Its folders have the names of Android's, or `arm64` and `arm`.
        let path = path
            .replace("arm64/", "arm64-v8a/")
            .replace("arm/", "armeabi-v7a/");
        Some(format!("lib/{path}").into_bytes())
    });
    let libraries: Vec<Vec<u8>> = libraries.collect();
    apk::native_code(facts, libraries.iter().map(Vec::as_slice));
    let name = match zipped.archive.find(HAP) {
        Some(_) => HAP,
        None => HAP_BEFORE,
    };
    let manifest = json(&zipped.manifest(name)?)?;
    let app = &manifest["app"];
    let version = app["versionName"]
        .as_str()
        .or(app["version"]["name"].as_str());
    facts.say(app["bundleName"].as_str(), version, zipped.limits);
    facts.version_code = app["versionCode"]
        .as_u64()
        .or(app["version"]["code"].as_u64());
    Ok(())
}

pub(super) fn json(bytes: &[u8]) -> Result<Value, Fault> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|_| Fault::malformed("its JSON is damaged"))
}

#[cfg(test)]
mod tests {
    use super::texts;

    #[test]
    fn texts_of_the_outermost_dictionary_are_read() {
        let list = b"<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>a</key><string>1 &amp; 2</string><key>n</key><integer>3</integer><key>b</key><array><string>x</string><dict><key>a</key><string>9</string></dict></array><key>c</key><string>4</string></dict></plist>";
        let found = texts(list).unwrap();
        let wanted = [("a", "1 & 2"), ("c", "4")];
        assert_eq!(
            found,
            wanted.map(|(key, text)| (key.to_owned(), text.to_owned()))
        );
    }

    /// Each of fifty lists names the next one 200 times.
    #[test]
    fn a_list_that_would_grow_without_end_is_damaged() {
        let mut bytes = b"bplist00".to_vec();
        let mut places = Vec::new();
        for index in 0..50_u8 {
            places.push(u16::try_from(bytes.len()).unwrap());
            bytes.extend([0xaf, 0x10, 200]);
            bytes.extend([index + 1; 200]);
        }
        places.push(u16::try_from(bytes.len()).unwrap());
        bytes.extend([0x51, b'x']);
        let table = bytes.len() as u64;
        bytes.extend(places.iter().flat_map(|place| place.to_be_bytes()));
        bytes.extend([0, 0, 0, 0, 0, 0, 2, 1]);
        for number in [places.len() as u64, 0, table] {
            bytes.extend(number.to_be_bytes());
        }
        assert!(texts(&bytes).is_err());
    }

    #[test]
    fn deep_or_damaged_lists_never_panic() {
        let deep = [&b"<plist>"[..], &b"<array>".repeat(50_000)].concat();
        assert!(texts(&deep).is_err());
        assert!(texts(b"bplist00").is_err());
        assert!(texts(b"").is_err());
    }
}
