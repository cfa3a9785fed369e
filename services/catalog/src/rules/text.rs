//! Words of a developer's as they are kept.

use slipway_contract::{Slug, Version, shown};

use crate::refusal::{App, Channel, Refusal, Text};

/// Characters of notes or a reason: a long page.
const MAX_NOTES: usize = 64 * 1024;
/// Characters of a name: one line on a phone.
const MAX_NAME: usize = 100;

pub(crate) fn version(text: &str) -> Result<Version, Text> {
    let parsed = text.parse::<Version>();
    parsed.map_err(|error| Text::Version(error.to_string()))
}

pub(crate) fn channel(text: &str) -> Result<Slug, Channel> {
    let parsed = text.parse::<Slug>();
    parsed.map_err(|error| Channel::Invalid(error.to_string()))
}

/// A slug for a new app.
pub(crate) fn slug(text: &str) -> Result<Slug, App> {
    let parsed = text.parse::<Slug>();
    let new = parsed.and_then(|slug| slug.check_new_app().map(|()| slug));
    new.map_err(|error| App::SlugRefused(error.to_string()))
}

/// The name of an app or a token, which `of` says.
pub(crate) fn name(of: &'static str, text: &str) -> Result<String, Text> {
    shown::name(text, MAX_NAME).map_err(|why| Text::Name { of, why })
}

/// Notes or a reason.
pub(crate) fn prose(text: &str) -> Result<String, Text> {
    shown::prose(text, MAX_NOTES).map_err(Text::Prose)
}

/// The version that a request names, to find its release: one that is no version is in no release. A `+` that was written
/// as a space on its way is told how to come whole.
pub(crate) fn version_to_find(text: &str) -> Result<Version, Refusal> {
    let parsed = version(text);
    if text.contains(' ') {
        return parsed.map_err(Refusal::from);
    }
    parsed.map_err(|_| crate::refusal::Release::Unknown(text.to_owned()).into())
}
