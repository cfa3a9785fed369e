//! POST: publishes a draft, or packages, or files.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use slipway_contract::grant::Scope;
use slipway_contract::public;
use slipway_openapi::parameters::{AppPath, IdempotencyKey, Prefer};
use slipway_openapi::{Documents, PROBLEM, ProblemDocument};
use slipway_runtime::http::json::{ApiJson, ApiPath, NoQuery};
use sqlx::AnyConnection;
use utoipa::ToSchema;

use crate::error::Error;
use crate::permission::Actor;
use crate::release::find_to_change;
use crate::routes::channels::Create;
use crate::routes::settling::{answer_when_settled, applied};
use crate::routes::write::{Done, Entry, Request, Write};
use crate::rules::channel::Place;
use crate::rules::choice::{Choice, File};
use crate::rules::draft::{Speller, refuse_odd};
use crate::rules::release::Asked;
use crate::rules::{self, text};
use crate::state::CatalogState;
use crate::{channels, choice, draft, history, quota, switch};

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Publish {
    #[schema(value_type = slipway_contract::Version)]
    version: String,
    #[schema(value_type = slipway_contract::Slug)]
    channel: String,
    #[schema(max_length = 65536)]
    notes: Option<String>,
    /// Ids of packages of the draft or on their own: these and no others are the release.
    packages: Option<Vec<String>>,
    /// Files of the draft: these and no others are the release. Without either it is the draft, if this token has put all
    /// of it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<slipway_openapi::DraftFile>>)]
    files: Option<Vec<File>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create: Option<Create>,
    /// Whether what is odd is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

/// Publishes a draft that is the token's own, or exactly the packages or files that are named. 201 when it is published,
/// 202 when it goes on.
#[utoipa::path(
    post,
    path = "/api/v1/apps/{app}/releases",
    operation_id = "publish_release",
    tag = "releases",
    summary = "Publish a version",
    description = "Publishes the draft of the version, if this token has put all of it there; or exactly the packages that are named by their ids, of the draft or on their own; or exactly the files of the draft that are named by name and digest. What else lies in the draft leaves it and is a package on its own. Waits until it is published, 60 seconds unless `Prefer` says otherwise. Scope: `release`.",
    params(AppPath, IdempotencyKey, Prefer),
    request_body = Publish,
    responses(
        Documents,
        (status = 200, description = "It is published, and left the channel when that was rolled back: it stays out, and a warning says so.", body = public::Release),
        (status = 201, description = "It is published: every download instance serves it, but those that `pending` names.", body = public::Release, headers(("Location" = String, description = "Its address."))),
        (status = 202, description = "It goes on by itself; `reason` says what it waits for.", body = public::Release, headers(("Location" = String, description = "Its address."))),
        (status = 403, description = "`scope_missing`, `token_of_another_app`. `quota_exceeded`: the app would hold more than it may; `quota` names what (`bytes`, `releases`, `drafts`), `limit` and `used` how much.", body = ProblemDocument, content_type = PROBLEM),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no draft of this version. `package_unknown`. `channel_unknown`: there is no such channel, and `\"create\": \"channel\"` was not said; `nearest` is the name that was most likely meant, or null.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`draft_mixed`: the draft holds files that other tokens put there; the member `files` lists all of it, ready to be sent back without what is not meant. `draft_differs`: a file that was named is not there, or has other bytes; `files` lists what is. `release_published`: the version is released and never changes. `version_exists`: an equal version has another spelling, the release has another file of this name, or it failed and its files are fixed. `package_taken`: the package belongs to another release. `release_deleted`: the version was deleted, and stays taken.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`release_failed`: it was not published, for the reason given; `…/retry` tries again. `release_empty`: it has no packages. `version_invalid`, `notes_too_long`, `idempotency_key_reused`. `channel_invalid`: it is no slug, or one of latest, all, report and omaha. `text_refused`: the notes hold control, direction or unseen characters; line ends may stay. `strict_refused`: something is odd, listed in `warnings`, and was to be refused.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn publish(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(app): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Publish>,
) -> Result<Response, Error> {
    actor.permit(Scope::Release, Some(&app))?;
    switch::check(&state)?;
    let channel = text::channel(&body.channel)?;
    let (packages, files) = (body.packages.as_deref(), body.files.as_deref());
    let choice = Choice::of(&actor.grant.id, packages, files)?;
    let notes = body.notes.as_deref().map(text::prose).transpose()?;
    let request = Request {
        headers: &headers,
        operation: &format!("publish {app}"),
        body: &body,
    };
    let intent = Intent {
        body: &body,
        place: Place {
            channel: &channel,
            create: body.create.is_some(),
            asked: None,
        },
        choice,
        notes: notes.as_deref(),
        token_id: &actor.grant.id,
    };
    let again = async |db: &mut AnyConnection| {
        let release = find_to_change(db, &app, &body.version).await?;
        Ok(Published {
            release: release.id,
            stays_out: false,
        })
    };
    let write = Write {
        state: &state,
        actor: &actor,
        scope: Scope::Release,
        app: Some(&app),
    };
    let effect = async |db: &mut AnyConnection| intent.fulfil(&state, db, &app).await;
    let published = write.once(request, effect, again).await?;
    if published.stays_out {
        return Ok(Json(applied(&state, &published.release).await?).into_response());
    }
    answer_when_settled(&state, &published.release, &headers).await
}

/// What is to be published.
struct Intent<'a> {
    body: &'a Publish,
    place: Place<'a>,
    choice: Choice<'a>,
    notes: Option<&'a str>,
    token_id: &'a str,
}

/// What has become of an intent.
#[derive(Deserialize, Serialize)]
struct Published {
    /// The id of the release.
    release: String,
    /// It left the channel at a roll-back, and nothing was done.
    stays_out: bool,
}

impl Intent<'_> {
    async fn fulfil(
        &self,
        state: &CatalogState,
        db: &mut AnyConnection,
        app: &str,
    ) -> Result<Done<Published>, Error> {
        let release = if let Choice::Packages(_) = self.choice {
            let version = text::version(&self.body.version)?;
            draft::find_or_make(db, app, &version, Speller::Releaser).await?
        } else {
            find_to_change(db, app, &self.body.version).await?
        };
        let left = channels::left_of(db, &release, self.place.channel).await?;
        let asked = rules::release::ask(release.facts(), left.is_some())?;
        let mut odd = Vec::from_iter(left);
        if asked == Asked::StaysOut {
            refuse_odd(self.body.strict, &odd)?;
            return Ok(Done {
                made: Published {
                    release: release.id,
                    stays_out: true,
                },
                audit: None,
            });
        }
        quota::check_release(state, db, &release).await?;
        choice::choose(db, &release, self.choice).await?;
        odd.splice(..0, history::judge_release(db, &release).await?);
        refuse_odd(self.body.strict, &odd)?;
        draft::note(db, &release, self.token_id, self.notes).await?;
        draft::publish(db, &release, self.place).await?;
        Ok(Done {
            audit: Some(Entry::new(
                Some(app),
                "release.publish",
                release.version.as_str(),
            )),
            made: Published {
                release: release.id,
                stays_out: false,
            },
        })
    }
}
