//! What is odd about a package beside the app's earlier ones: who installs updates by hand would not notice, and the
//! device refuses them or, worse, does not.
//!
//! A package is compared with those of the same identifier and platform, of the closest lower version: a backport with
//! those before it, and not with what came later. Once something is released, nothing else counts. What was read out of
//! the bytes is not proven, so it warns, and whoever wants to be refused says so. It is judged when it comes and again
//! when its release is published, beside what was released meanwhile.

use serde_json::Value;
use slipway_packages::{Platform, contradiction};
use slipway_service::Problem;
use sqlx::AnyConnection;

use crate::release::State as Stage;
use crate::store::identities::{self, Comparable, Earlier};
use crate::store::packages::{self, Package};
use crate::store::releases::Release;

/// The earlier packages that one is compared with.
#[derive(Default)]
struct Beside {
    /// The closest of the same identifier.
    same: Option<Earlier>,
    /// The closest of whatever identifier.
    any: Option<Earlier>,
    /// One of a lower version for the same machines whose version code is as high.
    not_below: Option<Earlier>,
}

/// Judges a package, in the release of `version` or on its own, keeps what is odd about it, and returns that with what its
/// bytes alone have told.
pub(crate) async fn judge(
    db: &mut AnyConnection,
    package: &Package,
    version: Option<&str>,
) -> sqlx::Result<Vec<String>> {
    identities::complete(db, &package.app).await?;
    judge_one(db, package, version).await
}

/// The same, where every package of the app is known already.
async fn judge_one(
    db: &mut AnyConnection,
    package: &Package,
    version: Option<&str>,
) -> sqlx::Result<Vec<String>> {
    let facts = package.facts();
    let mut warnings = told_by(&facts);
    let beside = beside(db, package, &facts).await?;
    let mut odd = odd(&facts, version, &beside);
    odd.retain(|warning| !warnings.contains(warning));
    identities::set_warnings(db, &package.id, &odd).await?;
    warnings.extend(odd);
    Ok(warnings)
}

/// The same of all packages of a release. What is published is not judged again.
pub(crate) async fn judge_release(
    db: &mut AnyConnection,
    release: &Release,
) -> sqlx::Result<Vec<String>> {
    let is_open = release.state().is_ok_and(Stage::is_open);
    if is_open {
        identities::complete(db, &release.app).await?;
    }
    let mut all = Vec::new();
    for package in packages::of_release(db, &release.id).await? {
        if is_open {
            all.extend(judge_one(db, &package, Some(&release.version)).await?);
        } else {
            all.extend(known(db, &package.id, &package.facts()).await?);
        }
    }
    Ok(all)
}

/// What is known to be odd about a package.
pub(crate) async fn known(
    db: &mut AnyConnection,
    package_id: &str,
    facts: &Value,
) -> sqlx::Result<Vec<String>> {
    let mut warnings = told_by(facts);
    warnings.extend(identities::warnings(db, package_id).await?);
    Ok(warnings)
}

/// Refuses what is odd, for who wants to be refused.
pub(crate) fn refuse(warnings: &[String]) -> Result<(), Problem> {
    if warnings.is_empty() {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "strict_refused",
        format!(
            "with strict=true nothing odd is published, and this is: {}. Mend it, or leave strict out",
            warnings.join("; ")
        ),
    )
    .with_member("warnings", warnings.to_vec()))
}

fn told_by(facts: &Value) -> Vec<String> {
    let warnings = facts["warnings"].as_array().into_iter().flatten();
    let warnings = warnings.filter_map(Value::as_str);
    warnings.map(str::to_owned).collect()
}

async fn beside(db: &mut AnyConnection, package: &Package, facts: &Value) -> sqlx::Result<Beside> {
    let Some(identifier) = facts["identifier"].as_str() else {
        return Ok(Beside::default());
    };
    // On Android every kind of package carries the one name of the app; elsewhere each trade has its own names.
    let kind = if package.platform == Platform::Android.as_str() {
        ""
    } else {
        &package.kind
    };
    let any = Comparable {
        identifier: "",
        kind,
        released: false,
    };
    let any = identities::closest(db, package, any).await?;
    // What a token that may only upload has put there says nothing of what users have.
    let same = Comparable {
        identifier,
        kind: "",
        released: any.as_ref().is_some_and(|any| any.is_released == 1),
    };
    let not_below = match facts["version_code"].as_i64() {
        Some(code) => identities::not_below(db, package, same, code).await?,
        None => None,
    };
    Ok(Beside {
        same: identities::closest(db, package, same).await?,
        any,
        not_below,
    })
}

/// The rules. `version` is what it is released as.
fn odd(facts: &Value, version: Option<&str>, beside: &Beside) -> Vec<String> {
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
            is_released: 1,
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
