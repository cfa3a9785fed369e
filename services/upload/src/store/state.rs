//! Where a package is, as its row says.

/// `stored → delivered`, and from either to `removed`; `refused` instead of `delivered`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its bytes are safe; the catalog was not told, or not to the end.
    Stored,
    /// The catalog has it.
    Delivered,
    /// The catalog does not take it.
    Refused,
    /// It was deleted, or another took its place.
    Removed,
    /// Of a later version beside us: the catalog says where it is.
    Unknown(String),
}

impl State {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Stored => "stored",
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Removed => "removed",
            Self::Unknown(text) => text,
        }
    }
}

impl From<String> for State {
    fn from(text: String) -> Self {
        match &*text {
            "stored" => Self::Stored,
            "delivered" => Self::Delivered,
            "refused" => Self::Refused,
            "removed" => Self::Removed,
            _ => Self::Unknown(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_what_its_row_says_known_or_not() {
        for text in ["stored", "delivered", "refused", "removed"] {
            let state = State::from(text.to_owned());
            assert_eq!(state.as_str(), text);
            assert!(!matches!(state, State::Unknown(_)), "{text}");
        }
        let later = State::from("mirrored".to_owned());
        assert_eq!(later, State::Unknown("mirrored".to_owned()));
        assert_eq!(later.as_str(), "mirrored");
    }
}
