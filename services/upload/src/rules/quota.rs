//! What an app would hold with a package that is announced. What may be there already is let through: the same bytes again
//! are a retry.

use slipway_contract::quota::Used;
use slipway_contract::{Digest, Version};

use crate::parameters::Parameters;

/// A package that is announced.
#[derive(Default)]
pub(crate) struct Announced<'a> {
    /// At least so many, and at most: a form has more than the file in it. `None` when nobody says.
    pub(crate) bytes: Option<(u64, u64)>,
    pub(crate) sha256: Option<&'a Digest>,
    pub(crate) version: Option<&'a Version>,
    /// Whether it is to be released.
    pub(crate) releases: bool,
}

impl<'a> Announced<'a> {
    pub(crate) fn of(parameters: &'a Parameters) -> Self {
        Self {
            bytes: None,
            sha256: parameters.sha256.as_ref(),
            version: parameters.version.as_ref(),
            releases: parameters.channel.is_some(),
        }
    }

    /// The least and the most bytes, as rows have them.
    pub(crate) fn sizes(&self) -> Option<(i64, i64)> {
        let number = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.bytes
            .map(|(least, most)| (number(least), number(most)))
    }
}

/// What the app may have of it already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct There {
    pub(crate) bytes: bool,
    pub(crate) version: bool,
}

/// What the app is certain to hold with the package.
pub(crate) fn after(before: Used, announced: &Announced<'_>, there: There) -> Used {
    let mut after = before;
    if let Some((least, _)) = announced.sizes().filter(|_| !there.bytes) {
        after.bytes = before.bytes.saturating_add(least);
    }
    if announced.version.is_some() && !there.version {
        after.releases += i64::from(announced.releases);
        after.drafts += i64::from(!announced.releases);
    }
    after
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use slipway_contract::quota::Quota;

    use super::*;

    proptest! {
        #[test]
        fn nothing_shrinks_and_a_retry_adds_nothing(
            bytes in any::<Option<(u64, u64)>>(),
            releases in any::<bool>(),
            has_version in any::<bool>(),
            there in any::<(bool, bool)>(),
            held in 0..i64::MAX,
        ) {
            let version: Version = "1.2".parse().expect("a version");
            let announced = Announced {
                bytes,
                version: has_version.then_some(&version),
                releases,
                ..Announced::default()
            };
            let there = There { bytes: there.0, version: there.1 };
            let before = Used { bytes: held, releases: 3, drafts: 4 };
            let after = super::after(before, &announced, there);
            assert!(after.bytes >= before.bytes);
            assert_eq!(after.bytes == before.bytes, there.bytes || bytes.is_none_or(|(least, _)| least == 0));
            let versions = (after.releases - before.releases) + (after.drafts - before.drafts);
            assert_eq!(versions, i64::from(has_version && !there.version));
            let none = Quota { bytes: Some(0), releases: Some(0), drafts: Some(0) };
            let all_there = There { bytes: true, version: true };
            let again = super::after(before, &announced, all_there);
            assert!(none.check("notes", before, again).is_ok());
        }
    }
}
