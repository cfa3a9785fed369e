//! The states of a release.
//!
//! `draft → signing → verifying → published ⇄ yanked`; `failed` carries its reason and can be retried. Once published
//! its bytes and its version are fixed for ever. A draft that is deleted is gone; everything else becomes `deleted`, which
//! is for ever and keeps the version.

use std::fmt;

use slipway_contract::feed::Visibility;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Draft,
    Signing,
    Verifying,
    Published,
    Failed,
    Yanked,
    Deleted,
    /// A later version wrote it: nobody is shown such a release, and nothing is done to it.
    Unknown(String),
}

impl State {
    pub(crate) const KNOWN: [Self; 7] = [
        Self::Draft,
        Self::Signing,
        Self::Verifying,
        Self::Published,
        Self::Failed,
        Self::Yanked,
        Self::Deleted,
    ];

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Draft => "draft",
            Self::Signing => "signing",
            Self::Verifying => "verifying",
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Yanked => "yanked",
            Self::Deleted => "deleted",
            Self::Unknown(text) => text,
        }
    }

    /// Whether nothing more happens by itself, as far as is known.
    pub(crate) fn is_settled(&self) -> bool {
        !matches!(self, Self::Signing | Self::Verifying | Self::Unknown(_))
    }

    /// Whether it can be sent on its way.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Draft | Self::Failed)
    }

    /// What followers do with it.
    pub(crate) fn visibility(&self) -> Visibility {
        match self {
            Self::Verifying => Visibility::Staged,
            Self::Published => Visibility::Published,
            Self::Yanked => Visibility::Yanked,
            Self::Deleted => Visibility::Deleted,
            Self::Draft | Self::Signing | Self::Failed | Self::Unknown(_) => Visibility::Hidden,
        }
    }
}

impl From<String> for State {
    fn from(text: String) -> Self {
        let known = Self::KNOWN.into_iter().find(|state| state.as_str() == text);
        known.unwrap_or(Self::Unknown(text))
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_survive_their_text() {
        for state in State::KNOWN {
            assert_eq!(State::from(state.to_string()), state);
        }
        let later = State::from("ready".to_owned());
        assert_eq!(later, State::Unknown("ready".to_owned()));
        assert_eq!(later.as_str(), "ready");
    }

    #[test]
    fn only_what_was_verified_is_shown() {
        let later = State::Unknown("published2".to_owned());
        let shown: Vec<_> = State::KNOWN
            .into_iter()
            .chain([later.clone()])
            .filter(|state| state.visibility() == Visibility::Published)
            .collect();
        assert_eq!(shown, [State::Published]);
        assert!(!later.is_open() && !later.is_settled());
        assert_eq!(later.visibility(), Visibility::Hidden);
    }
}
