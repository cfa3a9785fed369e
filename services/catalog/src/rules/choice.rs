//! Which files become a release. A token that may upload must not slip a file into what another publishes: whoever
//! publishes has put all of it there, or names it.

use serde::{Deserialize, Serialize};
use slipway_contract::shown::compose;

use crate::refusal::{Draft, Listed, Request};
use crate::rules::draft::{Owner, is_one, names};

/// A file of a release, named by who publishes it. A refusal lists a draft in the same form, so that it can be sent back.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    filename: String,
    /// SHA-256 in hex.
    sha256: String,
    /// Only told: the digest says what it is.
    #[serde(default, skip_serializing)]
    #[expect(dead_code, reason = "taken back, for it was told")]
    platform: Option<String>,
    /// Who put it there; only told.
    #[serde(default, skip_serializing)]
    #[expect(dead_code, reason = "taken back, for it was told")]
    token: Option<String>,
}

impl File {
    /// Whether it is the file of this name: as it is written, or in the composed form that new names are kept in.
    fn names(&self, filename: &str) -> bool {
        filename == self.filename || filename == compose(&self.filename)
    }
}

/// What is to be the release.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice<'a> {
    /// The draft, all of it put there by the token.
    Own(&'a str),
    /// These packages, of the draft or on their own, by their ids.
    Packages(&'a [String]),
    /// These files of the draft.
    Files(&'a [File]),
}

impl<'a> Choice<'a> {
    /// What a request of `token` names, in one way at most.
    pub(crate) fn of(
        token: &'a str,
        packages: Option<&'a [String]>,
        files: Option<&'a [File]>,
    ) -> Result<Self, Request> {
        match (packages, files) {
            (None, None) => Ok(Self::Own(token)),
            (Some(ids), None) => Ok(Self::Packages(ids)),
            (None, Some(files)) => Ok(Self::Files(files)),
            (Some(_), Some(_)) => Err(Request::ChoiceAmbiguous),
        }
    }
}

/// A draft that is to be released.
pub(crate) struct Drafted<'a> {
    pub(crate) app: &'a str,
    pub(crate) version: &'a str,
    pub(crate) packages: Vec<Lying>,
}

/// A package of a draft.
#[derive(Clone, Debug)]
pub(crate) struct Lying {
    pub(crate) id: String,
    pub(crate) filename: String,
    /// In hex.
    pub(crate) sha256: String,
    pub(crate) platform: String,
    pub(crate) owners: Vec<Owner>,
}

impl Drafted<'_> {
    fn listed(&self) -> Vec<Listed> {
        let listed = |package: &Lying| Listed {
            filename: package.filename.clone(),
            sha256: package.sha256.clone(),
            platform: package.platform.clone(),
            token: (!package.owners.is_empty()).then(|| names(&package.owners)),
        };
        self.packages.iter().map(listed).collect()
    }
}

/// Refuses a draft that holds what another token put there.
pub(crate) fn own(draft: &Drafted<'_>, token_id: &str) -> Result<(), Draft> {
    let of_others = |package: &&Lying| !is_one(&package.owners, token_id);
    let others: Vec<_> = draft
        .packages
        .iter()
        .filter(of_others)
        .map(|package| format!("{} ({})", package.filename, names(&package.owners)))
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(Draft::Mixed {
        app: draft.app.to_owned(),
        version: draft.version.to_owned(),
        others,
        files: draft.listed(),
    })
}

/// The ids of the packages that are left out when exactly `files` are released; refuses a file that is not there as it is
/// named.
pub(crate) fn left_out(draft: &Drafted<'_>, files: &[File]) -> Result<Vec<String>, Draft> {
    for file in files {
        let mut packages = draft.packages.iter();
        let named = packages.find(|package| file.names(&package.filename));
        if named.is_none_or(|package| !package.sha256.eq_ignore_ascii_case(&file.sha256)) {
            return Err(Draft::Differs {
                version: draft.version.to_owned(),
                filename: file.filename.clone(),
                wanted: file.sha256.clone(),
                found: named.map(|package| package.sha256.clone()),
                files: draft.listed(),
            });
        }
    }
    let is_named = |package: &Lying| files.iter().any(|file| file.names(&package.filename));
    let packages = draft.packages.iter();
    let left = packages.filter(|package| !is_named(package));
    Ok(left.map(|package| package.id.clone()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lying(number: usize, tokens: &[String]) -> Lying {
        let owner = |id: &String| Owner {
            token_id: id.clone(),
            token_name: id.to_uppercase(),
        };
        Lying {
            id: number.to_string(),
            filename: format!("{number}.apk"),
            sha256: format!("{number:064x}"),
            platform: "android".to_owned(),
            owners: tokens.iter().map(owner).collect(),
        }
    }

    fn drafted(tokens: &[Vec<String>]) -> Drafted<'static> {
        let packages = tokens.iter().enumerate();
        Drafted {
            app: "notes",
            version: "1.0",
            packages: packages.map(|(at, tokens)| lying(at, tokens)).collect(),
        }
    }

    fn file(package: &Lying) -> File {
        File {
            filename: package.filename.clone(),
            sha256: package.sha256.to_uppercase(),
            platform: None,
            token: None,
        }
    }

    proptest! {
        #[test]
        fn a_draft_is_released_whole_by_who_sent_all_of_it(
            tokens in prop::collection::vec(prop::collection::vec("[ab]", 0..3), 0..6),
        ) {
            let draft = drafted(&tokens);
            let all_own = tokens.iter().all(|tokens| tokens.iter().any(|token| token == "a"));
            let judged = own(&draft, "a");
            prop_assert_eq!(judged.is_ok(), all_own);
            if let Err(Draft::Mixed { files, others, .. }) = judged {
                prop_assert_eq!(files.len(), tokens.len());
                prop_assert!(!others.is_empty());
            }
        }

        /// Nothing that nobody named is released, and nothing that was named is left out.
        #[test]
        fn exactly_what_is_named_stays(named in prop::collection::vec(any::<bool>(), 0..8)) {
            let draft = drafted(&vec![Vec::new(); named.len()]);
            let files: Vec<_> = draft.packages.iter().zip(&named)
                .filter(|(_, named)| **named).map(|(package, _)| file(package)).collect();
            let left = left_out(&draft, &files).unwrap();
            for (package, named) in draft.packages.iter().zip(&named) {
                prop_assert_eq!(left.contains(&package.id), !named);
            }
        }
    }

    #[test]
    fn a_file_with_other_bytes_is_not_the_one_that_was_named() {
        let draft = drafted(&[Vec::new()]);
        let mut other = file(&draft.packages[0]);
        other.sha256 = "00".repeat(32) + "1";
        assert!(matches!(
            left_out(&draft, &[other]),
            Err(Draft::Differs { found: Some(_), .. })
        ));
        let mut missing = file(&draft.packages[0]);
        missing.filename = "other.apk".to_owned();
        assert!(matches!(
            left_out(&draft, &[missing]),
            Err(Draft::Differs { found: None, .. })
        ));
    }

    #[test]
    fn what_is_released_is_named_in_one_way() {
        assert!(matches!(Choice::of("a", None, None), Ok(Choice::Own("a"))));
        let both = Choice::of("a", Some(&[]), Some(&[]));
        assert_eq!(both.unwrap_err(), Request::ChoiceAmbiguous);
    }
}
