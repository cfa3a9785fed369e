//! What a follower tells of an epoch that it does not take.

use serde::{Deserialize, Serialize};

/// Losses that are told one by one. An administrator reads them; the count tells of the rest.
const MAX_LOSSES: usize = 1000;

/// One thing that would be undone unasked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Loss {
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub app: Option<String>,
    /// The version of a release, the app of a key or that was deleted, or the id of a token.
    pub subject: String,
    /// `release_lost files_changed yank_lifted deletion_lifted restriction_lifted key_lost key_changed
    /// revocation_lifted scopes_widened app_widened expiry_extended roll_back_lifted`
    pub what: String,
}

impl Loss {
    pub fn new(app: Option<&str>, subject: &str, what: &str) -> Self {
        Self {
            app: app.map(str::to_owned),
            subject: subject.to_owned(),
            what: what.to_owned(),
        }
    }
}

/// Where a follower stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = HeldReport))]
pub struct Report {
    /// The epoch that it has seen and not taken.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub epoch: Option<String>,
    /// The epoch of its copy; empty when there is no whole one.
    pub from: String,
    #[serde(default)]
    pub losses: Vec<Loss>,
    /// All losses, also those beyond the list.
    #[serde(default)]
    pub count: usize,
}

impl Report {
    /// Of a copy of the epoch `from` that does not give way to `epoch`.
    pub fn held(epoch: &str, from: &str, mut losses: Vec<Loss>) -> Self {
        let count = losses.len();
        losses.truncate(MAX_LOSSES);
        Self {
            epoch: Some(epoch.to_owned()),
            from: from.to_owned(),
            losses,
            count,
        }
    }
}
