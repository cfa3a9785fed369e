//! Access tokens: one rule for the catalog, which issues them, and for upload, which keeps a copy. What they permit is in
//! [`slipway_contract::grant`].
//!
//! Text form: `slw_`, 40 hex digits (160 random bits), 8 hex digits of the SHA-256 of what stands before them. The
//! prefix lets secret scanners find a leaked token, the checksum tells a typing error from a token that was revoked.

use slipway_contract::Code;
use std::borrow::Cow;
use std::str::FromStr;

use ::http::header::AUTHORIZATION;
use ::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use slipway_contract::grant::TokenRefusal;

use crate::http::origin;
use crate::http::problem::Problem;

const PREFIX: &str = "slw_";
const RANDOM_DIGITS: usize = 40;
const CHECK_DIGITS: usize = 8;

/// A token's text. It has no `Debug` or `Display`, so that it reaches no log by accident.
#[derive(Clone)]
pub struct Token(String);

/// Why a text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{DAMAGED}")]
pub struct NotAToken;

impl Token {
    pub fn random() -> anyhow::Result<Self> {
        let mut bytes = [0; RANDOM_DIGITS / 2];
        getrandom::fill(&mut bytes)?;
        let body = format!("{PREFIX}{}", hex::encode(bytes));
        let check = checksum(&body);
        Ok(Self(body + &check))
    }

    /// The text itself, for the one who is given it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored: the SHA-256 of the text in hex. 160 random bits need no slow hash.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(&self.0))
    }

    /// The token of a request: `Authorization: Bearer …` (RFC 6750), or the password of `Authorization: Basic …` (RFC 7617)
    /// under any user name, which is what `curl -u`, `.netrc` and `wget` send.
    ///
    /// Basic is never asked for, so no browser shows a dialog for it. One that was given it in an address sends it along with
    /// whatever any page makes it ask for (cross-site request forgery), so Basic is refused with 403 from another page.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Err(unauthorized(
                Code::TokenMissing,
                "send a token: Authorization: Bearer slw_…",
            ));
        };
        let Ok(text) = value.to_str() else {
            return Err(unauthorized(Code::TokenInvalid, DAMAGED));
        };
        let text = text.trim();
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer")
            && let Ok(token) = rest.parse()
        {
            return Ok(token);
        }
        if scheme.eq_ignore_ascii_case("basic") {
            if origin::is_foreign(headers) {
                return Err(of_another_site());
            }
            return Self::from_basic(rest);
        }
        Err(unauthorized(Code::TokenInvalid, misplaced(text)))
    }

    /// The token in the user name and password of Basic.
    fn from_basic(credentials: &str) -> Result<Self, Problem> {
        let decoded = BASE64_STANDARD.decode(credentials).ok();
        let decoded = decoded.and_then(|decoded| String::from_utf8(decoded).ok());
        let pair = decoded.as_deref().and_then(|it| it.split_once(':'));
        let Some((user, password)) = pair else {
            return Err(unauthorized(Code::TokenInvalid, NO_PASSWORD));
        };
        if let Ok(token) = password.parse() {
            return Ok(token);
        }
        let words = if user.parse::<Self>().is_ok() {
            "the token stands in the place of the user name: give it as the password, as `curl -u :slw_…` does"
        } else if password.starts_with(PREFIX) {
            DAMAGED
        } else {
            NO_PASSWORD
        };
        Err(unauthorized(Code::TokenInvalid, words))
    }
}

/// What is told about credentials of Basic that hold no token.
const NO_PASSWORD: &str = "the password is no token: give a token as the password, with any user name, or send Authorization: Bearer slw_…";
const DAMAGED: &str =
    "a token is slw_ and 48 hexadecimal digits, and this one is damaged: copy it again";

/// What is wrong with an `Authorization` that gives no token. A whole one among other words is told from a damaged one.
fn misplaced(text: &str) -> &'static str {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    if words.any(|word| word.parse::<Token>().is_ok()) {
        "the token is whole, but Bearer alone has to stand before it, and no quotes around it: send Authorization: Bearer slw_…"
    } else if text.contains(PREFIX) {
        DAMAGED
    } else if text.eq_ignore_ascii_case("bearer") {
        "the token is empty: look whether the variable or the file that it comes from is set where this runs"
    } else {
        "this is no token of Slipway, which begins with slw_: send Authorization: Bearer slw_…"
    }
}

/// Text without the tokens in it, for the log. Somebody who puts one where a name belongs sends it in a path.
pub(crate) fn without_tokens(text: &str) -> Cow<'_, str> {
    if !text.contains(PREFIX) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(PREFIX);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = |c: char| c.is_ascii_hexdigit();
        shown.extend([PREFIX, "…", part.trim_start_matches(digits)]);
    }
    Cow::Owned(shown)
}

fn of_another_site() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        Code::OriginRefused,
        "a browser sends this from a page of another site, and with Basic it may do so unasked: send the token as Authorization: Bearer slw_…",
    )
}

impl FromStr for Token {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let digits = text.strip_prefix(PREFIX).ok_or(NotAToken)?;
        let hexadecimal = digits
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if digits.len() != RANDOM_DIGITS + CHECK_DIGITS || !hexadecimal {
            return Err(NotAToken);
        }
        let (body, check) = text.split_at(PREFIX.len() + RANDOM_DIGITS);
        if checksum(body) != check {
            return Err(NotAToken);
        }
        Ok(Self(text.to_owned()))
    }
}

fn checksum(body: &str) -> String {
    let mut digits = hex::encode(Sha256::digest(body));
    digits.truncate(CHECK_DIGITS);
    digits
}

/// 401 for a token that nobody knows, or not any more.
pub fn unknown_token() -> Problem {
    TokenRefusal::Unknown.into()
}

impl From<TokenRefusal> for Problem {
    fn from(refusal: TokenRefusal) -> Self {
        let words = refusal.to_string();
        match refusal {
            TokenRefusal::Unknown => unauthorized(Code::TokenInvalid, words),
            TokenRefusal::Expired => unauthorized(Code::TokenExpired, words),
            TokenRefusal::ScopeMissing(_) => {
                Self::new(StatusCode::FORBIDDEN, Code::ScopeMissing, words)
            }
            TokenRefusal::OfAnotherApp(_) => {
                Self::new(StatusCode::FORBIDDEN, Code::TokenOfAnotherApp, words)
            }
        }
    }
}

fn unauthorized(code: Code, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail).with_header("www-authenticate", "Bearer")
}

#[cfg(test)]
mod tests;
