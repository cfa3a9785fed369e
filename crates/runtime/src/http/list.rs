//! Lists, a page at a time: `?limit=&cursor=` gives `{items, next}`.

use serde::{Deserialize, Serialize};

/// Rows of a page unless `limit` says otherwise, and at most.
const PAGE: i64 = 50;
const LONGEST_PAGE: i64 = 200;

/// The query of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    limit: Option<i64>,
    /// `next` of the page before.
    #[serde(default)]
    pub cursor: String,
}

impl List {
    pub fn limit(&self) -> i64 {
        limit(self.limit)
    }
}

/// The rows of a page for who asks for `limit` of them.
pub fn limit(limit: Option<i64>) -> i64 {
    limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE)
}

/// A page of a list; `next` is the cursor of the following one.
#[derive(Debug, Serialize)]
pub struct Items<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl<T> Items<T> {
    pub fn new(items: Vec<T>, limit: i64, key: impl Fn(&T) -> &str) -> Self {
        let full = i64::try_from(items.len()).unwrap_or(0) >= limit;
        let next = items
            .last()
            .filter(|_| full)
            .map(|item| key(item).to_owned());
        Self { items, next }
    }
}
