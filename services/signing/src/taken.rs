//! Which statement stands under a name: the rules, without files and SQL.
//!
//! The first statement under a name is there before a further one, as a row and as a file: without it a signing service of
//! 0.3.0 on an older copy of the database would state the version again.

use slipway_contract::Version;

use crate::statement::{Position, Stated};

/// The name is taken in that version, by what is here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StatementDiffers(pub(crate) Box<Stated>);

/// What the files say under the name of a statement.
#[derive(Debug, Default)]
pub(crate) struct Filed {
    /// Of its version, or of one that differs in its build.
    pub(crate) first: Option<Stated>,
    pub(crate) further: Option<Stated>,
}

impl Filed {
    /// What is said about the version itself.
    pub(crate) fn about(&self, version: &Version) -> Option<&Stated> {
        let first = self.first.as_ref();
        let further = self.further.as_ref();
        further.or(first.filter(|first| first.is_about(version)))
    }

    /// The keys by which something is said.
    pub(crate) fn keys(&self, version: &Version) -> impl Iterator<Item = &str> {
        let said = [self.about(version), self.first.as_ref()];
        said.into_iter().flatten().map(|said| said.key_id.as_str())
    }

    /// What has to be the first statement under the name, unless a row is there already, when `wanted` is to be stated.
    pub(crate) fn first(&self, wanted: &Stated) -> Stated {
        let of_further = || {
            let further = self.further.as_ref();
            further.map(|further| further.at(Position::First))
        };
        let first = self.first.clone().or_else(of_further);
        first.unwrap_or_else(|| wanted.clone())
    }

    /// What has to be stated as a further one behind `first`, the row that is there; `None` where the first is about
    /// `version`.
    pub(crate) fn further(
        &self,
        first: &Stated,
        version: &Version,
        wanted: &Stated,
    ) -> Option<Stated> {
        match &self.further {
            Some(further) => Some(further.clone()),
            None if first.is_about(version) => None,
            None => Some(wanted.at(Position::Further)),
        }
    }
}

/// Whether what is written down is what was to be stated. What was stated once is never stated differently.
pub(crate) fn same(written: &Stated, wanted: &Stated) -> Result<(), StatementDiffers> {
    if written.says_the_same_as(wanted) {
        return Ok(());
    }
    Err(StatementDiffers(Box::new(written.clone())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stated(version: &str, sha256: &str) -> Stated {
        let parsed: Version = version.parse().expect("a version");
        Stated {
            app: "notes".to_owned(),
            version: version.to_owned(),
            version_key: Position::First.key(&parsed).to_owned(),
            filename: "notes.bin".to_owned(),
            sha256: sha256.to_owned(),
            size: 1,
            key_id: "A".to_owned(),
            stated_at: 5,
            signed_size: Some(1),
        }
    }

    fn version(text: &str) -> Version {
        text.parse().expect("a version")
    }

    #[test]
    fn the_first_statement_of_a_version_stands_alone() {
        let wanted = stated("1.0+1", "aa");
        let nothing = Filed::default();
        assert_eq!(nothing.first(&wanted), wanted);
        assert_eq!(nothing.further(&wanted, &version("1.0+1"), &wanted), None);
    }

    #[test]
    fn another_build_is_stated_behind_the_first() {
        let (first, wanted) = (stated("1.0+1", "aa"), stated("1.0+2", "bb"));
        let filed = Filed {
            first: Some(first.clone()),
            further: None,
        };
        assert_eq!(filed.about(&version("1.0+2")), None);
        assert_eq!(filed.about(&version("1.0+1")), Some(&first));
        assert_eq!(filed.first(&wanted), first);
        let further = filed.further(&first, &version("1.0+2"), &wanted);
        assert_eq!(further, Some(wanted.at(Position::Further)));
    }

    #[test]
    fn a_first_that_was_lost_is_made_of_the_further_one() {
        let further = stated("1.0+2", "bb").at(Position::Further);
        let filed = Filed {
            first: None,
            further: Some(further.clone()),
        };
        let wanted = stated("1.0+2", "cc");
        let first = filed.first(&wanted);
        assert_eq!(first, further.at(Position::First));
        let there = filed.further(&first, &version("1.0+2"), &wanted);
        assert_eq!(there, Some(further.clone()));
        assert_eq!(
            same(&further, &wanted),
            Err(StatementDiffers(Box::new(further)))
        );
    }

    #[test]
    fn two_spellings_of_a_version_are_two_statements() {
        let (one, other) = (stated("1.0", "aa"), stated("1.0.0", "aa"));
        assert!(same(&one, &other).is_err());
        let later = Stated {
            stated_at: 9,
            key_id: "B".to_owned(),
            ..one.clone()
        };
        assert_eq!(same(&one, &later), Ok(()));
    }

    fn some() -> impl Strategy<Value = Option<Stated>> {
        prop::option::of((0_u8..3, "[ab]{1}"))
            .prop_map(|found| found.map(|(build, sha256)| stated(&format!("1.0+{build}"), &sha256)))
    }

    proptest! {
        /// Whatever lies in the files: of two requests about one version, the second finds what the first has stated.
        #[test]
        fn a_name_in_a_version_is_stated_once(first in some(), further in some(), build in 0_u8..3, one in "[ab]{1}", other in "[ab]{1}") {
            let text = format!("1.0+{build}");
            let about = version(&text);
            // A further file is about the version that is asked for: its place says so.
            let further = further.map(|it| Stated { version: text.clone(), ..it }.at(Position::Further));
            let state = |filed: &Filed, sha256: &str| {
                let wanted = stated(&text, sha256);
                let first = filed.first(&wanted);
                let further = filed.further(&first, &about, &wanted);
                (further.clone().unwrap_or_else(|| first.clone()), Filed { first: Some(first), further })
            };
            let (written, after) = state(&Filed { first, further }, &one);
            prop_assert!(written.is_about(&about));
            prop_assert_eq!(after.about(&about), Some(&written));
            let (again, _) = state(&after, &other);
            prop_assert_eq!(&again, &written);
            prop_assert_eq!(same(&again, &stated(&text, &other)).is_ok(), other == written.sha256);
        }
    }
}
