//! The target of the fuzzer for `Upload-Metadata`, and what must hold for any header: for `cargo fuzz`, and over its seeds
//! for the tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_contract::FileName;

use crate::metadata;
use crate::parameters::RawParameters;

const KEYS: [&str; 9] = [
    "version", "channel", "platform", "arch", "kind", "sha256", "notes", "strict", "create",
];
/// Characters of a version, a word or a channel.
const MOST: usize = 1024;

/// What is read out of a header is read out of it again when it is written anew; a name that is taken is one of a file.
///
/// `planted`: a name is taken without being looked at.
pub fn tus_metadata(bytes: &[u8], planted: bool) {
    let Ok(header) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(raw) = metadata::parse(header) else {
        return;
    };
    if !raw.filename.is_empty() {
        assert_eq!(metadata::filename(header).as_ref(), Ok(&raw.filename));
    }
    let again = metadata::parse(&written(raw.clone())).expect("what was read can be written");
    assert_eq!(values(again), values(raw.clone()));
    if planted {
        is_a_name(&raw.filename);
    }
    if let Ok(parameters) = raw.parse() {
        let filename = parameters.filename.as_str();
        is_a_name(filename);
        let again = FileName::for_upload(filename);
        assert_eq!(again.as_ref(), Ok(&parameters.filename));
        let version = parameters.version.map(|version| version.to_string());
        assert!(version.is_none_or(|version| version.len() <= MOST));
        let notes = parameters.notes.unwrap_or_default();
        assert!(notes.chars().count() <= 64 * 1024);
    }
}

/// By another reading than the rule's: that of the standard library.
fn is_a_name(name: &str) {
    let path = std::path::Path::new(name);
    let file = path.file_name().and_then(|file| file.to_str());
    let is_one = name.is_empty() || file == Some(name);
    assert!(is_one && !name.contains(['\\', '\0']), "{name:?}");
}

fn values(mut raw: RawParameters) -> Vec<Option<String>> {
    let mut values = vec![Some(std::mem::take(&mut raw.filename))];
    for key in KEYS {
        values.push(raw.parameter(key).expect("it is one").take());
    }
    values
}

fn written(raw: RawParameters) -> String {
    let keys = ["filename"].into_iter().chain(KEYS);
    let pairs = keys.zip(values(raw)).filter_map(|(key, value)| {
        let value = value?;
        Some(format!("{key} {}", STANDARD.encode(value)))
    });
    pairs.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_must_hold_for_any_metadata_holds_for_the_seeds() {
        slipway_seeds::each("tus_metadata", |bytes| super::tus_metadata(bytes, false));
    }
}
