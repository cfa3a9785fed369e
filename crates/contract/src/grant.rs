//! What a token permits: one rule for the catalog, which issues them, and for upload, which keeps a copy.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// What a token may do. `Admin` includes the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Read,
    Upload,
    Release,
    /// The fleet and its configuration.
    Operate,
    Admin,
}

/// The facts of a token that decide; all but its text.
///
/// Earlier versions pass a field over that they do not know, and a scope that they do not know permits nothing. So a later
/// version that wants to narrow a token, to a network or by a role, gives it a scope of another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The token's id, for the audit.
    pub id: String,
    pub name: String,
    /// One of a later version permits nothing, and the others stay good.
    #[serde(deserialize_with = "known_scopes")]
    pub scopes: BTreeSet<Scope>,
    /// The one app that the token is good for; `None` is every app.
    pub app: Option<String>,
    /// Unix milliseconds.
    pub expires_at: Option<i64>,
    /// Unix milliseconds.
    pub revoked_at: Option<i64>,
}

fn known_scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Scope>, D::Error> {
    let scopes = Vec::<serde_json::Value>::deserialize(deserializer)?;
    let known = scopes
        .into_iter()
        .filter_map(|scope| serde_json::from_value(scope).ok());
    Ok(known.collect())
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Upload => "upload",
            Self::Release => "release",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Grant {
    /// Of a token of which nothing is known but its id.
    pub fn of_nothing(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: String::new(),
            scopes: BTreeSet::new(),
            app: None,
            expires_at: None,
            revoked_at: None,
        }
    }

    /// Whether the token is good at all at `now` (Unix milliseconds).
    pub fn check_alive(&self, now: i64) -> Result<(), TokenRefusal> {
        if self.revoked_at.is_some() {
            return Err(TokenRefusal::Unknown);
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(TokenRefusal::Expired);
        }
        Ok(())
    }

    /// Whether it permits `scope` on `app` (`None`: something that belongs to no app).
    pub fn permit(&self, scope: Scope, app: Option<&str>) -> Result<(), TokenRefusal> {
        if !self.scopes.contains(&scope) && !self.scopes.contains(&Scope::Admin) {
            return Err(TokenRefusal::ScopeMissing(scope));
        }
        match (&self.app, app) {
            (Some(own), Some(other)) if own != other => {
                Err(TokenRefusal::OfAnotherApp(own.clone()))
            }
            (Some(own), None) => Err(TokenRefusal::OfAnotherApp(own.clone())),
            _ => Ok(()),
        }
    }
}

/// Why a token does not permit something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// Nobody knows it, or not any more.
    #[error("this token is unknown or was revoked: ask for a new one")]
    Unknown,
    #[error("this token has expired: ask for a new one")]
    Expired,
    #[error("this token lacks the scope \"{0}\": use one that has it")]
    ScopeMissing(Scope),
    #[error("this token is good for the app {0} only: use a token of this app")]
    OfAnotherApp(String),
}
