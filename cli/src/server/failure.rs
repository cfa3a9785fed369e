//! Why a request brought nothing, in words that say what to do.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER, SERVER};
use rustls::CertificateError;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest that a server may ask us to wait, in seconds.
const LONGEST_RETRY_AFTER: u64 = 60;
/// Bytes of another server's page that are looked at.
const LOOKED_AT: usize = 4096;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0} cannot be reached (is the address right, and does the platform run there?)")]
    Unreachable(String, #[source] reqwest::Error),
    /// The other end did not prove who it is; nothing was sent.
    #[error("{0}")]
    Insecure(String),
    #[error("the connection broke")]
    Broken(#[source] reqwest::Error),
    #[error("nothing moved for {} s", .0.as_secs())]
    Stalled(Duration),
    #[error("the connection ended before the file did")]
    Short,
    #[error("what was there is longer than the file: beginning anew")]
    Changed,
    #[error(transparent)]
    Refused(#[from] Problem),
    #[error("the answer is not what Slipway answers: is this the address of a platform?")]
    Strange,
}

/// A refusal as the platform says it (RFC 9457), or what something in front of it has put in its place.
#[derive(Debug, thiserror::Error)]
#[error("{detail} ({} {code}{})", status.as_u16(), request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default())]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) request_id: Option<String>,
    /// What the platform names beside its words.
    pub(crate) members: Map<String, Value>,
    retry_after: Option<Duration>,
}

impl Failure {
    /// Of a request to `origin` that got no answer.
    pub(crate) fn of(origin: String, error: reqwest::Error) -> Self {
        let error = error.without_url();
        if let Some(words) = tls_fault(&error).map(|fault| tls_words(&origin, fault)) {
            return Self::Insecure(words);
        }
        if error.is_connect() {
            Self::Unreachable(origin, error)
        } else {
            Self::Broken(error)
        }
    }

    /// Whether the same request may succeed later.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Unreachable(..)
            | Self::Broken(_)
            | Self::Stalled(_)
            | Self::Short
            | Self::Changed => true,
            Self::Refused(problem) => problem.passes(),
            Self::Strange | Self::Insecure(_) => false,
        }
    }

    /// What the server asked for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after,
            _ => None,
        }
    }

    /// For programs, where the platform has given no code.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Unreachable(..) => "unreachable",
            Self::Insecure(_) => "insecure",
            Self::Broken(_) | Self::Stalled(_) | Self::Short | Self::Changed => "broken",
            Self::Strange => "no_platform",
            Self::Refused(problem) => &problem.code,
        }
    }

    /// The refusal's code.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            _ => None,
        }
    }

    /// The refusal's status.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused(problem) => Some(problem.status),
            _ => None,
        }
    }
}

impl Problem {
    /// Whether the same request may succeed later.
    pub(crate) fn passes(&self) -> bool {
        let status = self.status.as_u16();
        (status >= 500 && status != 501) || matches!(status, 408 | 421 | 423 | 425 | 429)
    }

    /// Out of an answer's status, head and body.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, bytes: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            code: String,
            detail: String,
            request_id: Option<String>,
            #[serde(flatten)]
            members: Map<String, Value>,
        }
        let retry_after = text(headers, RETRY_AFTER).and_then(|text| text.parse::<u64>().ok());
        let is_ours = text(headers, CONTENT_TYPE)
            .is_some_and(|media_type| media_type.starts_with("application/problem+json"));
        let code = || {
            let words = status.canonical_reason().unwrap_or_default();
            words.to_lowercase().replace(' ', "_")
        };
        let body = match serde_json::from_slice::<Body>(bytes) {
            Ok(body) if is_ours => body,
            // An answer to HEAD has no body.
            _ if is_ours => Body {
                code: code(),
                detail: "the server refuses".to_owned(),
                request_id: None,
                members: Map::new(),
            },
            _ => Body {
                code: code(),
                detail: foreign_words(status, headers, bytes),
                request_id: None,
                members: Map::new(),
            },
        };
        Self {
            status,
            code: body.code,
            detail: body.detail,
            members: body.members,
            request_id: body
                .request_id
                .or_else(|| text(headers, HeaderName::from_static("x-request-id"))),
            retry_after: retry_after
                .map(|seconds| Duration::from_secs(seconds.min(LONGEST_RETRY_AFTER))),
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// For an answer that no service of ours has made: something in front of Slipway has, or there is no Slipway.
fn foreign_words(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
    let who = text(headers, SERVER)
        .map(|name| format!(" ({})", name.escape_debug()))
        .unwrap_or_default();
    let from =
        format!("this answer comes from something in front of Slipway{who}, not from Slipway");
    let page = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]).to_lowercase();
    match status.as_u16() {
        400 if page.contains("https") => {
            "https is spoken there, and not http: write the address with https://".to_owned()
        }
        301 | 302 | 303 | 307 | 308 => {
            let there = text(headers, LOCATION).unwrap_or_default();
            format!(
                "{from}: it sends us to {}; give the address that it means, with --server",
                there.escape_debug()
            )
        }
        401 | 407 => format!("{from}: it asks for a password of its own; let /api/ pass there"),
        404 => format!("{from}: is this the address of a platform?"),
        413 => format!(
            "{from}: raise its limit for the bodies of requests (nginx: client_max_body_size 0; see deploy/README.md)"
        ),
        502..=504 => format!("{from}: it cannot reach the platform"),
        _ => format!("{from}: look into its log and configuration"),
    }
}

/// The fault of TLS among the causes of `error`. An `io::Error` hides the one that it holds from `source`.
fn tls_fault(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        let held = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match held {
            Some(held) => Some(held),
            None => cause.source(),
        };
    }
    None
}

fn tls_words(origin: &str, fault: &rustls::Error) -> String {
    let plain = origin.replacen("https://", "http://", 1);
    let certificate = match fault {
        rustls::Error::InvalidMessage(_) => {
            return format!("{origin}: https is not spoken there; if it is http, write {plain}");
        }
        rustls::Error::InvalidCertificate(certificate) => certificate,
        other => return format!("{origin}: no protected connection could be made: {other}"),
    };
    let why = match certificate {
        CertificateError::UnknownIssuer => {
            "nobody whom this machine trusts has signed its certificate: give the certificate, or that of its authority, with --cacert FILE"
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is signed by itself: give that certificate with --cacert FILE"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name: use a name that is in it, or make one that names this address as a subjectAltName"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired: it has to be renewed there (or the clock here is wrong)"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: look at the clocks here and there"
        }
        _ => return format!("{origin}: its certificate is refused: {fault}"),
    };
    format!("{origin}: {why}")
}
