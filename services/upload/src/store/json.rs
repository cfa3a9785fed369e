//! Documents in a column. What cannot be read or written is an error and never an empty one.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{Error, Result};

pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Decode(error.into()))
}

pub(super) fn write(document: &impl Serialize) -> Result<String> {
    serde_json::to_string(document).map_err(|error| Error::Encode(error.into()))
}
