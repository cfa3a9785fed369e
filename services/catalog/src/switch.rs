//! Publishing turned off by the operator: nothing new is published, nothing that is published goes away. What upload has
//! accepted waits there, and what has begun waits here.

use slipway_contract::Code;
use slipway_runtime::Problem;

use crate::settings::Settings;
use crate::state::CatalogState;

/// Refuses to publish while it is off, with the words of whoever turned it off.
pub(crate) fn check(state: &CatalogState) -> Result<(), Problem> {
    match &state.settings.now().publishing.off {
        None => Ok(()),
        Some(words) => Err(Problem::unavailable(
            Code::PublishingOff,
            format!("publishing is turned off for now: {words}"),
        )
        .with_header("retry-after", "60")),
    }
}

pub(crate) fn is_off(settings: &Settings) -> bool {
    settings.publishing.off.is_some()
}

/// Wakes whatever waits when it is turned on again.
pub(crate) fn follow(state: &CatalogState) {
    let (waking, settings) = (state.clone(), state.settings.clone());
    state.process.spawn("switch of publishing", move || {
        let (state, mut settings) = (waking.clone(), settings.clone());
        async move {
            loop {
                settings.changed().await;
                if !is_off(&settings.now()) {
                    state.signals.raise();
                }
            }
        }
    });
}
