//! What is odd about a package beside the app's earlier ones: who installs updates by hand would not notice, and the
//! device refuses them or, worse, does not.
//!
//! A package is compared with those of the same identifier and platform, of the closest lower version: a backport with
//! those before it, and not with what came later. Once something is released, nothing else counts. What was read out of
//! the bytes is not proven, so it warns, and whoever wants to be refused says so. It is judged when it comes and again
//! when its release is published, beside what was released meanwhile.

use serde_json::Value;
use slipway_contract::{Platform, contradiction};

/// What an earlier package says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Earlier {
    pub(crate) filename: String,
    /// Of its release; `None` of one on its own.
    pub(crate) version: Option<String>,
    pub(crate) identifier: String,
    pub(crate) version_code: Option<i64>,
    pub(crate) signer_sha256: Option<String>,
    /// Whether its release was begun to be published.
    pub(crate) is_released: bool,
}

/// Which packages of its platform a new one is compared with; an empty text is any.
#[derive(Clone, Copy)]
pub(crate) struct Comparable<'a> {
    pub(crate) identifier: &'a str,
    pub(crate) kind: &'a str,
    /// Whether those that nobody has released do not count.
    pub(crate) released: bool,
}

impl<'a> Comparable<'a> {
    /// The packages with which one is compared whatever their identifier. On Android every kind of package carries the one
    /// name of the app; elsewhere each trade has its own names.
    pub(crate) fn any(platform: &str, kind: &'a str) -> Self {
        let android = platform == Platform::Android.as_str();
        Self {
            identifier: "",
            kind: if android { "" } else { kind },
            released: false,
        }
    }

    /// Those of its identifier, beside the closest of `any`. What a token that may only upload has put there says nothing of
    /// what users have.
    pub(crate) fn same(identifier: &'a str, any: Option<&Earlier>) -> Self {
        Self {
            identifier,
            kind: "",
            released: any.is_some_and(|any| any.is_released),
        }
    }
}

/// The earlier packages that one is compared with.
#[derive(Default)]
pub(crate) struct Beside {
    /// The closest of the same identifier.
    pub(crate) same: Option<Earlier>,
    /// The closest of whatever identifier.
    pub(crate) any: Option<Earlier>,
    /// One of a lower version for the same machines whose version code is as high.
    pub(crate) not_below: Option<Earlier>,
}

/// What its bytes alone have told.
pub(crate) fn told_by(facts: &Value) -> Vec<String> {
    let warnings = facts["warnings"].as_array().into_iter().flatten();
    let warnings = warnings.filter_map(Value::as_str);
    warnings.map(str::to_owned).collect()
}

/// What is odd about a package beside those before it. `version` is what it is released as.
pub(crate) fn odd(facts: &Value, version: Option<&str>, beside: &Beside) -> Vec<String> {
    let version = version.and_then(|version| version.parse().ok());
    let contradicts =
        version.and_then(|version| contradiction(&version, facts["version"].as_str()));
    [
        contradicts,
        beside
            .same
            .as_ref()
            .and_then(|same| signer_changed(facts, same)),
        beside
            .any
            .as_ref()
            .filter(|_| beside.same.is_none())
            .map(|any| name_changed(facts, any)),
        beside
            .not_below
            .as_ref()
            .map(|other| code_not_higher(facts, other)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn signer_changed(facts: &Value, earlier: &Earlier) -> Option<String> {
    let before = earlier.signer_sha256.as_ref()?;
    let now = facts["signer_sha256"].as_str();
    if now == Some(before) {
        return None;
    }
    let now = now.map_or("no certificate that could be read".to_owned(), |now| {
        format!("the certificate {now}")
    });
    Some(format!(
        "signer_changed: it is signed with {now}, and {} with {before}: devices that have that refuse this as an update; sign it with the same key",
        called(earlier)
    ))
}

fn name_changed(facts: &Value, earlier: &Earlier) -> String {
    format!(
        "package_name_changed: it is {}, and {} is {}: devices install it as another app, beside the one they have; build it with the same name, or publish it as an app of its own",
        facts["identifier"].as_str().unwrap_or_default(),
        called(earlier),
        earlier.identifier
    )
}

fn code_not_higher(facts: &Value, earlier: &Earlier) -> String {
    format!(
        "version_code_not_higher: its version code is {}, and that of {} is {} already: devices that have that refuse this as an update; build it with a higher one",
        facts["version_code"],
        called(earlier),
        earlier.version_code.unwrap_or_default()
    )
}

fn called(earlier: &Earlier) -> String {
    match &earlier.version {
        Some(version) => format!("{} of {version}", earlier.filename),
        None => earlier.filename.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn earlier(identifier: &str, code: i64, signer: Option<&str>) -> Earlier {
        Earlier {
            filename: "notes.apk".to_owned(),
            version: Some("1.0".to_owned()),
            identifier: identifier.to_owned(),
            version_code: Some(code),
            signer_sha256: signer.map(str::to_owned),
            is_released: true,
        }
    }

    fn codes(warnings: &[String]) -> Vec<&str> {
        let codes = warnings
            .iter()
            .filter_map(|warning| warning.split(':').next());
        codes.collect()
    }

    #[test]
    fn each_oddity_has_its_code() {
        let facts = json!({"identifier": "org.notes", "version": "2.0", "version_code": 9, "signer_sha256": "aa"});
        let same = earlier("org.notes", 10, Some("bb"));
        let beside = Beside {
            same: Some(same.clone()),
            any: Some(same.clone()),
            not_below: Some(same),
        };
        let all = odd(&facts, Some("3.0"), &beside);
        let expected = [
            "version_contradicts",
            "signer_changed",
            "version_code_not_higher",
        ];
        assert_eq!(codes(&all), expected);
        assert!(
            all.iter()
                .all(|warning| warning.contains("1.0") || warning.contains("3.0"))
        );
        let beside = Beside {
            any: Some(earlier("org.other", 1, Some("aa"))),
            ..Beside::default()
        };
        assert_eq!(
            codes(&odd(&facts, Some("2.0"), &beside)),
            ["package_name_changed"]
        );
        assert_eq!(odd(&facts, None, &Beside::default()), Vec::<String>::new());
    }

    #[test]
    fn a_signer_is_missed_and_a_first_one_is_none_that_changed() {
        let unsigned = json!({"identifier": "org.notes"});
        let signed = json!({"identifier": "org.notes", "signer_sha256": "aa"});
        let before = earlier("org.notes", 1, Some("aa"));
        assert!(signer_changed(&unsigned, &before).is_some());
        assert_eq!(signer_changed(&signed, &before), None);
        assert_eq!(
            signer_changed(&signed, &earlier("org.notes", 1, None)),
            None
        );
    }
}
