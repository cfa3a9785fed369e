//! The central configuration as processes and operators tell it each other. The rules are `slipway-configuration`'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What an instance says of its configuration: all of it, each time, and so the registry may forget everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Standing {
    pub environment: String,
    /// The program's version.
    #[cfg_attr(feature = "schema", schema(max_length = 64))]
    pub version: String,
    /// The JSON Schema of its settings.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub schema: Value,
    /// Of the registry's database, as it was told with the revision that is applied; empty before that.
    #[serde(default)]
    pub epoch: String,
    /// The revision that it works by; 0 before there is one.
    pub applied: u64,
    /// The newest revision that it has looked at.
    pub seen: u64,
    /// Why it did not take what it has seen.
    #[serde(default)]
    pub refused: Option<String>,
    /// Keys that wait for its next start.
    #[serde(default)]
    pub pending: Vec<String>,
    /// Keys that it does not know, or that are not to be said from afar.
    #[serde(default)]
    pub ignored: Vec<String>,
    /// What it was told where it runs. Values that only the machine itself says, and secrets, are left out.
    #[serde(default)]
    pub local: Vec<LocalSetting>,
}

/// A key that the file, the variables or the command line of a process set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LocalSetting {
    pub key: String,
    /// `file` or `process`.
    pub layer: String,
    /// `None` where it is not told.
    #[serde(default)]
    pub value: Option<Value>,
}

/// The registry's answer: the documents of the asking service in its environment, the weakest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Offer {
    /// Of the registry's database; revisions of different epochs are not comparable.
    pub epoch: String,
    pub revision: u64,
    /// The database is new, and nobody has changed anything in it. Not said by an earlier version.
    #[serde(default)]
    pub untouched: bool,
    pub documents: Vec<Document>,
}

/// One document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ConfigurationDocument))]
pub struct Document {
    /// `base`, an environment, or a service in one: `production/upload`.
    pub name: String,
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub content: Map<String, Value>,
}

/// `GET /api/v1/config`: all documents at one revision.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Configuration {
    pub revision: u64,
    /// The environment of the registry that answers.
    pub environment: String,
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, Object>))]
    pub documents: BTreeMap<String, Map<String, Value>>,
}

/// The body of `POST /api/v1/config/changes`: what shall be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ProposedChange {
    /// By name; `null` takes a document away. Those that are not named stay.
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, Option<Object>>))]
    pub documents: BTreeMap<String, Option<Map<String, Value>>>,
    /// Why, for the history.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 500))]
    pub reason: String,
}

/// The body of `POST /api/v1/config/promote`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Promotion {
    /// The environment that has it.
    pub from: String,
    /// The environment that gets it.
    pub to: String,
    /// These keys and sections alone; none means all.
    #[serde(default)]
    pub keys: Vec<String>,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 500))]
    pub reason: String,
}

/// The body of `POST /api/v1/config/rollback`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Rollback {
    /// The revision whose documents shall be again.
    pub revision: u64,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 500))]
    pub reason: String,
}

/// The answer to a change, done or only planned.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Changed {
    /// The revision that holds now.
    pub revision: u64,
    /// Whether there is a new one. A plan, and what is so already, make none.
    pub changed: bool,
    pub differences: Vec<DocumentDifferences>,
    /// Keys of it that wait for the next start of those who take them.
    pub restart: Vec<String>,
}

/// What differs in one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DocumentDifferences {
    pub document: String,
    pub differences: Vec<Difference>,
}

/// One key that differs; what is left out is not set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = KeyDifference))]
pub struct Difference {
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Value>))]
    pub before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Value>))]
    pub after: Option<Value>,
}

/// A revision, as the history lists it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Revision {
    pub revision: u64,
    /// RFC 3339.
    pub made_at: String,
    /// The name of the token that made it.
    pub by: String,
    /// `changed`, `promoted`, `rolled_back` or `shipped`.
    pub action: String,
    pub reason: String,
    pub differences: Vec<DocumentDifferences>,
}

/// `GET /api/v1/config/diff`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Compared {
    pub from: String,
    pub to: String,
    pub differences: Vec<DocumentDifferences>,
}

/// What one instance has made of the configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InstanceConfiguration {
    pub service: String,
    pub instance: String,
    pub environment: String,
    pub version: String,
    pub applied: u64,
    pub seen: u64,
    #[serde(default)]
    pub refused: Option<String>,
    #[serde(default)]
    pub pending: Vec<String>,
    #[serde(default)]
    pub ignored: Vec<String>,
}

/// `GET /api/v1/config/explain`: where the value of a key comes from, for each service that has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Explained {
    pub key: String,
    pub environment: String,
    pub revision: u64,
    pub services: Vec<ExplainedService>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ExplainedService {
    pub service: String,
    /// `live`, `restart` or `local`.
    pub applies: String,
    /// What the setting is for.
    #[serde(default)]
    pub description: Option<String>,
    /// The strongest first: it holds.
    pub sources: Vec<Source>,
}

/// A layer that sets the key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Source {
    /// `compiled`, `file`, `base`, `environment`, `service` or `process`.
    pub layer: String,
    /// `None` where it is not told.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Value>))]
    pub value: Option<Value>,
    /// The instances of which it is said; empty for all.
    #[serde(default)]
    pub instances: Vec<String>,
}
