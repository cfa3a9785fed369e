//! Refusals about what is sent, and by whom.

use http::StatusCode;
use slipway_contract::Code;
use slipway_contract::shown::TextError;
use slipway_runtime::Problem;

use crate::refusal::{Delivery, Request, Restore, Text, Token};
use crate::rules::state::State;

/// Seconds after which whoever wants to change something may ask again: a person has to decide first.
const RETRY_SECONDS: &str = "30";

/// What is wrong with a request by itself.
pub(super) fn request(refused: Request) -> Problem {
    match refused {
        Request::KeyInvalid => Problem::bad_request(
            Code::IdempotencyKeyInvalid,
            "an Idempotency-Key is 1 to 200 printable characters",
        ),
        Request::KeyReused => Problem::unprocessable(
            Code::IdempotencyKeyReused,
            "this Idempotency-Key was used for another request: make a new key for each new request",
        ),
        Request::NothingToChange(names) => Problem::unprocessable(
            Code::ChangeMissing,
            format!("nothing to change is named: send {names}"),
        ),
        Request::ReasonMissing { again } => Problem::unprocessable(
            Code::ReasonMissing,
            if again {
                "say in the reason why users may take it again"
            } else {
                "say in the reason why users must not take it any more"
            },
        ),
        Request::ChoiceAmbiguous => Problem::bad_request(
            Code::ChoiceAmbiguous,
            "name what is released once: as \"packages\" or as \"files\"",
        ),
        Request::StateUnknown(state) => {
            let states = State::KNOWN.map(|state| state.to_string()).join(", ");
            Problem::bad_request(
                Code::StateUnknown,
                format!(
                    "there is no state {}: one of {states}",
                    state.escape_debug()
                ),
            )
        }
        Request::QuotaInvalid => Problem::unprocessable(
            Code::QuotaInvalid,
            "a limit is a number from 0 on, or null for the platform's",
        ),
        Request::QueryInvalid(words) => Problem::bad_request(Code::QueryInvalid, words),
        Request::DownloadAway => Problem::unavailable(
            Code::DownloadUnavailable,
            "the download service, which counts, does not answer: try again",
        ),
    }
}

/// Words of a developer's that are not kept as they are.
pub(super) fn text(refused: Text) -> Problem {
    match refused {
        Text::Name { of, why } => Problem::unprocessable(
            Code::NameRefused,
            format!("the {of}'s name is refused: {why}; choose another"),
        ),
        Text::Prose(TextError::TooLong(..)) => Problem::unprocessable(
            Code::NotesTooLong,
            "notes are 65,536 characters at most: shorten them",
        ),
        Text::Prose(why) => Problem::unprocessable(
            Code::TextRefused,
            format!("the text is refused: {why}; leave that out"),
        ),
        Text::Version(why) => Problem::unprocessable(Code::VersionInvalid, why),
    }
}

pub(super) fn restore(refused: Restore) -> Problem {
    let held = |what| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::RestoreHeld,
            format!("the catalog's database is older than what its followers have, and {what}"),
        )
        .with_header("retry-after", RETRY_SECONDS)
    };
    match refused {
        Restore::Held => held(
            "nothing is changed before somebody decides: run `slipway accept-restore`, or put the newer database back",
        ),
        Restore::TokenDoubted => held(
            "upload, which knows whether this token was revoked since, does not say: try again, or use the token in the data folder",
        ),
        Restore::NotHeld => Problem::conflict(
            Code::RestoreNotHeld,
            "nothing waits to be accepted: no older copy of the catalog's database was noticed, or the newer one is back",
        ),
        Restore::Changed => Problem::conflict(
            Code::RestoreChanged,
            "the catalog's database is another one than that which was looked at: see GET /api/v1/restore again",
        ),
        Restore::MarkInvalid => Problem::bad_request(
            Code::MarkInvalid,
            "what was applied is beyond the feed, and the mark does not show that it was ever given",
        ),
    }
}

pub(super) fn token(refused: Token) -> Problem {
    match refused {
        Token::Unknown => Problem::new(
            StatusCode::NOT_FOUND,
            Code::TokenUnknown,
            "there is no token with this id: see GET /api/v1/tokens",
        ),
        Token::ScopesEmpty => Problem::unprocessable(
            Code::ScopesEmpty,
            "name at least one scope: read, upload, release, operate or admin",
        ),
        Token::ExpiryRefused => Problem::unprocessable(
            Code::ExpiresInRefused,
            "expires_in is in seconds, from 1 to ten years; leave it out for a token that does not expire",
        ),
        Token::LastAdministrator => Problem::conflict(
            Code::LastAdmin,
            "this is the last token with the scope admin that is good for all apps, or all others expire before it: make \
             another one first that lives as long, by POST /api/v1/tokens, or replace the one of the data folder by `slipway init --rotate admin`",
        ),
    }
}

/// A service that delivers what cannot be lies or is broken, so that is logged.
pub(super) fn delivery(refused: Delivery) -> Problem {
    let problem = delivery_words(refused);
    let detail = &problem.detail;
    match problem.code {
        Code::DeliveryUnknown => tracing::warn!(detail, "a delivery waits"),
        Code::TokenRefused if problem.status == StatusCode::FORBIDDEN => {
            tracing::info!(detail, "an intent to publish is refused");
        }
        Code::DigestInvalid => {}
        _ => tracing::error!(detail, "upload delivered what cannot be"),
    }
    problem
}

fn delivery_words(refused: Delivery) -> Problem {
    let token_refused = |why| {
        Problem::unprocessable(
            Code::TokenRefused,
            format!("the token that uploaded this {why}: upload it again with another"),
        )
    };
    match refused {
        Delivery::Wrong { field, why } => Problem::unprocessable(
            Code::DeliveryInvalid,
            format!(
                "{field} of the delivery is not what it has to be: {why}; the upload service is at fault, tell the operator"
            ),
        ),
        Delivery::Unknown { field, word } => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::DeliveryUnknown,
            format!(
                "the {field} {word:?} is not known to this version of the catalog yet: it waits until that is updated"
            ),
        ),
        Delivery::Unreadable(why) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::DeliveryUnknown,
            format!(
                "this version of the catalog does not read such a delivery: {why}; it waits until catalog and upload fit together"
            ),
        ),
        Delivery::TokenUnknown => token_refused("is not known to the catalog"),
        Delivery::TokenMayNotUpload => token_refused("may not upload to this app"),
        Delivery::Intent {
            version,
            channel,
            why,
        } => Problem::new(
            StatusCode::FORBIDDEN,
            Code::TokenRefused,
            format!(
                "{version} was not released to {channel} by the token that asked for it: {why}. The package is kept: send it again, or publish its draft, with a token that may release it"
            ),
        ),
        Delivery::Differs(id) => Problem::conflict(
            Code::DeliveryDiffers,
            format!(
                "the package {id} is there already as another one; the upload service is at fault, tell the operator"
            ),
        ),
        Delivery::OtherBlocks(id) => Problem::conflict(
            Code::BlocksDiffer,
            format!("the package {id} has another list of blocks already"),
        ),
        Delivery::DigestInvalid(why) => Problem::unprocessable(Code::DigestInvalid, why),
    }
}
