//! Publishing turned off by the operator: nothing new is published, nothing that is published goes away. What upload has
//! accepted waits there, and what has begun waits here.

use slipway_contract::Code;
use slipway_runtime::Problem;

use crate::settings::Settings;
use crate::state::CatalogState;

/// Refuses to publish while it is off, with the words of whoever turned it off.
pub(crate) fn check(state: &CatalogState) -> Result<(), Problem> {
    let Some(words) = words(&state.settings.now()) else {
        return Ok(());
    };
    Err(Problem::unavailable(Code::PublishingOff, words))
}

/// What is told while it is off.
pub(crate) fn words(settings: &Settings) -> Option<String> {
    let words = settings.publishing.off.as_ref()?;
    Some(format!("publishing is turned off for now: {words}"))
}
