//! What became of a call: an answer, or why there is none.

use std::io;

use http::StatusCode;
use reqwest::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use slipway_contract::{Code, Word};

/// Why an instance could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    #[error("its address could not be found")]
    Address(#[from] io::Error),
    #[error(transparent)]
    Exchange(#[from] reqwest::Error),
    #[error("it hangs: it takes connections and does not prove itself on them")]
    Hangs,
}

impl Cause {
    /// Whether the instance may have been asked. One to which no connection was made has no work of it.
    pub(super) fn may_have_asked(&self) -> bool {
        match self {
            Self::Address(_) => false,
            Self::Exchange(error) => !error.is_connect(),
            Self::Hangs => true,
        }
    }

    /// Whether nothing came for too long, rather than a refusal.
    pub(super) fn is_silence(&self) -> bool {
        match self {
            Self::Address(_) => false,
            Self::Exchange(error) => error.is_timeout(),
            Self::Hangs => true,
        }
    }
}

/// Why a call did not bring an answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No instance could be reached: try later.
    #[error("no instance of {service} answers")]
    Unavailable {
        service: String,
        #[source]
        cause: Option<Cause>,
    },
    /// An answer that says no for good.
    #[error("{service} refused with {status} {code}: {detail}")]
    Refused {
        service: String,
        status: StatusCode,
        code: Word<Code>,
        detail: String,
        /// What the problem names beside its words.
        members: Map<String, Value>,
    },
    /// An answer that says no for now: 5xx, 408, 421, 425, 429; and 401 and 403, which speak of services that do not fit
    /// together yet, not of what was asked; what says that this callee, an older one, does not know what was asked: a
    /// later one will; and a code of a later version, which is not known here.
    #[error("{service} failed with {status} {code}: {detail}")]
    Failed {
        service: String,
        status: StatusCode,
        code: Word<Code>,
        detail: String,
    },
    /// Nothing was asked, because it could not be written down: a fault of ours.
    #[error("what {service} is asked could not be written")]
    Unwritten {
        service: &'static str,
        #[source]
        cause: serde_json::Error,
    },
    /// An answer that could not be read, be it a refusal whose reason is not known then: it may be none.
    #[error("the answer of {service} could not be read")]
    Unreadable {
        service: String,
        #[source]
        cause: reqwest::Error,
    },
}

/// What a problem says (RFC 9457), as far as a caller goes by it.
#[derive(Deserialize)]
struct Reason {
    code: Word<Code>,
    detail: String,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl Reason {
    /// What it names beside what every problem does.
    fn own_members(mut self) -> Map<String, Value> {
        for every in ["type", "title", "status", "request_id"] {
            self.members.remove(every);
        }
        self.members
    }
}

impl CallError {
    /// What a callee says that does not take a call now, or not in this version. `None` when nobody has answered, and when the
    /// callee has a fault of its own.
    pub fn not_taken(&self) -> Option<&str> {
        match self {
            Self::Refused { detail, .. } => Some(detail),
            Self::Failed { status, detail, .. } if status.is_client_error() => Some(detail),
            // Its words are the operator's, for whoever waits.
            Self::Failed { code, detail, .. } if *code == Code::PublishingOff => Some(detail),
            _ => None,
        }
        .filter(|detail| !detail.is_empty())
        .map(String::as_str)
    }
}

pub(super) async fn read_json<T: DeserializeOwned>(
    service: &str,
    response: Response,
) -> Result<T, CallError> {
    response
        .json()
        .await
        .map_err(|cause| CallError::Unreadable {
            service: service.to_owned(),
            cause,
        })
}

pub(super) fn unavailable(service: &str, cause: Option<Cause>) -> CallError {
    CallError::Unavailable {
        service: service.to_owned(),
        cause,
    }
}

/// Whether a 4xx refuses what was asked, for good. Some say no more than that the callee, of another version, does not know what
/// it is asked: the codes of the edge and of the extractors. A 404 with another code speaks of what was asked for. And a code that
/// is not known here may mean anything: so does an answer that is no problem of ours.
fn is_final(status: StatusCode, code: &Word<Code>) -> bool {
    let Some(code) = code.known() else {
        return false;
    };
    !matches!(
        (status.as_u16(), code),
        (401 | 403 | 405 | 408 | 415 | 421 | 425 | 429, _)
            | (
                400,
                Code::ParameterUnknown
                    | Code::JsonInvalid
                    | Code::QueryInvalid
                    | Code::BodyUnreadable
            )
            | (404, Code::NotFound)
    )
}

pub(super) async fn read_status(service: &str, response: Response) -> Result<Response, CallError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let reason: Reason = read_json(service, response).await?;
    let service = service.to_owned();
    let (code, detail) = (reason.code.clone(), reason.detail.clone());
    if code.is_unknown() {
        tracing::warn!(service, %status, %code, detail, "a refusal that is not known here is no refusal: it is asked again");
    }
    if status.is_client_error() && is_final(status, &code) {
        return Err(CallError::Refused {
            service,
            status,
            code,
            detail,
            members: reason.own_members(),
        });
    }
    Err(CallError::Failed {
        service,
        status,
        code,
        detail,
    })
}
