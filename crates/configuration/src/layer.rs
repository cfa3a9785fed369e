//! What a process's settings are made of, the weakest first. Sections are joined key by key; a list is replaced whole.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::content::{Content, get, leaves};

/// Where a value comes from. Later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The program's own defaults.
    Compiled,
    /// The file of its command line.
    File,
    /// The document `base`.
    Base,
    /// The document of its environment.
    Environment,
    /// The document of its service in its environment.
    Service,
    /// Its variables and its command line.
    Process,
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// Lays `over` over `under`.
pub fn merge(under: &mut Content, over: &Content) {
    for (name, value) in over {
        match (under.get_mut(name), value) {
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            (_, value) => {
                under.insert(name.clone(), value.clone());
            }
        }
    }
}

/// The layers of one process.
#[derive(Clone, Debug, Default)]
pub struct Layers(Vec<(Layer, Content)>);

impl Layers {
    /// The same with one more; whatever its place in the call, its rank decides.
    #[must_use]
    pub fn with(mut self, layer: Layer, content: Content) -> Self {
        self.0.push((layer, content));
        self.0.sort_by_key(|(layer, _)| *layer);
        self
    }

    /// What comes out of them.
    pub fn merged(&self) -> Content {
        let mut merged = Content::new();
        for (_, content) in &self.0 {
            merge(&mut merged, content);
        }
        merged
    }

    /// The values of a key, the strongest first; the first is the one that holds.
    pub fn sources(&self, key: &str) -> Vec<(Layer, Value)> {
        let found = self.0.iter().rev().filter_map(|(layer, content)| {
            let value = get(content, key)?.clone();
            Some((*layer, value))
        });
        found.collect()
    }

    /// What one layer sets.
    pub fn of(&self, layer: Layer) -> Content {
        let mut content = Content::new();
        for (_, one) in self.0.iter().filter(|(found, _)| *found == layer) {
            merge(&mut content, one);
        }
        content
    }

    /// Every key that is set, in whatever layer.
    pub fn keys(&self) -> Vec<String> {
        leaves(&self.merged()).into_keys().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::content::trees;

    fn content(value: &Value) -> Content {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn sections_are_joined_and_lists_are_replaced() {
        let mut under = content(&json!({"a": {"b": 1, "c": [1, 2]}, "d": 1}));
        merge(&mut under, &content(&json!({"a": {"c": [3]}, "e": 2})));
        let joined = json!({"a": {"b": 1, "c": [3]}, "d": 1, "e": 2});
        assert_eq!(under, content(&joined));
    }

    #[test]
    fn the_strongest_layer_is_told_first() {
        let layers = Layers::default()
            .with(Layer::Process, content(&json!({"a": {"b": 3}})))
            .with(Layer::Compiled, content(&json!({"a": {"b": 1}})))
            .with(Layer::Base, content(&json!({"a": {"b": 2}})));
        let sources = layers.sources("a.b");
        let ranks: Vec<_> = sources.iter().map(|(layer, _)| *layer).collect();
        assert_eq!(ranks, [Layer::Process, Layer::Base, Layer::Compiled]);
        assert_eq!(get(&layers.merged(), "a.b"), Some(&json!(3)));
    }

    proptest! {
        #[test]
        fn what_lies_over_wins(under in trees(), over in trees()) {
            let mut merged = under.clone();
            merge(&mut merged, &over);
            for (key, value) in leaves(&over) {
                prop_assert_eq!(get(&merged, &key), Some(&value));
            }
            for (key, value) in leaves(&merged) {
                let from = get(&over, &key).or_else(|| get(&under, &key));
                prop_assert_eq!(from, Some(&value));
            }
        }

        #[test]
        fn laying_it_over_twice_changes_nothing(under in trees(), over in trees()) {
            let mut once = under;
            merge(&mut once, &over);
            let mut twice = once.clone();
            merge(&mut twice, &over);
            prop_assert_eq!(once, twice);
        }

        /// Whatever the order in which layers are given, the same comes out, and the first source of a key is its value.
        #[test]
        fn the_rank_decides_and_not_the_order(
            contents in prop::collection::vec(trees(), 6),
            order in Just((0..6usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let ranks = [Layer::Compiled, Layer::File, Layer::Base, Layer::Environment, Layer::Service, Layer::Process];
            let given = |order: &[usize]| order.iter().fold(Layers::default(), |layers, &place| {
                layers.with(ranks[place], contents[place].clone())
            });
            let (one, other) = (given(&order), given(&[0, 1, 2, 3, 4, 5]));
            prop_assert_eq!(one.merged(), other.merged());
            let merged = one.merged();
            for key in one.keys() {
                let first = one.sources(&key).into_iter().next().map(|(_, value)| value);
                prop_assert_eq!(first.as_ref(), get(&merged, &key));
            }
        }
    }
}
