//! The tree of a document, and its keys: `limits.package_bytes` is the value `package_bytes` of the section `limits`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Sections and values. A list is one value.
pub type Content = Map<String, Value>;

/// Every value by its key. A section without values has none.
pub fn leaves(content: &Content) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    gather(content, "", &mut found);
    found
}

fn gather(content: &Content, before: &str, found: &mut BTreeMap<String, Value>) {
    for (name, value) in content {
        let key = format!("{before}{name}");
        match value {
            Value::Object(section) => gather(section, &format!("{key}."), found),
            value => {
                found.insert(key, value.clone());
            }
        }
    }
}

/// The value, or the section, of a key.
pub fn get<'a>(content: &'a Content, key: &str) -> Option<&'a Value> {
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    let found = content.get(first)?;
    if rest.is_empty() {
        return Some(found);
    }
    get(found.as_object()?, rest)
}

/// Puts a value at a key. Whatever stood there, or on the way, gives way.
pub fn set(content: &mut Content, key: &str, value: Value) {
    let Some((first, rest)) = key.split_once('.') else {
        content.insert(key.to_owned(), value);
        return;
    };
    let section = content
        .entry(first)
        .or_insert_with(|| Value::Object(Map::new()));
    if !section.is_object() {
        *section = Value::Object(Map::new());
    }
    if let Value::Object(section) = section {
        set(section, rest, value);
    }
}

/// Takes a key away, and the sections that are empty without it; `false` when it was not there.
pub fn unset(content: &mut Content, key: &str) -> bool {
    let Some((first, rest)) = key.split_once('.') else {
        return content.remove(key).is_some();
    };
    let Some(Value::Object(section)) = content.get_mut(first) else {
        return false;
    };
    let done = unset(section, rest);
    if section.is_empty() {
        content.remove(first);
    }
    done
}

/// The same tree without sections that hold nothing: two documents that set the same are equal.
#[must_use]
pub fn compact(content: &Content) -> Content {
    let mut kept = Content::new();
    for (key, value) in leaves(content) {
        set(&mut kept, &key, value);
    }
    kept
}

/// A name that could be taken for a key of more than one part, or for none.
pub fn odd_name(content: &Content) -> Option<String> {
    content.iter().find_map(|(name, value)| {
        let odd = name.is_empty()
            || name
                .chars()
                .any(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
        if odd {
            return Some(name.clone());
        }
        value.as_object().and_then(odd_name)
    })
}

/// Trees for property tests: few names, so that they meet.
#[cfg(test)]
pub(crate) fn trees() -> impl proptest::strategy::Strategy<Value = Content> {
    use proptest::prelude::*;

    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4i64).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
        prop::collection::vec(0..3i64, 0..3).prop_map(Value::from),
    ];
    let name = prop_oneof![Just("a"), Just("b"), Just("c")];
    let tree = leaf.prop_recursive(3, 12, 3, move |inner| {
        prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..3)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
    });
    prop::collection::btree_map("[a-c]".prop_map(String::from), tree, 0..4)
        .prop_map(|map| map.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn content(value: &Value) -> Content {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn a_key_is_set_found_and_taken_away_with_its_sections() {
        let mut tree = content(&json!({"a": {"b": {"c": 1}}, "d": 2}));
        assert_eq!(get(&tree, "a.b.c"), Some(&json!(1)));
        assert_eq!(get(&tree, "a.b"), Some(&json!({"c": 1})));
        assert_eq!(get(&tree, "d.x"), None);
        set(&mut tree, "d.x", json!(3));
        assert_eq!(get(&tree, "d.x"), Some(&json!(3)));
        assert!(unset(&mut tree, "a.b.c"));
        assert!(!unset(&mut tree, "a.b.c"));
        assert_eq!(tree, content(&json!({"d": {"x": 3}})));
    }

    #[test]
    fn a_name_with_a_dot_is_odd() {
        assert_eq!(
            odd_name(&content(&json!({"a": {"b.c": 1}}))),
            Some("b.c".to_owned())
        );
        assert_eq!(odd_name(&content(&json!({"": 1}))), Some(String::new()));
        assert_eq!(odd_name(&content(&json!({"a_b": {"c-1": 1}}))), None);
    }

    proptest! {
        #[test]
        fn a_tree_is_its_leaves(tree in trees()) {
            let compacted = compact(&tree);
            prop_assert_eq!(leaves(&compacted), leaves(&tree));
            prop_assert_eq!(compact(&compacted), compacted);
        }

        #[test]
        fn what_is_set_is_there_and_what_is_unset_is_not(mut tree in trees(), key in "[a-c](\\.[a-c]){0,2}") {
            set(&mut tree, &key, Value::from(7));
            prop_assert_eq!(get(&tree, &key), Some(&Value::from(7)));
            prop_assert!(unset(&mut tree, &key));
            prop_assert_eq!(get(&tree, &key), None);
        }
    }
}
