//! What differs between two documents, key by key.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::content::{Content, leaves, set, unset};

/// One key that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    pub key: String,
    /// `None` where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What leads from one to the other, in the order of the keys.
pub fn between(before: &Content, after: &Content) -> Vec<Difference> {
    let (before, after) = (leaves(before), leaves(after));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| Difference {
            key: key.clone(),
            before: before.get(key).cloned(),
            after: after.get(key).cloned(),
        })
        .collect()
}

/// Goes that way. What is taken away goes first: a value gives way to a section of its name.
pub fn apply(content: &mut Content, differences: &[Difference]) {
    for gone in differences.iter().filter(|one| one.after.is_none()) {
        unset(content, &gone.key);
    }
    for there in differences {
        if let Some(value) = &there.after {
            set(content, &there.key, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::{compact, trees};

    proptest! {
        #[test]
        fn a_difference_leads_from_one_to_the_other(before in trees(), after in trees()) {
            let mut gone = compact(&before);
            apply(&mut gone, &between(&before, &after));
            prop_assert_eq!(gone, compact(&after));
        }

        #[test]
        fn nothing_differs_from_itself(tree in trees()) {
            prop_assert_eq!(between(&tree, &tree), vec![]);
        }

        #[test]
        fn the_way_back_is_the_way_there_turned_round(before in trees(), after in trees()) {
            let back: Vec<_> = between(&before, &after)
                .into_iter()
                .map(|one| Difference { before: one.after, after: one.before, ..one })
                .collect();
            prop_assert_eq!(back, between(&after, &before));
        }
    }
}
