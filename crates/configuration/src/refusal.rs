//! Why a document is not taken.

use serde::{Deserialize, Serialize};

/// The key, what is wrong with it, and what may have been meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}{reason}{}", .key.as_ref().map(|key| format!("{key}: ")).unwrap_or_default(), .nearest.as_ref().map(|key| format!("; is {key} meant?")).unwrap_or_default())]
pub struct Refusal {
    /// `None` where it is the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl Refusal {
    pub fn of(key: &str, reason: impl Into<String>) -> Self {
        Self {
            key: Some(key.to_owned()),
            reason: reason.into(),
            nearest: None,
        }
    }

    pub fn whole(reason: impl Into<String>) -> Self {
        Self {
            key: None,
            reason: reason.into(),
            nearest: None,
        }
    }
}
