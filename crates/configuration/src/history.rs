//! Changes: each is one new revision of all documents, or none. Whoever changes something says on which revision it is
//! based; of two writers on the same one, the second has seen less than there is and is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use slipway_contract::configuration::DocumentDifferences;

use crate::content::{Content, compact, get, set, unset};
use crate::difference::{self, Difference};
use crate::document::{DocumentName, Documents};

/// Bytes of all documents together: each process holds them, and each watch brings them.
pub const MAX_BYTES: usize = 256 * 1024;
/// Revisions that are kept however old they are, and the milliseconds for which all are: enough to see what was changed
/// before an incident that somebody notices a quarter later.
pub const KEPT: usize = 50;
pub const KEPT_MILLIS: i64 = 90 * 24 * 3600 * 1000;

/// All documents at one revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub revision: u64,
    pub documents: Documents,
}

/// What shall be: contents by name, `None` for a document that shall not be there.
pub type Proposal = BTreeMap<DocumentName, Option<Content>>;

/// Why nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "somebody else has changed the configuration meanwhile: it is at revision {head}, and this change is based on {expected}. Look at what is there now, and change that"
    )]
    Moved { head: u64, expected: u64 },
    #[error(
        "the documents would have {bytes} bytes together, and at most {MAX_BYTES} are taken: leave out what is as the defaults have it"
    )]
    TooLarge { bytes: usize },
}

/// A change that is not done yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Documents that differ, as they will be.
    pub changed: Proposal,
    pub differences: Vec<(DocumentName, Vec<Difference>)>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// For whoever asked.
    pub fn told(&self) -> Vec<DocumentDifferences> {
        tell(&self.differences)
    }
}

/// Differences as the API writes them.
pub fn tell(differences: &[(DocumentName, Vec<Difference>)]) -> Vec<DocumentDifferences> {
    let told = differences
        .iter()
        .map(|(name, differences)| DocumentDifferences {
            document: name.to_string(),
            differences: differences
                .iter()
                .map(|one| slipway_contract::configuration::Difference {
                    key: one.key.clone(),
                    before: one.before.clone(),
                    after: one.after.clone(),
                })
                .collect(),
        });
    told.collect()
}

/// What `proposal` would change, if `state` is what it is based on; `expected` is left out where it is made of the state
/// itself, in the transaction that writes it.
pub fn plan(state: &State, expected: Option<u64>, proposal: &Proposal) -> Result<Plan, Refused> {
    if let Some(expected) = expected.filter(|expected| *expected != state.revision) {
        let head = state.revision;
        return Err(Refused::Moved { head, expected });
    }
    let mut after = state.documents.clone();
    let mut changed = Proposal::new();
    for (name, content) in proposal {
        let content = content.as_ref().map(compact);
        if state.documents.get(name) == content.as_ref() {
            continue;
        }
        match &content {
            Some(content) => after.insert(name.clone(), content.clone()),
            None => after.remove(name),
        };
        changed.insert(name.clone(), content);
    }
    let bytes = after
        .values()
        .map(|content| serde_json::to_string(content).map_or(usize::MAX / 64, |text| text.len()))
        .sum();
    if bytes > MAX_BYTES && !changed.is_empty() {
        return Err(Refused::TooLarge { bytes });
    }
    let differences = differences(&state.documents, &after);
    Ok(Plan {
        changed,
        differences,
    })
}

/// The state after a plan.
#[must_use]
pub fn applied(state: &State, plan: &Plan) -> State {
    let mut next = state.clone();
    if plan.is_empty() {
        return next;
    }
    next.revision += 1;
    for (name, content) in &plan.changed {
        match content {
            Some(content) => next.documents.insert(name.clone(), content.clone()),
            None => next.documents.remove(name),
        };
    }
    next
}

/// What differs between all documents then and now.
pub fn differences(before: &Documents, after: &Documents) -> Vec<(DocumentName, Vec<Difference>)> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let nothing = Content::new();
    let found = names.into_iter().map(|name| {
        let of = |documents: &Documents| documents.get(name).unwrap_or(&nothing).clone();
        (name.clone(), difference::between(&of(before), &of(after)))
    });
    found
        .filter(|(_, differences)| !differences.is_empty())
        .collect()
}

/// All documents as they were: a new revision with old contents.
pub fn rollback(now: &Documents, then: &Documents) -> Proposal {
    let names: BTreeSet<_> = now.keys().chain(then.keys()).collect();
    let proposal = names
        .into_iter()
        .map(|name| (name.clone(), then.get(name).cloned()));
    proposal.collect()
}

/// What one environment has, for another: all of it, or these keys and sections of it.
pub fn promote(now: &Documents, from: &str, to: &str, keys: &[String]) -> Proposal {
    let of = |environment: &str| {
        let names = now
            .keys()
            .filter(|name| name.environment() == Some(environment));
        names.map(|name| name.moved_to(to)).collect::<BTreeSet<_>>()
    };
    let nothing = Content::new();
    let mut proposal = Proposal::new();
    for name in of(from).union(&of(to)) {
        let source = now.get(&name.moved_to(from));
        if keys.is_empty() {
            proposal.insert(name.clone(), source.cloned());
            continue;
        }
        let mut content = now.get(name).unwrap_or(&nothing).clone();
        for key in keys {
            match source.and_then(|source| get(source, key)) {
                Some(value) => set(&mut content, key, value.clone()),
                None => drop(unset(&mut content, key)),
            }
        }
        if content.is_empty() && !now.contains_key(name) {
            continue;
        }
        proposal.insert(name.clone(), Some(content));
    }
    proposal
}

/// Whether two environments' documents are the same.
pub fn environment_differences(
    now: &Documents,
    from: &str,
    to: &str,
) -> Vec<(DocumentName, Vec<Difference>)> {
    let of = |environment: &str| -> Documents {
        let found = now
            .iter()
            .filter(|(name, _)| name.environment() == Some(environment));
        found
            .map(|(name, content)| (name.moved_to(to), content.clone()))
            .collect()
    };
    differences(&of(from), &of(to))
}

/// When a revision was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub revision: u64,
    /// Unix milliseconds.
    pub at: i64,
}

/// The oldest revision that stays; what is before it may be forgotten. `made` is in the order of the numbers.
pub fn oldest_kept(made: &[Made], now: i64) -> Option<u64> {
    let by_number = made.len().checked_sub(KEPT).map_or(0, |place| place);
    let young = |made: &Made| now.saturating_sub(made.at) < KEPT_MILLIS;
    let by_age = made.iter().position(young).unwrap_or(made.len());
    made.get(by_number.min(by_age)).map(|made| made.revision)
}

#[cfg(test)]
mod tests;
