//! How much an app may hold: one rule for the catalog, which knows the limits, and for upload, which keeps to them.

use serde::{Deserialize, Serialize};

/// The limits of an app; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Quota {
    /// Of all its packages, equal bytes once.
    #[cfg_attr(feature = "schema", schema(minimum = 0, required = true))]
    pub bytes: Option<i64>,
    /// Releases that are there, in whatever state; drafts and deleted ones are none.
    #[cfg_attr(feature = "schema", schema(minimum = 0, required = true))]
    pub releases: Option<i64>,
    #[cfg_attr(feature = "schema", schema(minimum = 0, required = true))]
    pub drafts: Option<i64>,
}

/// What an app holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Used {
    #[cfg_attr(feature = "schema", schema(minimum = 0))]
    pub bytes: i64,
    #[cfg_attr(feature = "schema", schema(minimum = 0))]
    pub releases: i64,
    #[cfg_attr(feature = "schema", schema(minimum = 0))]
    pub drafts: i64,
}

impl Quota {
    /// Whether there is no limit.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// These limits where there are some, else those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.or(other.bytes),
            releases: self.releases.or(other.releases),
            drafts: self.drafts.or(other.drafts),
        }
    }

    /// Refuses to let `app` grow from `before` to `after` when that is beyond a limit. What does not grow is not looked at:
    /// whoever holds too much since the limit was lowered keeps it, and may do all the rest.
    pub fn check(&self, app: &str, before: Used, after: Used) -> Result<(), QuotaExceeded> {
        for (what, limit, before, after) in [
            ("bytes", self.bytes, before.bytes, after.bytes),
            ("releases", self.releases, before.releases, after.releases),
            ("drafts", self.drafts, before.drafts, after.drafts),
        ] {
            if let Some(limit) = limit
                && after > before
                && after > limit
            {
                return Err(QuotaExceeded {
                    app: app.to_owned(),
                    what,
                    limit,
                    used: before,
                    would_be: after,
                });
            }
        }
        Ok(())
    }
}

/// An app would hold more than it may.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the app {app} may have {limit} {what} and would have {would_be}: delete what is not needed any more (GET /api/v1/storage tells where it is), or ask an administrator for more (PATCH /api/v1/apps/{app} with \"quota\")"
)]
pub struct QuotaExceeded {
    pub app: String,
    /// `bytes releases drafts`
    pub what: &'static str,
    pub limit: i64,
    pub used: i64,
    would_be: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(bytes: i64, releases: i64, drafts: i64) -> Used {
        Used {
            bytes,
            releases,
            drafts,
        }
    }

    #[test]
    fn only_what_grows_beyond_its_limit_is_refused() {
        let quota = Quota {
            bytes: Some(100),
            drafts: Some(2),
            ..Quota::default()
        };
        let refused = |before, after| {
            let checked = quota.check("notes", before, after);
            checked.err().map(|exceeded| exceeded.what)
        };
        assert_eq!(refused(used(0, 0, 0), used(100, 9, 2)), None);
        assert_eq!(refused(used(100, 0, 0), used(101, 0, 0)), Some("bytes"));
        assert_eq!(refused(used(0, 0, 2), used(1, 0, 3)), Some("drafts"));
        // It was lowered: what is there stays, and only that does not grow.
        assert_eq!(refused(used(200, 0, 5), used(200, 1, 5)), None);
        assert_eq!(refused(used(200, 0, 5), used(150, 1, 4)), None);
    }

    #[test]
    fn an_apps_own_limits_come_first() {
        let own = Quota {
            bytes: Some(1),
            ..Quota::default()
        };
        let usual = Quota {
            bytes: Some(2),
            releases: Some(3),
            drafts: None,
        };
        let both = Quota {
            bytes: Some(1),
            releases: Some(3),
            drafts: None,
        };
        assert_eq!(own.or(usual), both);
        assert!(Quota::default().is_none());
    }
}
