//! The address of a platform as people type it.

use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

use crate::exit::Stop;

const VARIABLE: &str = "SLIPWAY_SERVER";
const DEFAULT: &str = "http://127.0.0.1:8080";

/// An origin. Without a scheme it is http on this machine, where `slipway up` listens, and https elsewhere: a token never
/// travels unencrypted because somebody left out a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerAddress(Url);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("{0:?} is no address of a platform: write it as https://apps.example.org")]
    Form(String),
    #[error("a platform is at the root of its host: write it as {0}")]
    More(String),
}

impl ServerAddress {
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The platform that serves `url`.
    pub(crate) fn of(url: &Url) -> Result<Self, AddressError> {
        url.origin().ascii_serialization().parse()
    }

    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = |address: IpAddr| address.is_loopback();
        host == "localhost" || host.parse().is_ok_and(is_loopback)
    }

    /// Whether others on the way can read what is sent.
    pub(crate) fn is_unprotected(&self) -> bool {
        self.0.scheme() == "http" && !self.is_loopback()
    }
}

impl Default for ServerAddress {
    fn default() -> Self {
        DEFAULT.parse().expect("the default is an address")
    }
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let form = || AddressError::Form(text.to_owned());
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let url = Url::parse(&whole).map_err(|_| form())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || text.is_empty() {
            return Err(form());
        }
        let origin = url.origin().ascii_serialization();
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let address = Self(Url::parse(&origin).map_err(|_| form())?);
        if text.contains("://") || address.is_loopback() {
            return if is_bare && url.username().is_empty() && url.password().is_none() {
                Ok(address)
            } else {
                Err(AddressError::More(origin))
            };
        }
        format!("https://{text}").parse()
    }
}

/// The address that was given, or that the environment names. An empty variable is none.
pub(crate) fn given(option: Option<&ServerAddress>) -> anyhow::Result<Option<ServerAddress>> {
    if let Some(address) = option {
        return Ok(Some(address.clone()));
    }
    match std::env::var(VARIABLE) {
        Ok(text) if !text.trim().is_empty() => {
            let address = text.parse().map_err(|error: AddressError| {
                Stop::usage(format!("the variable {VARIABLE}: {error}"))
            })?;
            Ok(Some(address))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_becomes_an_origin() {
        for (typed, origin) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("localhost", "http://localhost"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("apps.example.org", "https://apps.example.org"),
            ("apps.example.org:8443", "https://apps.example.org:8443"),
            (" https://apps.example.org/ ", "https://apps.example.org"),
            ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),
        ] {
            let address: ServerAddress = typed.parse().expect(typed);
            assert_eq!(address.origin(), origin, "{typed}");
        }
    }

    #[test]
    fn what_is_none_is_told_how_to_write_it() {
        for typed in ["", "ftp://apps.example.org", "https://", "not an address"] {
            let error = typed.parse::<ServerAddress>().expect_err(typed);
            assert!(matches!(error, AddressError::Form(_)), "{typed}: {error}");
        }
        for typed in [
            "https://apps.example.org/a/notes",
            "apps.example.org/a/notes",
            "https://slw_1@apps.example.org",
            "https://apps.example.org?a=b",
        ] {
            let error = typed.parse::<ServerAddress>().expect_err(typed);
            let more = AddressError::More("https://apps.example.org".to_owned());
            assert_eq!(error, more, "{typed}");
        }
    }
}
