//! The digests of a body that its headers announce: checked when they are sent.
//!
//! `Repr-Digest` and `Content-Digest` (RFC 9530), `Digest` (RFC 3230), `Content-MD5` (RFC 1864), and the
//! `X-Checksum-…` of artifact stores. An algorithm that is not known here is passed over, as those texts say; a value
//! that cannot be read is refused, because a check that is silently left out is none.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::TRAILER;
use http::{HeaderMap, HeaderValue};
use slipway_contract::Digest;

use crate::checksum::{Algorithm, Checksum};

/// Padding may be missing (RFC 8941, 4.2.7).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Headers with one value in hex, as artifact stores take them.
const IN_HEX: [(&str, Algorithm); 4] = [
    ("x-checksum-md5", Algorithm::Md5),
    ("x-checksum-sha1", Algorithm::Sha1),
    ("x-checksum-sha256", Algorithm::Sha256),
    ("x-checksum-sha512", Algorithm::Sha512),
];

/// Every header that is read here.
const ALL: [&str; 8] = [
    "repr-digest",
    "content-digest",
    "digest",
    "content-md5",
    "x-checksum-md5",
    "x-checksum-sha1",
    "x-checksum-sha256",
    "x-checksum-sha512",
];

/// Of tus: here the piece is the whole.
const OF_PIECE: &str = "upload-checksum";

/// What a body has to be.
#[derive(Default)]
pub(crate) struct Announced {
    pub(crate) sha256: Option<Digest>,
    /// By other algorithms.
    pub(crate) others: Vec<Checksum>,
}

/// Why what is announced is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// This header is to come after the body.
    Trailer(String),
    /// This header is not of the package here.
    OfSomethingElse {
        header: &'static str,
        instead: Instead,
    },
    /// Two digests, of which one is wrong.
    Differ(Digest, Digest),
    Unreadable {
        header: &'static str,
        why: String,
    },
}

/// Where digests of an upload go that is not the bytes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    /// A field of the form.
    Field,
    /// The metadata and the checksums of tus.
    Metadata,
}

/// Reads what the headers of a package's bytes announce.
pub(crate) fn announced(headers: &HeaderMap) -> Result<Announced, Refusal> {
    check_trailers(headers)?;
    let mut announced = Announced::default();
    for value in headers.get_all("repr-digest") {
        announced.add_dictionary("Repr-Digest", value)?;
    }
    // It says which bytes are meant: who sends it alone counts on it.
    if headers.contains_key("repr-digest") && announced.is_empty() {
        return Err(invalid("Repr-Digest", "no algorithm of it is known here"));
    }
    for value in headers.get_all("content-digest") {
        announced.add_dictionary("Content-Digest", value)?;
    }
    for value in headers.get_all("digest") {
        for (algorithm, value) in members(value, instance_key, "Digest")? {
            announced.add("Digest", algorithm, base64(value))?;
        }
    }
    for value in headers.get_all("content-md5") {
        let value = text(value, "Content-MD5")?;
        announced.add("Content-MD5", Algorithm::Md5, base64(value))?;
    }
    for (name, algorithm) in IN_HEX {
        for value in headers.get_all(name) {
            announced.add(name, algorithm, hex::decode(text(value, name)?).ok())?;
        }
    }
    for value in headers.get_all(OF_PIECE) {
        let checksum = text(value, "Upload-Checksum")?.parse();
        let checksum: Checksum = checksum.map_err(|error| invalid("Upload-Checksum", error))?;
        announced.others.push(checksum);
    }
    Ok(announced)
}

/// Refuses a digest that is to come after the body (RFC 9110, 6.6.2): trailers are not read.
pub(crate) fn check_trailers(headers: &HeaderMap) -> Result<(), Refusal> {
    for value in headers.get_all(TRAILER) {
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let mut names = value.split(',').map(str::trim);
        if let Some(name) = names.find(|name| ALL.contains(name) || *name == OF_PIECE) {
            return Err(Refusal::Trailer(name.to_owned()));
        }
    }
    Ok(())
}

/// Refuses all of these headers where they are of something else than the package; `instead` is the way out.
pub(crate) fn refuse(headers: &HeaderMap, instead: Instead) -> Result<(), Refusal> {
    check_trailers(headers)?;
    match ALL.iter().find(|name| headers.contains_key(**name)) {
        Some(header) => Err(Refusal::OfSomethingElse { header, instead }),
        None => Ok(()),
    }
}

