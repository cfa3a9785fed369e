//! `Upload-Metadata` of tus 1.0: pairs of a key and a value in base64.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::parameters::RawParameters;

/// Why metadata cannot be read; each names the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Twice(String),
    /// Its value is not UTF-8 in base64.
    Unreadable(String),
}

/// Reads what concerns us; clients add keys of their own, such as `filetype`.
pub(crate) fn parse(header: &str) -> Result<RawParameters, Refusal> {
    let mut raw = RawParameters::default();
    let mut keys = HashSet::new();
    for pair in header
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (key, encoded) = pair.split_once(' ').unwrap_or((pair, ""));
        if !keys.insert(key) {
            return Err(Refusal::Twice(key.to_owned()));
        }
        let place = if key == "filename" {
            &mut raw.filename
        } else if let Some(place) = raw.parameter(key) {
            place.insert(String::new())
        } else {
            continue;
        };
        *place = decode(encoded).ok_or_else(|| Refusal::Unreadable(key.to_owned()))?;
    }
    Ok(raw)
}

/// The name of the file alone, for who shows what was taken once: an earlier version may have taken more than is today.
pub(crate) fn filename(header: &str) -> Result<String, Refusal> {
    let mut pairs = header.split(',').map(str::trim);
    let encoded = pairs.find_map(|pair| pair.strip_prefix("filename "));
    let name = encoded.and_then(decode);
    name.ok_or_else(|| Refusal::Unreadable("filename".to_owned()))
}

fn decode(encoded: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_read_and_others_passed_over() {
        let raw =
            parse("filename bm90ZXMuYXBr,is_confidential,filetype eA==, version MS4y").unwrap();
        assert_eq!(raw.filename, "notes.apk");
        assert_eq!(raw.version.as_deref(), Some("1.2"));
        assert_eq!(raw.channel, None);
        assert_eq!(parse("").unwrap().filename, "");
    }

    #[test]
    fn a_value_that_cannot_be_read_is_not_guessed() {
        let twice = "version MS4y,filename bm90ZXMuYXBr,version MS4y";
        let unreadable = |key: &str| Refusal::Unreadable(key.to_owned());
        for (header, refusal) in [
            ("filename notes.apk", unreadable("filename")),
            ("version /w==", unreadable("version")),
            (twice, Refusal::Twice("version".to_owned())),
        ] {
            assert_eq!(parse(header).expect_err(header), refusal);
        }
    }
}
