//! Whether the key of an app may sign, by what is known of its keys: the rules, without HTTP and SQL.

use slipway_contract::Slug;

/// The database does not have the key that was given out or signed with: it is an older copy, or another one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyMissing {
    pub(crate) app: String,
    /// None where nobody says which one.
    pub(crate) key_id: Option<String>,
    /// The key that the database has for the app.
    pub(crate) instead: Option<String>,
}

/// The key to give out for `app`: the one that the database has. `None` where one may be made, since nobody knows any of
/// it. `id` tells the id of a key; by each of `stated` something was stated.
///
/// None is made for an app of which something was stated by a key that the database does not have: an older copy of the
/// database was put back, and users know that key.
pub(crate) fn given<K>(
    app: &Slug,
    present: Option<K>,
    id: impl Fn(&K) -> &String,
    stated: &[String],
) -> Result<Option<K>, KeyMissing> {
    let own = present.as_ref().map(&id);
    match stated.iter().find(|known| own != Some(*known)) {
        None => Ok(present),
        Some(missing) => Err(KeyMissing {
            app: app.to_string(),
            key_id: Some(missing.clone()),
            instead: own.cloned(),
        }),
    }
}

/// The key that signs for `app`: the one that the database has, if it is each that is named. `id` tells its id.
pub(crate) fn named<K>(
    app: &Slug,
    present: Option<K>,
    id: impl Fn(&K) -> &String,
    named: &[&str],
) -> Result<K, KeyMissing> {
    let own = present.as_ref().map(&id).cloned();
    let other = named.iter().find(|name| Some(**name) != own.as_deref());
    match (present, other) {
        (Some(key), None) => Ok(key),
        (_, other) => Err(KeyMissing {
            app: app.to_string(),
            key_id: other.map(|name| (*name).to_owned()),
            instead: own,
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn app() -> Slug {
        "notes".parse().expect("a slug")
    }

    fn missing(key_id: Option<&str>, instead: Option<&str>) -> KeyMissing {
        KeyMissing {
            app: "notes".to_owned(),
            key_id: key_id.map(str::to_owned),
            instead: instead.map(str::to_owned),
        }
    }

    #[test]
    fn a_key_is_made_for_an_app_of_which_nobody_knows_one() {
        let gives = |present: Option<&str>, stated: &[&str]| {
            let stated: Vec<String> = stated.iter().map(|id| (*id).to_owned()).collect();
            given(&app(), present.map(str::to_owned), |key| key, &stated)
        };
        let a = || Some("A".to_owned());
        assert_eq!(gives(None, &[]), Ok(None));
        assert_eq!(gives(Some("A"), &[]), Ok(a()));
        assert_eq!(gives(Some("A"), &["A"]), Ok(a()));
        assert_eq!(gives(None, &["A"]), Err(missing(Some("A"), None)));
        assert_eq!(gives(Some("B"), &["A"]), Err(missing(Some("A"), Some("B"))));
    }

    #[test]
    fn the_key_that_signs_is_the_one_that_is_named() {
        let signs = |present: Option<&str>, names: &[&str]| {
            named(&app(), present.map(str::to_owned), |key| key, names)
        };
        assert_eq!(signs(Some("A"), &["A", "A"]), Ok("A".to_owned()));
        assert_eq!(signs(Some("A"), &[]), Ok("A".to_owned()));
        assert_eq!(
            signs(Some("A"), &["A", "B"]),
            Err(missing(Some("B"), Some("A")))
        );
        assert_eq!(signs(None, &["B"]), Err(missing(Some("B"), None)));
        assert_eq!(signs(None, &[]), Err(missing(None, None)));
    }

    proptest! {
        #[test]
        fn nothing_is_signed_by_a_key_that_is_not_named(present in prop::option::of("[AB]{0,2}"), names in prop::collection::vec("[AB]{0,2}", 0..4)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            if let Ok(key) = named(&app(), present.clone(), |key| key, &names) {
                prop_assert_eq!(Some(&key), present.as_ref());
                prop_assert!(names.iter().all(|name| *name == key));
            }
        }

        #[test]
        fn no_second_key_is_made(present in prop::option::of("[AB]{0,2}"), stated in prop::collection::vec("[AB]{0,2}", 0..4)) {
            if given(&app(), present.clone(), |key| key, &stated) == Ok(None) {
                prop_assert!(present.is_none() && stated.is_empty());
            }
        }
    }
}