/// The same for a form, which is no piece of tus either.
pub(crate) fn refuse_of_form(headers: &HeaderMap) -> Result<(), Refusal> {
    let (header, instead) = (OF_PIECE, Instead::Field);
    if headers.contains_key(header) {
        return Err(Refusal::OfSomethingElse { header, instead });
    }
    refuse(headers, instead)
}

impl Announced {
    fn is_empty(&self) -> bool {
        self.sha256.is_none() && self.others.is_empty()
    }

    /// Of RFC 9530: a dictionary of byte sequences (RFC 8941, 3.2). All that it says must be true of the bytes.
    fn add_dictionary(&mut self, header: &'static str, value: &HeaderValue) -> Result<(), Refusal> {
        for (algorithm, value) in members(value, dictionary_key, header)? {
            let bytes = value.split(';').next().unwrap_or(value).trim_end();
            let bytes = bytes
                .strip_prefix(':')
                .and_then(|rest| rest.strip_suffix(':'));
            self.add(header, algorithm, bytes.and_then(base64))?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        header: &'static str,
        algorithm: Algorithm,
        value: Option<Vec<u8>>,
    ) -> Result<(), Refusal> {
        let value = value
            .filter(|value| value.len() == algorithm.length())
            .ok_or_else(|| invalid(header, format!("its {algorithm} cannot be read")))?;
        if algorithm != Algorithm::Sha256 {
            self.others.push(Checksum::new(algorithm, value));
            return Ok(());
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&value);
        self.expect(Digest::from_bytes(bytes))
    }

    /// The SHA-256 that was announced, in one more place.
    pub(crate) fn expect(&mut self, digest: Digest) -> Result<(), Refusal> {
        match self.sha256.replace(digest) {
            Some(other) if other != digest => Err(Refusal::Differ(other, digest)),
            _ => Ok(()),
        }
    }
}

/// The members of a list `key=value, …` whose key `known` knows. What is no such list may have been meant as a digest that
/// is known.
fn members<'a>(
    value: &'a HeaderValue,
    known: impl Fn(&str) -> Option<Algorithm>,
    header: &'static str,
) -> Result<Vec<(Algorithm, &'a str)>, Refusal> {
    let mut found = Vec::new();
    for member in text(value, header)?.split(',').map(str::trim) {
        let (key, value) = member
            .split_once('=')
            .map(|(key, value)| (key.trim(), value.trim()))
            .filter(|(key, _)| is_key(key))
            .ok_or_else(|| invalid(header, "it is no list of ALGORITHM=DIGEST"))?;
        found.extend(known(key).map(|algorithm| (algorithm, value)));
    }
    Ok(found)
}

fn is_key(key: &str) -> bool {
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || "_-.*/".contains(c);
    !key.is_empty() && key.chars().all(is_of_key)
}

/// Keys of RFC 9530's registry, and how libraries spell them.
fn dictionary_key(key: &str) -> Option<Algorithm> {
    match key.to_ascii_lowercase().as_str() {
        "md5" => Some(Algorithm::Md5),
        "sha" | "sha1" | "sha-1" => Some(Algorithm::Sha1),
        "sha256" | "sha-256" => Some(Algorithm::Sha256),
        "sha512" | "sha-512" => Some(Algorithm::Sha512),
        _ => None,
    }
}

