//! What the pages say, in each language.

mod chinese;
mod english;
mod fields;

use slipway_runtime::http::page::Language;

pub(crate) use fields::{Installing, Texts};

/// The texts in a language.
pub(crate) const fn of(language: Language) -> &'static Texts {
    match language {
        Language::English => &english::TEXTS,
        Language::Chinese => &chinese::TEXTS,
    }
}
