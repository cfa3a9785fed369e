//! Judging packages beside the app's earlier ones, inside the caller's transaction. The rules are
//! [`crate::rules::history`].

use serde_json::Value;
use sqlx::AnyConnection;

use crate::rules::history::{self as rules, Beside, Comparable};
use crate::store::identities;
use crate::store::packages::{self, Package};
use crate::store::releases::Release;

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
    let facts = package.facts()?;
    let mut warnings = rules::told_by(&facts);
    let beside = beside(db, package, &facts).await?;
    let mut odd = rules::odd(&facts, version, &beside);
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
    let is_open = release.state.is_open();
    if is_open {
        identities::complete(db, release.app.as_str()).await?;
    }
    let mut all = Vec::new();
    for package in packages::of_release(db, &release.id).await? {
        if is_open {
            all.extend(judge_one(db, &package, Some(release.version.as_str())).await?);
        } else {
            all.extend(known(db, &package.id, &package.facts()?).await?);
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
    let mut warnings = rules::told_by(facts);
    warnings.extend(identities::warnings(db, package_id).await?);
    Ok(warnings)
}

async fn beside(db: &mut AnyConnection, package: &Package, facts: &Value) -> sqlx::Result<Beside> {
    let Some(identifier) = facts["identifier"].as_str() else {
        return Ok(Beside::default());
    };
    let any = Comparable::any(package.file.platform.as_str(), package.file.kind.as_str());
    let any = identities::closest(db, package, any).await?;
    let same = Comparable::same(identifier, any.as_ref());
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
