//! What earlier versions left: databases, and what their services ask. `checks/from-0.2.0/make` has recorded both.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::Value;
use slipway_runtime::Process;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

/// Fills the fresh database of `process` with the tables and rows that an earlier version left.
pub async fn leave(process: &Process, sql: &str) {
    install_default_drivers();
    let folder = process.data.service(process.service);
    std::fs::create_dir_all(&folder).expect("a folder");
    let (url, sql) = if let Some(url) = &process.settings.database.url {
        // PostgreSQL wants bytes otherwise. No text in these files holds this.
        (url.clone(), sql.replace(",X'", ",'\\x"))
    } else {
        let file = folder.join(format!("{}.db", process.service));
        let url = format!("sqlite://{}?mode=rwc", file.display());
        (url, sql.to_owned())
    };
    let mut database = AnyConnection::connect(&url).await.expect("a database");
    let left = database.execute(AssertSqlSafe(sql)).await;
    left.expect("what an earlier version left");
    database.close().await.expect("the end of a connection");
}

/// What a service of an earlier version asked, and how its neighbour of that version answered.
pub struct Asked {
    pub caller: String,
    pub path: String,
    pub body: Value,
    call: Value,
}

/// The calls of a recording.
pub fn asked(recording: &str) -> Vec<Asked> {
    let calls: Vec<Value> = serde_json::from_str(recording).expect("a recording");
    assert!(!calls.is_empty(), "nothing was recorded");
    let asked = |call: Value| Asked {
        caller: call["caller"].as_str().expect("a caller").to_owned(),
        path: call["path"].as_str().expect("a path").to_owned(),
        body: call["body"].clone(),
        call,
    };
    calls.into_iter().map(asked).collect()
}

impl Asked {
    pub fn method(&self) -> &str {
        self.call["method"].as_str().expect("a method")
    }

    /// It once more, to `path` and with `body` as they are now.
    pub fn again(&self) -> Request<Body> {
        let mut request = Request::builder().method(self.method()).uri(&self.path);
        if let Some(media) = self.call["type"].as_str() {
            request = request.header("content-type", media);
        }
        let body = match &self.body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string()),
        };
        request.body(body).expect("a request")
    }

    /// Panics where that version would not find in an answer of today what it found in its own.
    #[track_caller]
    pub fn holds(&self, status: StatusCode, answer: &Value) {
        let what = format!("{} {} by {}", self.method(), self.path, self.caller);
        assert_eq!(self.call["status"], status.as_u16(), "{what}: {answer}");
        let lost = lost(&self.call["answer"], answer, "");
        assert!(
            lost.is_none(),
            "{what}: {} in {answer}",
            lost.unwrap_or_default()
        );
    }
}

/// The first thing of `before` that is not in `now`, or is of another type. What was null then may be anything.
fn lost(before: &Value, now: &Value, place: &str) -> Option<String> {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => before.iter().find_map(|(name, before)| {
            let place = format!("{place}/{name}");
            match now.get(name) {
                Some(now) => lost(before, now, &place),
                None => Some(format!("{place} is missing")),
            }
        }),
        (Value::Array(before), Value::Array(now)) => before.iter().find_map(|before| {
            let held = now.iter().any(|now| lost(before, now, place).is_none());
            (!held).then(|| format!("{place} has nothing like {before}"))
        }),
        (Value::Null, _)
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_)) => None,
        _ => Some(format!("{place} is {now}, and was {before}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lost;

    #[test]
    fn what_is_missing_or_of_another_type_is_found_and_what_is_new_is_not() {
        let before = json!({"id": "a", "rows": [{"seq": 1, "name": null}], "held": false});
        let later =
            json!({"id": "b", "rows": [{"seq": 2, "name": "x", "new": 1}], "held": true, "new": 1});
        assert_eq!(lost(&before, &later, ""), None);
        for worse in [
            json!({"id": "b", "held": true}),
            json!({"id": "b", "rows": [], "held": true}),
            json!({"id": "b", "rows": [{"seq": "2", "name": null}], "held": true}),
            json!({"id": null, "rows": [{"seq": 2, "name": null}], "held": true}),
        ] {
            assert!(lost(&before, &worse, "").is_some(), "{worse}");
        }
    }
}
