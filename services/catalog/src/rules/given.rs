//! Members of a change that may be left out.

use serde::{Deserialize, Deserializer};

/// A member of a change; `null` takes away what is there, and what is not named stays as it is (RFC 7396).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Given<T> {
    #[default]
    No,
    Yes(Option<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::Yes)
    }
}
