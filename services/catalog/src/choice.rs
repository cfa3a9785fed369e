//! Which files become a release. A token that may upload must not slip a file into what another publishes: whoever
//! publishes has put all of it there, or names it.

use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_packages::shown::compose;
use slipway_service::Problem;
use sqlx::AnyConnection;

use crate::draft;
use crate::release::Refused;
use crate::store::owners;
use crate::store::packages::{self, Package};
use crate::store::releases::Release;

/// Files that the words of a refusal name; its list has them all.
const NAMED: usize = 5;

/// A file of a release, named by who publishes it. A refusal lists a draft in the same form, so that it can be sent back.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = NamedFile)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    filename: String,
    /// SHA-256 in hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
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
    /// Whether `package` has this name: as it is written, or in the composed form that new names are kept in.
    fn names(&self, package: &Package) -> bool {
        package.filename == self.filename || package.filename == compose(&self.filename)
    }
}

/// What is to be the release.
pub(crate) enum Choice<'a> {
    /// The draft, all of it put there by the token.
    Own(&'a str),
    /// These packages, of the draft or on their own, by their ids.
    Packages(&'a [String]),
    /// These files of the draft.
    Files(&'a [File]),
}

/// Makes the release hold exactly what was chosen. What else lay in its draft leaves it and is on its own: nothing that
/// nobody named is released, and nobody's file keeps a version from being released.
pub(crate) async fn choose(
    db: &mut AnyConnection,
    release: &Release,
    choice: &Choice<'_>,
) -> Result<(), Problem> {
    match choice {
        Choice::Own(token) => check_own(db, release, token).await,
        Choice::Packages(ids) => {
            draft::take(db, release, ids).await?;
            keep(db, release, |package| ids.contains(&package.id)).await
        }
        Choice::Files(files) => {
            let there = packages::of_release(db, &release.id).await?;
            for file in *files {
                let named = there.iter().find(|package| file.names(package));
                if named.is_none_or(|package| !package.sha256.eq_ignore_ascii_case(&file.sha256)) {
                    return Err(differs(db, release, &there, file).await?);
                }
            }
            let named = |package: &Package| {
                let mut files = files.iter();
                files.any(|file| file.names(package))
            };
            keep(db, release, named).await
        }
    }
}

/// Refuses a draft that holds what another token put there.
pub(crate) async fn check_own(
    db: &mut AnyConnection,
    release: &Release,
    token: &str,
) -> Result<(), Problem> {
    if !draft::is_draft(release)? || owners::all_of(db, &release.id, token).await? {
        return Ok(());
    }
    let there = packages::of_release(db, &release.id).await?;
    let mut others = Vec::new();
    for package in &there {
        let owners = owners::of_package(db, &package.id).await?;
        if owners.iter().all(|owner| owner.token_id != token) {
            others.push(format!("{} ({})", package.filename, owners::names(&owners)));
        }
    }
    let more = others.len().saturating_sub(NAMED);
    others.truncate(NAMED);
    let mut names = others.join(", ");
    if more > 0 {
        names = format!("{names} and {more} more");
    }
    let (app, version) = (&release.app, &release.version);
    let problem = Problem::conflict(
        "draft_mixed",
        format!(
            "the draft of {version} holds files that other tokens put there: {names}. Release exactly what is meant: send those of `files` that are, as \"files\", to POST /api/v1/apps/{app}/releases with \"version\" and \"channel\""
        ),
    );
    Err(list(db, problem, &there).await?)
}

/// Leaves everything else out of a draft. The files of what has been begun to be signed are fixed.
async fn keep(
    db: &mut AnyConnection,
    release: &Release,
    chosen: impl Fn(&Package) -> bool,
) -> Result<(), Problem> {
    for package in packages::of_release(db, &release.id).await? {
        if chosen(&package) {
            continue;
        }
        if !draft::is_draft(release)? {
            return Err(Refused::Fixed(release.version.clone()).into());
        }
        packages::leave_out(db, &package.id).await?;
    }
    Ok(())
}

/// A file that was named is not what lies there.
async fn differs(
    db: &mut AnyConnection,
    release: &Release,
    there: &[Package],
    file: &File,
) -> Result<Problem, Problem> {
    let (version, filename, wanted) = (&release.version, &file.filename, &file.sha256);
    let found = there.iter().find(|package| file.names(package));
    let found = found.map_or("no such file".to_owned(), |package| package.sha256.clone());
    let detail = format!(
        "{filename} is not in the draft of {version} with the SHA-256 {wanted} (there: {found}): upload it, or name the files as they are, which `files` lists"
    );
    list(db, Problem::conflict("draft_differs", detail), there).await
}

/// Adds the files of a draft to a refusal, in the form in which they are named.
async fn list(
    db: &mut AnyConnection,
    problem: Problem,
    there: &[Package],
) -> Result<Problem, Problem> {
    let mut files = Vec::new();
    for package in there {
        let owners = owners::of_package(db, &package.id).await?;
        let token = (!owners.is_empty()).then(|| owners::names(&owners));
        files.push(json!({
            "filename": package.filename,
            "sha256": package.sha256,
            "platform": package.platform,
            "token": token,
        }));
    }
    Ok(problem.with_member("files", files))
}
