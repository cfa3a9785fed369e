//! What a form says of a package: which of its parts is the file, and what the others are (`multipart/form-data`,
//! RFC 7578).

use http::header::CONTENT_DISPOSITION;
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::parameters::RawParameters;

/// Bytes of a form beside its file, which are held in memory: parameters are short.
pub(crate) const FORM_BYTES: u64 = 1 << 20;
/// Bytes of one parameter.
const FIELD_BYTES: usize = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The body is none.
    NotAForm,
    /// Its media type names no boundary.
    Boundary,
    /// It cannot be read to its end.
    Unreadable,
    /// It has more beside its file than [`FORM_BYTES`].
    TooMuch,
    NoFile,
    TwoFiles,
    /// A parameter that comes as a file.
    FieldIsFile(String),
    Twice(String),
    Unknown(String),
    FieldTooLong(String),
    FieldNotUtf8(String),
    /// So many bytes came, and its part says another length.
    Length(u64),
    /// Why the name of the file is not taken.
    Name(Name),
}

/// Why the name that comes with a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    NotUtf8,
    /// `filename*` is not as RFC 8187 has it.
    Coded,
    /// Raw words of mail (RFC 2047).
    Mail,
}

/// The boundary between its parts, by the value of `Content-Type`.
pub(crate) fn boundary(media_type: &str) -> Result<String, Refusal> {
    multer::parse_boundary(media_type).map_err(|error| match error {
        multer::Error::NoBoundary => Refusal::Boundary,
        _ => Refusal::NotAForm,
    })
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A parameter of this name, or the file's name.
    Field(String),
    /// The package, with the name that comes with it.
    File(Option<String>),
}

/// What was read of a form.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    raw: RawParameters,
    /// As a field says it: that counts more than the name in the file's part, wherever it comes.
    filename: Option<String>,
}

impl Fields {
    /// Those of a form whose address says `raw`.
    pub(crate) fn new(raw: RawParameters) -> Self {
        Self {
            raw,
            filename: None,
        }
    }

    /// What the part `name` is, with the name of a file that it comes with.
    pub(crate) fn part(&mut self, name: &str, of_file: Option<String>) -> Result<Part, Refusal> {
        let is_field = name == FILENAME || self.raw.parameter(name).is_some();
        match of_file {
            Some(_) if is_field => Err(Refusal::FieldIsFile(name.to_owned())),
            None if is_field => Ok(Part::Field(name.to_owned())),
            None if name != "file" => Err(Refusal::Unknown(name.to_owned())),
            of_file => Ok(Part::File(of_file)),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: String) -> Result<(), Refusal> {
        let place = if name == FILENAME {
            &mut self.filename
        } else {
            let place = self.raw.parameter(name);
            place.ok_or_else(|| Refusal::Unknown(name.to_owned()))?
        };
        if place.replace(value).is_some() {
            return Err(Refusal::Twice(name.to_owned()));
        }
        Ok(())
    }

    /// The name that came with the file.
    pub(crate) fn set_name_of_file(&mut self, name: Option<String>) {
        self.raw.filename = name.unwrap_or_default();
    }

    /// What was said so far, before the file comes: its name may still come.
    pub(crate) fn so_far(&self) -> RawParameters {
        let mut raw = self.raw.clone();
        if raw.filename.is_empty() {
            "file".clone_into(&mut raw.filename);
        }
        raw
    }

    /// What was said in all.
    pub(crate) fn complete(self) -> RawParameters {
        RawParameters {
            filename: self.filename.unwrap_or(self.raw.filename),
            ..self.raw
        }
    }
}

/// The field with the file's name.
const FILENAME: &str = "filename";

/// Takes the next bytes of a parameter's value.
pub(crate) fn append(value: &mut Vec<u8>, bytes: &[u8], name: &str) -> Result<(), Refusal> {
    value.extend_from_slice(bytes);
    if value.len() > FIELD_BYTES {
        return Err(Refusal::FieldTooLong(name.to_owned()));
    }
    Ok(())
}

pub(crate) fn text(value: Vec<u8>, name: &str) -> Result<String, Refusal> {
    String::from_utf8(value).map_err(|_| Refusal::FieldNotUtf8(name.to_owned()))
}

/// The file name of a part: the coded `filename*` (RFC 8187) that some libraries send, and it counts more (RFC 6266, 4.3),
/// or `plain`, that of `filename`.
pub(crate) fn file_name(
    headers: &HeaderMap,
    plain: Option<&str>,
) -> Result<Option<String>, Refusal> {
    let disposition = headers.get(CONTENT_DISPOSITION);
    let disposition = disposition.map_or(&b""[..], HeaderValue::as_bytes);
    let disposition = str::from_utf8(disposition).map_err(|_| Refusal::Name(Name::NotUtf8))?;
    if let Some(value) = parameter(disposition, "filename*") {
        let name = decode(value).ok_or(Refusal::Name(Name::Coded))?;
        return Ok(Some(name));
    }
    if plain.is_some_and(|name| name.contains("=?") && name.contains("?=")) {
        return Err(Refusal::Name(Name::Mail));
    }
    Ok(plain.map(str::to_owned))
}

/// The value of a parameter, as it is written.
fn parameter<'a>(disposition: &'a str, wanted: &str) -> Option<&'a str> {
    let (mut is_quoted, mut before) = (false, ' ');
    let parameters = disposition.split(|c| {
        is_quoted ^= c == '"' && before != '\\';
        before = c;
        c == ';' && !is_quoted
    });
    let mut pairs = parameters.filter_map(|parameter| parameter.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
    Some(value.trim())
}

