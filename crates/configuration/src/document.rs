//! Names of documents, and all documents together.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use slipway_contract::Slug;

use crate::content::Content;

/// All documents by their names.
pub type Documents = BTreeMap<DocumentName, Content>;

/// `base`, an environment, or a service in an environment: `production/upload`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentName {
    /// Of all environments.
    Base,
    Environment(String),
    Service {
        environment: String,
        service: String,
    },
}

/// Why a text is no name of a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no document: write base, an environment such as production, or a service in one such as production/upload"
)]
pub struct DocumentNameError(String);

const BASE: &str = "base";

impl DocumentName {
    /// The documents of an instance, the weakest first.
    pub fn of(environment: &str, service: &str) -> [Self; 3] {
        [
            Self::Base,
            Self::Environment(environment.to_owned()),
            Self::Service {
                environment: environment.to_owned(),
                service: service.to_owned(),
            },
        ]
    }

    pub fn environment(&self) -> Option<&str> {
        match self {
            Self::Base => None,
            Self::Environment(environment) | Self::Service { environment, .. } => Some(environment),
        }
    }

    /// The one service that it is for; `None` for all.
    pub fn service(&self) -> Option<&str> {
        match self {
            Self::Service { service, .. } => Some(service),
            Self::Base | Self::Environment(_) => None,
        }
    }

    /// The same of another environment.
    #[must_use]
    pub fn moved_to(&self, environment: &str) -> Self {
        match self {
            Self::Base => Self::Base,
            Self::Environment(_) => Self::Environment(environment.to_owned()),
            Self::Service { service, .. } => Self::Service {
                environment: environment.to_owned(),
                service: service.clone(),
            },
        }
    }
}

impl fmt::Display for DocumentName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => formatter.write_str(BASE),
            Self::Environment(environment) => formatter.write_str(environment),
            Self::Service {
                environment,
                service,
            } => write!(formatter, "{environment}/{service}"),
        }
    }
}

impl FromStr for DocumentName {
    type Err = DocumentNameError;

    fn from_str(text: &str) -> Result<Self, DocumentNameError> {
        let slug = |part: &str| {
            let good = part.parse::<Slug>().is_ok() && part != BASE;
            good.then(|| part.to_owned())
                .ok_or_else(|| DocumentNameError(text.to_owned()))
        };
        match text.split_once('/') {
            None if text == BASE => Ok(Self::Base),
            None => Ok(Self::Environment(slug(text)?)),
            Some((environment, service)) => Ok(Self::Service {
                environment: slug(environment)?,
                service: slug(service)?,
            }),
        }
    }
}

impl Serialize for DocumentName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DocumentName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_text_both_ways() {
        for text in ["base", "production", "production/upload", "eu-1/scanner"] {
            let name: DocumentName = text.parse().expect(text);
            assert_eq!(name.to_string(), text);
        }
        for text in [
            "",
            "Base",
            "base/upload",
            "a/b/c",
            "production/",
            "/upload",
            "a b",
            "../x",
        ] {
            assert!(text.parse::<DocumentName>().is_err(), "{text}");
        }
    }
}
