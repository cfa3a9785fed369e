//! A developer's client, and what it was answered.

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request};
use serde_json::Value;
use slipway_testkit::call;

/// Sends requests with one token, if it has one.
#[derive(Clone)]
pub(crate) struct Client {
    router: Router,
    headers: Vec<(&'static str, String)>,
}

impl Client {
    pub(crate) fn new(router: Router) -> Self {
        Self {
            router,
            headers: Vec::new(),
        }
    }

    /// The same client with one more header.
    pub(crate) fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut client = self.clone();
        client.headers.push((name, value.into()));
        client
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        Answer::to(&self.router, request.body(body).expect("a request")).await
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// `null` when the body is not JSON.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn to(router: &Router, request: Request<Body>) -> Self {
        let (head, body) = call::send(router, request).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a whole body");
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The words of a refusal that must have this status and code, which the description of the API must name.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> String {
        let described = include_str!("../../openapi.json");
        assert!(
            described.contains(&format!("`{code}`")),
            "openapi.json does not describe {code}"
        );
        self.refused_inside(status, code)
    }

    /// The same of an address that is no part of the API.
    #[track_caller]
    pub(crate) fn refused_inside(self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["code"], code, "{}", self.body);
        assert_eq!(self.body["status"], status);
        let content_type = self.header("content-type");
        assert_eq!(content_type, Some("application/problem+json"));
        let request_id = self.body["request_id"].as_str();
        assert_eq!(request_id, self.header("x-request-id"));
        let detail = self.body["detail"].as_str().expect("words").to_owned();
        assert!(detail.len() > 15, "{detail:?} tells nobody what to do");
        detail
    }
}
