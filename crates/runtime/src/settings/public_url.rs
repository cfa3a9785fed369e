//! The origin that users see.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use ::http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// `http` or `https`, a host and perhaps a port, without a slash at its end: addresses are put behind it.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
pub struct PublicUrl(
    #[schemars(regex(pattern = r"^https?://[^/?#@]+/?$"))]
    String,
);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    #[error("{0:?} is no origin: write it as https://apps.example.org")]
    Form(String),
    #[error(
        "{0:?} has more than scheme, host and port: Slipway is at the root of its host, so give {1}"
    )]
    More(String, String),
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let form = || PublicUrlError::Form(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| form())?;
        let scheme = uri
            .scheme_str()
            .filter(|scheme| matches!(*scheme, "http" | "https"));
        let (scheme, authority) = scheme.zip(uri.authority()).ok_or_else(form)?;
        if authority.host().is_empty() || authority.as_str().ends_with(':') {
            return Err(form());
        }
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        let origin = format!("{scheme}://{host}");
        // The parser lets a fragment go without a word.
        if text.trim_end_matches('/') != origin || text.ends_with("//") {
            return Err(PublicUrlError::More(text.to_owned(), origin));
        }
        Ok(Self(origin))
    }
}

impl Deref for PublicUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_taken_with_and_without_a_slash() {
        for (text, origin) in [
            ("https://apps.example.org", "https://apps.example.org"),
            ("https://apps.example.org/", "https://apps.example.org"),
            ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            let url: PublicUrl = text.parse().expect(text);
            assert_eq!(&*url, origin);
        }
    }

    #[test]
    fn what_is_more_or_less_is_refused_with_what_to_write() {
        for text in [
            "",
            "apps.example.org",
            "apps.example.org:8080",
            "ftp://apps.example.org",
            "https://",
            "https://:8080",
            "https://apps.example.org:",
            "https://apps example.org",
        ] {
            let error = text.parse::<PublicUrl>().expect_err(text);
            assert!(matches!(error, PublicUrlError::Form(_)), "{text}: {error}");
        }
        for text in [
            "https://apps.example.org/slipway",
            "https://apps.example.org/?a=b",
            "https://apps.example.org?a=b",
            "https://apps.example.org/#a",
            "https://apps.example.org//",
            "https://me@apps.example.org",
        ] {
            let error = text.parse::<PublicUrl>().expect_err(text);
            let told = error.to_string();
            assert!(told.ends_with("give https://apps.example.org"), "{told}");
        }
    }
}