/// Those of RFC 3230 and 5843; `id-` is without the content coding, and there is none here.
fn instance_key(key: &str) -> Option<Algorithm> {
    let key = key.to_ascii_lowercase();
    dictionary_key(key.strip_prefix("id-").unwrap_or(&key))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

fn text<'a>(value: &'a HeaderValue, header: &'static str) -> Result<&'a str, Refusal> {
    let text = value.to_str().map(str::trim);
    text.map_err(|_| invalid(header, "it is not ASCII"))
}

fn invalid(header: &'static str, why: impl std::fmt::Display) -> Refusal {
    Refusal::Unreadable {
        header,
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use slipway_runtime::Problem;

    use slipway_contract::Code;

    use super::*;

    const MD5: &str = "XUFAKrxLKna5cZ2REBfFkg==";
    const SHA256: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    const HEX: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    fn read(name: &'static str, value: &str) -> Result<Announced, Code> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        announced(&headers).map_err(|refusal| Problem::from(refusal).code)
    }

    #[test]
    fn every_header_is_checked_against_the_bytes() {
        for (name, value) in [
            ("content-md5", MD5.to_owned()),
            ("digest", format!("adler32=03da0195, MD5={MD5}")),
            ("digest", "id-sha=qvTGHdzF6KLavt4PO0gs2a6pQ00=".to_owned()),
            ("content-digest", format!("x=1, md5=:{MD5}:;p")),
            ("content-digest", "sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:".to_owned()),
            ("content-digest", format!("md5 = :{MD5}: ;p=1")),
            ("digest", "sha-1=qvTGHdzF6KLavt4PO0gs2a6pQ00=".to_owned()),
            ("upload-checksum", "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=".to_owned()),
            ("x-checksum-md5", "5D41402ABC4B2A76B9719D911017C592".to_owned()),
            ("x-checksum-sha1", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d".to_owned()),
        ] {
            let mut others = read(name, &value).expect(&value).others;
            let mut checksum = others.pop().expect(&value);
            checksum.update(b"hello");
            assert!(checksum.matches(), "{name}: {value}");
        }
        for (name, value) in [
            ("repr-digest", format!("sha-256=:{SHA256}:")),
            ("content-digest", format!("SHA-256=:{SHA256}:")),
            ("content-digest", format!("sha256 = :{SHA256}:")),
            ("digest", format!("sha-256={SHA256}")),
            ("digest", format!("SHA256 = {SHA256}")),
            ("x-checksum-sha256", HEX.to_owned()),
        ] {
            let digest = read(name, &value).expect(&value).sha256;
            assert_eq!(digest.unwrap().as_hex(), HEX, "{name}: {value}");
        }
    }

    #[test]
    fn every_line_and_algorithm_of_repr_digest_counts() {
        let sha512 = "sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:";
        let sha256 = format!("SHA-256=:{SHA256}:");
        let zero = format!("sha-256=:{}=:", "A".repeat(43));
        let read = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("repr-digest", HeaderValue::from_str(line).unwrap());
            }
            announced(&headers)
        };
        let both = read(&[sha512, &sha256]).unwrap();
        assert_eq!(both.sha256.unwrap().as_hex(), HEX);
        assert_eq!(both.others.len(), 1);
        assert_eq!(read(&[sha512]).unwrap().others.len(), 1);
        let in_one = format!("{zero}, {sha256}");
        for lines in [&[&*sha256, &*zero][..], &[&*in_one], &["crc32c=:AAAA:"]] {
            let refused = read(lines).map(|_| ()).expect_err("a refusal");
            assert_eq!(
                Problem::from(refused).code,
                Code::DigestInvalid,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn unknown_algorithms_are_passed_over() {
        for (name, value) in [
            ("content-digest", "crc32c=:AAAAAA==:"),
            ("digest", "unixsum=30637"),
            ("digest", "crc32c=aabbccdd"),
        ] {
            let read = read(name, value).expect(value);
            assert!(read.sha256.is_none() && read.others.is_empty(), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (name, value) in [
            ("content-md5", "5d41402abc4b2a76b9719d911017c592"),
            ("content-md5", ""),
            ("digest", "md5"),
            ("digest", "SHA-256=abc"),
            ("content-digest", "sha-256=abc"),
            ("content-digest", "sha-256"),
            ("content-digest", "sha-256=:AAAA:"),
            ("content-digest", "garbage"),
            ("content-digest", ""),
            ("content-digest", "x y=:AAAA:"),
            ("content-digest", "sha-256;p=:AAAA:"),
            ("content-digest", "sha256=:wrong:"),
            ("content-digest", "sha-256 = :x:"),
            ("digest", "SHA256=wrong"),
            ("digest", "SHA-256 = wrong"),
            ("upload-checksum", "md5 AAAA"),
            ("upload-checksum", "garbage"),
            ("trailer", "Expires, Content-Digest"),
            ("x-checksum-sha256", "sha256:00"),
            ("x-checksum-sha1", SHA256),
        ] {
            let refused = read(name, value).map(|_| ()).expect_err(value);
            assert_eq!(refused, Code::DigestInvalid, "{name}: {value}");
        }
    }

    #[test]
    fn two_that_differ_cannot_both_be_right() {
        let mut headers = HeaderMap::new();
        let zero = format!("{:064}", 0);
        headers.append("x-checksum-sha256", HeaderValue::from_static(HEX));
        assert!(announced(&headers).is_ok());
        headers.append("x-checksum-sha256", HeaderValue::from_str(&zero).unwrap());
        assert!(announced(&headers).is_err());
    }
}
