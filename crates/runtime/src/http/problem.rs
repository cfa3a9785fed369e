//! The one body of an error (RFC 9457): words and a stable code for the client, the cause for the log.

use slipway_contract::Code;
use std::error::Error;
use std::sync::Arc;

use axum::response::IntoResponse;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use serde_json::json;
use slipway_contract::quota::QuotaExceeded;

use crate::fault::Fault;

/// The code of an answer that would have come out of a damaged database; the edge says which one.
pub const DATABASE_DAMAGED: Code = Code::DatabaseDamaged;

/// A refusal or a failure, on its way to the client.
///
/// The cause is logged once, by [`crate::http::edge`], with the request id; it is never sent.
#[derive(Clone, Debug)]
pub struct Problem {
    pub status: StatusCode,
    /// Stable, for programs.
    pub code: Code,
    /// What is wrong and what to do about it, for people.
    pub detail: String,
    headers: Vec<(&'static str, String)>,
    /// Members beside the standard ones, such as the rule that refused an archive.
    extra: Option<serde_json::Map<String, serde_json::Value>>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    pub fn new(status: StatusCode, code: Code, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            headers: Vec::new(),
            extra: None,
            cause: None,
        }
    }

    /// 400: a request that cannot be read.
    pub fn bad_request(code: Code, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404, `not_found`.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            Code::NotFound,
            "there is nothing at this address: check its spelling",
        )
    }

    /// 404, `not_found`, of a path that no route has.
    pub fn no_such_address(path: &str) -> Self {
        if !path.starts_with("/api/") {
            return Self::not_found();
        }
        Self::new(
            StatusCode::NOT_FOUND,
            Code::NotFound,
            "there is nothing at this address: check its spelling, GET /api/v1/openapi.json lists those there are",
        )
    }

    /// 405 with `Allow` (RFC 9110, 15.5.6), which is said in words too.
    pub fn method_not_allowed(method: &Method, allowed: &str) -> Self {
        let known = allowed.split(',').map(str::trim).collect::<Vec<_>>();
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            Code::MethodNotAllowed,
            format!(
                "this address does not know {method}: use one of {}",
                known.join(", ")
            ),
        )
        .with_header("allow", allowed)
    }

    /// 409: what is there already forbids it.
    pub fn conflict(code: Code, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 409, `release_published`: another file for a version that is released, which is told how several files get there.
    pub fn release_closed(version: &str, filename: &str) -> Self {
        Self::conflict(
            Code::ReleasePublished,
            format!(
                "{version} is released already and takes no other file, so {filename} is not added: choose a higher version. For several files of one release make a draft: PUT each with ?version= and without channel=, then publish it with POST …/releases"
            ),
        )
    }

    /// 422: understood and refused.
    pub fn unprocessable(code: Code, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 503 with `Retry-After`: a peer is away, and `code` is its `…_unavailable`.
    pub fn unavailable(code: Code, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).with_header("retry-after", "1")
    }

    /// 507: there is no room for what has to be written. What is there already is served on.
    pub fn disk_full() -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            Code::DiskFull,
            "the platform's disk is full: tell its operator, and send this again when there is room",
        )
    }

    /// 500: a fault of ours. The client learns nothing of it but the request id to quote. Where the cause is a state of
    /// the machine that passes, it is that one's 507 or 503.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let cause = cause.into();
        if let Some(fault) = Fault::of(&*cause) {
            return Self::from(fault).with_cause(cause);
        }
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Code::Internal,
            "something went wrong here, and the log knows what: try again, and if it stays, give the operator the request id",
        )
        .with_cause(cause)
    }

    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(Arc::from(cause.into()));
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.extra
            .get_or_insert_default()
            .insert(name.to_owned(), value.into());
        self
    }

    /// The members beside the standard ones.
    pub fn members(&self) -> serde_json::Map<String, serde_json::Value> {
        self.extra.clone().unwrap_or_default()
    }

    pub fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }

    /// The cause with all that caused it, for the log.
    pub fn cause(&self) -> Option<String> {
        let mut error: &dyn Error = self.cause.as_deref()?;
        let mut text = error.to_string();
        while let Some(source) = error.source() {
            text.push_str(": ");
            text.push_str(&source.to_string());
            error = source;
        }
        Some(text)
    }

    /// The body, with the id that the log has too.
    pub fn body(&self, request_id: &str) -> serde_json::Value {
        let mut body = self.extra.clone().unwrap_or_default();
        let standard = json!({
            "type": "about:blank",
            "title": self.title(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code.as_str(),
            "request_id": request_id,
        });
        if let serde_json::Value::Object(standard) = standard {
            body.extend(standard);
        }
        body.into()
    }

    /// An answer with the status and headers of its own.
    pub fn head<B>(&self, body: B) -> Response<B> {
        let mut answer = Response::new(body);
        *answer.status_mut() = self.status;
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                let name = HeaderName::from_static(name);
                answer.headers_mut().append(name, value);
            }
        }
        answer
    }
}

/// Leaves the body to the edge, which knows the request's id: the problem travels as an extension.
impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        let mut response = self.head(axum::body::Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Full => Self::disk_full(),
            Fault::Away => Self::unavailable(
                Code::DatabaseUnavailable,
                "the database does not answer: try again in a moment",
            ),
            Fault::Exhausted => Self::unavailable(
                Code::ResourcesExhausted,
                "this instance has too much open at once: try again in a moment",
            ),
            Fault::Damaged => Self::unavailable(DATABASE_DAMAGED, "the database is damaged"),
        }
    }
}

/// 403, since no time mends it and clients try a 507 again.
impl From<QuotaExceeded> for Problem {
    fn from(exceeded: QuotaExceeded) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            Code::QuotaExceeded,
            exceeded.to_string(),
        )
        .with_member("quota", exceeded.what)
        .with_member("limit", exceeded.limit)
        .with_member("used", exceeded.used)
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        // As a box it does not show what it is made of.
        match Fault::of(error.as_ref()) {
            Some(fault) => Self::from(fault).with_cause(error),
            None => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_full_disk_is_told_whatever_it_came_in() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        for problem in [
            Problem::internal(full()),
            anyhow::Error::from(full()).into(),
            anyhow::Error::from(full()).context("could not move").into(),
        ] {
            assert_eq!(
                (problem.status.as_u16(), problem.code),
                (507, Code::DiskFull)
            );
            assert!(problem.cause().is_some());
        }
        let other = Problem::from(anyhow::anyhow!("a fault of ours"));
        assert_eq!(other.status, 500);
    }
}
