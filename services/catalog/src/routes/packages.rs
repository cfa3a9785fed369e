//! `/internal/packages`: what upload hands over, and what it asks about it.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use slipway_contract::internal::Delivery;
use slipway_contract::public::{Refusal, Uploaded};
use slipway_contract::{Slug, Version, Word};
use slipway_openapi::parameters::IdPath;
use slipway_openapi::{InternalReading, InternalWriting, PROBLEM, ProblemDocument};
use slipway_runtime::Problem;
use slipway_runtime::http::json::{ApiJson, ApiPath, ApiQuery};
use sqlx::AnyConnection;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{render, settling};
use crate::delivery::{self, Uploader};
use crate::error::Error;
use crate::rules::channel::Place;
use crate::rules::delivery::{self as rules, Delivered, Home};
use crate::rules::draft::{Speller, refuse_odd};
use crate::state::CatalogState;
use crate::store::audit;
use crate::store::packages::{self, Package};
use crate::store::{draft_notes, intents, owners, package_rows, releases as release_rows};
use crate::{app, channels, choice, draft, history, refusal, removal, switch};

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new()
        .routes(routes!(deliver))
        .routes(routes!(show))
}

/// Takes a stored package and the intent to publish it. The same delivery again changes nothing, whatever has become of
/// the release since.
#[utoipa::path(
    post,
    path = "/internal/packages",
    operation_id = "deliver_package",
    request_body = Delivery,
    responses(
        InternalWriting,
        (status = 200, description = "It is there.", body = Uploaded),
        (status = 404, description = "`app_unknown`, `channel_unknown`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`version_exists`, `release_published`, `release_deleted`, `package_taken`, `package_differs`. `blocks_differ`, `delivery_differs`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`app_deleted`, `package_deleted`. `package_gone`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "It is refused for good, for the reason given. `channel_invalid`, `delivery_invalid`, `strict_refused`, `token_refused`, `version_invalid`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 503, description = "`delivery_unknown`: it has words or a form that this version does not know. `database_unavailable`, `resources_exhausted`, `restore_held`: try again.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn deliver(
    State(state): State<CatalogState>,
    delivery: Result<ApiJson<Value>, Problem>,
) -> Result<Json<Uploaded>, Error> {
    let ApiJson(delivery) = delivery.inspect_err(|problem| {
        tracing::error!(
            detail = problem.detail,
            "upload delivered what cannot be read"
        );
    })?;
    let delivery = Delivered::read(delivery)?;
    if delivery.channel.is_some() {
        switch::check(&state)?;
    }
    let mut transaction = state.change().await?;
    let uploader = delivery::uploader(&mut transaction, &delivery).await?;
    let package = match packages::by_id(&mut transaction, &delivery.id).await? {
        Some(package) => package,
        None => insert(&mut transaction, &delivery, &uploader).await?,
    };
    delivery.check_same(&package.identity())?;
    if let Some(sender) = delivery::sender(&mut transaction, &delivery).await? {
        owners::add(&mut transaction, &package.id, sender.by()).await?;
    }
    let mut refused = None;
    let release = match &delivery.channel {
        Some(channel) => release_of(&mut transaction, (&delivery, channel), &package).await?,
        None => package.release_id.clone(),
    };
    if let (Some(release), Some(notes)) = (&release, &delivery.notes) {
        draft_notes::set(&mut transaction, (release, delivery.requester_id()), notes).await?;
    }
    if let (Some(release), Some(channel)) = (&release, &delivery.channel) {
        channels::check_name(&mut transaction, delivery.app.as_str(), channel).await?;
        refused = take_intent(&mut transaction, &delivery, (release, channel)).await?;
    }
    let mut uploaded = render::uploaded(&state, &mut transaction, &package).await?;
    uploaded.refused = refused;
    state.commit(transaction).await?;
    Ok(Json(uploaded))
}

/// The release that is asked for, which the package is in. One that was left out of its draft comes back while that is one.
/// `None` when the intent was taken before, whatever has become of the package since.
async fn release_of(
    db: &mut AnyConnection,
    (delivery, channel): (&Delivered, &Slug),
    package: &Package,
) -> Result<Option<String>, Error> {
    let place = (delivery.id.as_str(), channel.as_str());
    if intents::is_taken(db, place, &delivery.intent).await? {
        return Ok(None);
    }
    let wanted = match &delivery.version {
        Some(version) => release_rows::by_version(db, &package.app, version.order_key()).await?,
        None => None,
    };
    let wanted = wanted.as_ref().map(|release| &*release.id);
    let (own, names_version) = (package.release_id.as_deref(), delivery.version.is_some());
    let home = rules::home(&package.id, own, names_version, wanted)?;
    let (Home::Join, Some(version)) = (home, &delivery.version) else {
        return Ok(package.release_id.clone());
    };
    let speller = Speller::Token(delivery.requester_id());
    let release = draft::find_or_make(db, &package.app, version, speller).await?;
    draft::take(db, &release, std::slice::from_ref(&package.id)).await?;
    Ok(Some(release.id))
}

/// Takes the intent to publish a package that is there. One whose token may not release any more is refused for good,
/// and the package, which was acknowledged, stays with the reason: a refusal of the whole would take it back.
async fn take_intent(
    db: &mut AnyConnection,
    delivery: &Delivered,
    (release, channel): (&str, &Slug),
) -> Result<Option<Refusal>, Error> {
    let release = release_rows::lock(db, release).await?;
    let asked = delivery.place(channel);
    let requester = match permitted(db, delivery, (&release, asked)).await {
        Ok(requester) => requester,
        Err(error) => {
            let problem = error.refusal()?;
            release_rows::set_reason_of_draft(db, &release.id, &problem.detail).await?;
            return Ok(Some(Refusal {
                status: problem.status.as_u16(),
                code: Word::Known(problem.code),
                members: problem.members(),
                detail: problem.detail,
            }));
        }
    };
    let place = (delivery.id.as_str(), channel.as_str());
    if !intents::take(db, place, &delivery.intent).await? {
        return Ok(None);
    }
    draft::note(db, &release, requester.by().token_id, None).await?;
    if draft::publish(db, &release, asked).await? {
        let app = Some(delivery.app.as_str());
        let (action, subject) = ("release.publish", release.version.as_str());
        audit::insert(db, requester.by(), action, app, subject).await?;
    }
    Ok(None)
}

/// Who asks for it: a token that may release, and that has put the whole draft there. The channel is there or to be made.
async fn permitted(
    db: &mut AnyConnection,
    delivery: &Delivered,
    (release, place): (&release_rows::Release, Place<'_>),
) -> Result<Uploader, Error> {
    let asked = (release.version.as_str(), place.channel);
    let requester = delivery::requester(db, delivery, asked).await?;
    choice::check_own(db, release, requester.by().token_id).await?;
    channels::check(db, release.app.as_str(), place.channel, place.create).await?;
    let mut odd = history::judge_release(db, release).await?;
    odd.extend(channels::left_of(db, release, place.channel).await?);
    refuse_odd(delivery.strict, &odd)?;
    Ok(requester)
}

async fn insert(
    db: &mut AnyConnection,
    delivery: &Delivered,
    uploader: &Uploader,
) -> Result<Package, Error> {
    let slug = delivery.app.as_str();
    let package = if let Some(version) = &delivery.version {
        let speller = Speller::Token(uploader.by().token_id);
        let release = draft::find_or_make(db, slug, version, speller).await?;
        for replaced in &delivery.replaces {
            removal::forbid(db, slug, replaced).await?;
        }
        draft::add(db, &release, delivery, uploader.by()).await?
    } else {
        app::find(db, slug).await?;
        draft::put(db, None, delivery, uploader.by()).await?
    };
    if package.id == delivery.id {
        let version = delivery.version.as_ref().map(Version::as_str);
        let odd = history::judge(db, &package, version).await?;
        refuse_odd(delivery.strict, &odd)?;
        let action = "package.upload";
        audit::insert(db, uploader.by(), action, Some(slug), &delivery.id).await?;
    }
    Ok(package)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Query {
    /// Seconds to wait for its release.
    #[serde(default)]
    #[param(required = false)]
    wait: u64,
}

/// What is known of a package. Waits while its release is on its way, and then for the followers to have it.
#[utoipa::path(
    get,
    path = "/internal/packages/{id}",
    operation_id = "show_delivered_package",
    params(IdPath, Query),
    responses(
        InternalReading,
        (status = 200, description = "What is known of it.", body = Uploaded),
        (status = 404, description = "`package_unknown`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`package_deleted`, `app_deleted`. `package_gone`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<CatalogState>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<Query>,
) -> Result<Json<Uploaded>, Error> {
    let mut connection = state.database.read().await?;
    let Some(package) = packages::by_id(&mut connection, &id).await? else {
        let gone = package_rows::is_gone(&mut connection, &id).await?;
        let refused = if gone {
            refusal::Package::Gone(id)
        } else {
            refusal::Package::Unknown(id)
        };
        return Err(refused.into());
    };
    drop(connection);
    let mut pending = Vec::new();
    if let Some(release) = &package.release_id {
        pending = settling::settled(&state, release, query.wait).await?;
    }
    let mut connection = state.database.read().await?;
    let mut uploaded = render::uploaded(&state, &mut connection, &package).await?;
    if let Some(release) = &mut uploaded.release {
        release.pending = pending;
    }
    Ok(Json(uploaded))
}
