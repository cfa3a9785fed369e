//! Documents in a column. What cannot be read or written is an error and never an empty one.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::{Error, Result};

/// A document whose members are others' to know.
#[derive(Clone, Debug)]
pub(crate) struct Document(pub(crate) Value);

impl TryFrom<String> for Document {
    type Error = serde_json::Error;

    fn try_from(text: String) -> serde_json::Result<Self> {
        serde_json::from_str(&text).map(Self)
    }
}

pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Decode(error.into()))
}

pub(super) fn write(document: &impl Serialize) -> Result<String> {
    serde_json::to_string(document).map_err(|error| Error::Encode(error.into()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_taken_for_an_empty_document() {
        type Files = BTreeMap<String, String>;
        for text in ["", "[]", "{\"notes.apk\": 1}", "{\"notes.apk\":"] {
            assert!(read::<Files>(text).is_err(), "{text}");
        }
        let files = Files::from([("notes.apk".to_owned(), "07".to_owned())]);
        let text = write(&files).expect("a text");
        assert_eq!(read::<Files>(&text).expect("files"), files);
        assert!(Document::try_from(String::new()).is_err());
    }
}
