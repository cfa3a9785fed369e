//! What old and new are asked, and what an answer has to be.

use bytes::Bytes;
use http::Method;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use slipway_contract::Digest;

#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) caller: Caller,
    pub(super) body: Option<Value>,
    /// The first bytes alone: the file is large.
    pub(super) is_part: bool,
    pub(super) expected: Expected,
}

/// As whom it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// The gateway, for somebody without a token.
    World,
    /// The gateway, for the administrator.
    Administrator,
    Catalog,
    /// Whoever looks after the process, at its own listener.
    Operator,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expected {
    /// Not known before somebody who is known to be right has answered.
    Unknown,
    /// Of a page, which may look otherwise in another version.
    Status(u16),
    /// JSON that holds this; a later version may say more.
    Holds(Value),
    Bytes(Digest),
}

/// What came back.
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) body: Bytes,
    /// From the request to the end of the answer.
    pub(super) millis: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Right,
    /// In words.
    Wrong(String),
    Failed(String),
}

impl Question {
    pub(super) fn new(caller: Caller, path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            caller,
            body: None,
            is_part: false,
            expected: Expected::Unknown,
        }
    }

    /// With what was heard as what is right; none where that was a failure, or is not what is known to be right.
    pub(super) fn learned(mut self, heard: &Heard) -> Option<Self> {
        if heard.status >= 500 {
            return None;
        }
        let is_success = (200..300).contains(&heard.status);
        self.expected = match self.expected {
            Expected::Bytes(_) => {
                let is_right = self.outcome(heard) == Outcome::Right;
                return is_right.then_some(self);
            }
            _ if !is_success || self.path.starts_with("/a/") || self.path == "/" => {
                Expected::Status(heard.status)
            }
            _ => match serde_json::from_slice(&heard.body) {
                Ok(value) => Expected::Holds(value),
                Err(_) => Expected::Bytes(digest(&heard.body)),
            },
        };
        Some(self)
    }

    pub(super) fn outcome(&self, heard: &Heard) -> Outcome {
        let Self { method, path, .. } = self;
        let status = heard.status;
        if status >= 500 {
            return Outcome::Failed(format!("{method} {path} was answered by {status}"));
        }
        let wrong = |what: String| Outcome::Wrong(format!("{method} {path} {what}"));
        match &self.expected {
            Expected::Unknown => Outcome::Right,
            Expected::Status(expected) if status == *expected => Outcome::Right,
            Expected::Status(expected) => {
                wrong(format!("was answered by {status}, {expected} before"))
            }
            _ if !(200..300).contains(&status) => wrong(format!("was answered by {status}")),
            Expected::Holds(before) => match serde_json::from_slice(&heard.body) {
                Ok(now) if holds(&now, before) => Outcome::Right,
                _ => wrong("says something else than before".to_owned()),
            },
            Expected::Bytes(expected) if digest(&heard.body) == *expected => Outcome::Right,
            Expected::Bytes(expected) => wrong(format!(
                "gave {} bytes that are not {expected}",
                heard.body.len()
            )),
        }
    }
}

/// Whether all that `before` says is said by `now` too.
fn holds(now: &Value, before: &Value) -> bool {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => before
            .iter()
            .all(|(key, value)| now.get(key).is_some_and(|now| holds(now, value))),
        (Value::Array(now), Value::Array(before)) => {
            now.len() == before.len() && now.iter().zip(before).all(|(now, was)| holds(now, was))
        }
        _ => now == before,
    }
}

fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn heard(status: u16, body: &str) -> Heard {
        Heard {
            status,
            body: Bytes::copy_from_slice(body.as_bytes()),
            millis: 1,
        }
    }

    fn learned(path: &str, from: &Heard) -> Option<Question> {
        Question::new(Caller::World, path).learned(from)
    }

    #[test]
    fn one_wrong_byte_is_wrong_and_a_failure_is_no_teacher() {
        let question = learned("/d/notes", &heard(200, "bytes")).expect("a question");
        assert_eq!(question.outcome(&heard(200, "bytes")), Outcome::Right);
        let wrong = question.outcome(&heard(200, "bytfs"));
        assert!(matches!(wrong, Outcome::Wrong(_)), "{wrong:?}");
        let failed = question.outcome(&heard(500, "bytes"));
        assert!(matches!(failed, Outcome::Failed(_)), "{failed:?}");
        assert!(learned("/d/notes", &heard(503, "")).is_none());
        let known = Question {
            expected: Expected::Bytes(digest(b"other")),
            ..question
        };
        assert!(known.learned(&heard(200, "bytes")).is_none());
    }

    #[test]
    fn a_later_version_may_say_more_and_nothing_else() {
        let before = json!({"items": [{"slug": "notes", "size": 1}]}).to_string();
        let question = learned("/api/v1/apps", &heard(200, &before)).expect("a question");
        let more = json!({"items": [{"slug": "notes", "size": 1, "more": 2}], "next": null});
        assert_eq!(
            question.outcome(&heard(200, &more.to_string())),
            Outcome::Right
        );
        for other in [
            json!({"items": [{"slug": "notes", "size": 2}]}),
            json!({"items": [{"slug": "notes"}]}),
            json!({"items": []}),
            json!([]),
        ] {
            let outcome = question.outcome(&heard(200, &other.to_string()));
            assert!(matches!(outcome, Outcome::Wrong(_)), "{other}");
        }
        let missing = learned("/api/v1/apps/none", &heard(404, "{}")).expect("a question");
        assert_eq!(missing.outcome(&heard(404, "else")), Outcome::Right);
        assert_ne!(missing.outcome(&heard(200, "{}")), Outcome::Right);
    }
}