/// `UTF-8'LANGUAGE'NAME`; some libraries quote it.
fn decode(value: &str) -> Option<String> {
    let mut parts = value.trim_matches('"').splitn(3, '\'');
    let (charset, _, name) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let name = percent_decode_str(name).decode_utf8().ok()?;
    Some(name.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::*;

    fn named(disposition: &str, plain: Option<&str>) -> Result<Option<String>, Refusal> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(disposition.as_bytes()).expect("a value");
        headers.insert(CONTENT_DISPOSITION, value);
        file_name(&headers, plain)
    }

    #[test]
    fn the_coded_name_counts_more_than_the_plain_one() {
        let coded = "form-data; name=\"file\"; filename=\"n.apk\"; filename*=UTF-8''%C3%BC.apk";
        assert_eq!(named(coded, Some("n.apk")), Ok(Some("ü.apk".to_owned())));
        let in_quotes = "form-data; name=\"a; filename*=UTF-8''b\"; filename=\"n.apk\"";
        assert_eq!(
            named(in_quotes, Some("n.apk")),
            Ok(Some("n.apk".to_owned()))
        );
        for (disposition, why) in [
            ("form-data; filename*=latin1''n.apk", Name::Coded),
            ("form-data; filename*=n.apk", Name::Coded),
            ("form-data; filename*=UTF-8''%ff", Name::Coded),
        ] {
            assert_eq!(named(disposition, None), Err(Refusal::Name(why)));
        }
        assert_eq!(
            named("form-data", Some("=?utf-8?b?bg==?=")),
            Err(Refusal::Name(Name::Mail))
        );
    }

    #[test]
    fn a_part_is_a_field_or_the_file() {
        let mut fields = Fields::new(RawParameters::default());
        let mut part =
            |name: &str, of_file: Option<&str>| fields.part(name, of_file.map(str::to_owned));
        assert_eq!(part("version", None), Ok(Part::Field("version".into())));
        assert_eq!(part("filename", None), Ok(Part::Field("filename".into())));
        assert_eq!(part("file", None), Ok(Part::File(None)));
        assert_eq!(
            part("upload", Some("n.apk")),
            Ok(Part::File(Some("n.apk".into())))
        );
        assert_eq!(
            part("version", Some("n.apk")),
            Err(Refusal::FieldIsFile("version".into()))
        );
        assert_eq!(
            part("verison", None),
            Err(Refusal::Unknown("verison".into()))
        );
    }

    proptest! {
        #[test]
        fn the_order_of_the_parts_says_nothing(field in "[a-z]{1,8}", of_file in "[a-z]{1,8}", first in proptest::bool::ANY) {
            let mut fields = Fields::new(RawParameters::default());
            if first {
                fields.set("filename", field.clone()).expect("a name");
            }
            fields.set_name_of_file(Some(of_file));
            if !first {
                fields.set("filename", field.clone()).expect("a name");
            }
            assert_eq!(fields.set("filename", field.clone()), Err(Refusal::Twice("filename".to_owned())));
            assert_eq!(fields.complete().filename, field);
        }

        #[test]
        fn no_disposition_makes_the_reader_fail(disposition in "[ -~]{0,60}") {
            let _ = named(&disposition, Some("n.apk"));
        }
    }
}
