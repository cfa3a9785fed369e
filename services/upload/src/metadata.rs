//! `Upload-Metadata` of tus 1.0: pairs of a key and a value in base64.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_service::Problem;

use crate::parameters::RawParameters;

/// Reads what concerns us; clients add keys of their own, such as `filetype`.
pub(crate) fn parse(header: &str) -> Result<RawParameters, Problem> {
    let mut raw = RawParameters::default();
    let mut keys = HashSet::new();
    for pair in header
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (key, encoded) = pair.split_once(' ').unwrap_or((pair, ""));
        if !keys.insert(key) {
            return Err(Problem::bad_request(
                "metadata_invalid",
                format!(
                    "Upload-Metadata says {} twice: say it once",
                    key.escape_default()
                ),
            ));
        }
        let place = if key == "filename" {
            &mut raw.filename
        } else if let Some(place) = raw.parameter(key) {
            place.insert(String::new())
        } else {
            continue;
        };
        *place = decode(encoded).ok_or_else(|| invalid(key))?;
    }
    Ok(raw)
}

fn decode(encoded: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()
}

fn invalid(key: &str) -> Problem {
    Problem::bad_request(
        "metadata_invalid",
        format!("Upload-Metadata: the value of {key} is not UTF-8 text in base64"),
    )
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
        for header in ["filename notes.apk", "version /w==", twice] {
            assert_eq!(parse(header).expect_err(header).code, "metadata_invalid");
        }
    }
}
