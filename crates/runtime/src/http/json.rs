//! Extractors whose refusals are problems: axum's own answer in plain text.
//!
//! Under `/api/` an unknown JSON field or query parameter is an error that names it, because a misspelt option that
//! is silently ignored publishes the wrong thing.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Json, Path, Query, Request};
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use slipway_contract::Code;

use super::problem::Problem;

/// A JSON body; give its type `#[serde(deny_unknown_fields)]`, but not under `/internal/`: a later caller may say more.
pub struct ApiJson<T>(pub T);

/// A query; the same holds for its type. None holds a zero byte, which PostgreSQL takes in no text.
pub struct ApiQuery<T>(pub T);

/// No query: an address that takes none must not silently ignore one.
pub struct NoQuery;

/// Path parameters.
pub struct ApiPath<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::BytesRejection(rejection)) => Err(body_refused(&rejection)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Code::JsonExpected,
                "send the body as JSON with content-type: application/json",
            )),
            Err(rejection) => Err(unreadable(Code::JsonInvalid, &rejection.body_text())),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.query().unwrap_or_default().contains("%00") {
            return Err(unreadable(
                Code::QueryInvalid,
                "the query holds a zero byte",
            ));
        }
        Query::from_request_parts(parts, state)
            .await
            .map(|Query(value)| Self(value))
            .map_err(|rejection: QueryRejection| {
                unreadable(Code::QueryInvalid, &rejection.body_text())
            })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        let ApiQuery(Nothing {}) = ApiQuery::from_request_parts(parts, state).await?;
        Ok(Self)
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(value)| Self(value))
            .map_err(|_: PathRejection| Problem::not_found())
    }
}

fn body_refused(rejection: &axum::extract::rejection::BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            Code::BodyTooLarge,
            "this document is larger than the server takes: send a smaller one",
        )
    } else {
        Problem::bad_request(
            Code::BodyUnreadable,
            "the body ended before it was complete: send it again",
        )
    }
}

/// Says which field is unknown or wrong, in serde's words without its prefix.
fn unreadable(code: Code, text: &str) -> Problem {
    let reason = text.split_once(": ").map_or(text, |(_, reason)| reason);
    if reason.contains("unknown field") {
        return Problem::bad_request(
            Code::ParameterUnknown,
            format!("{reason}: check the spelling or leave it out"),
        );
    }
    Problem::bad_request(code, format!("{reason}: correct it and send it again"))
}
