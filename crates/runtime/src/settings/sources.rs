//! Where the settings of a process come from, and what comes out when the central configuration says something new.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use config::{Config, Environment, File, FileFormat};
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;
use slipway_configuration::content::{leaves, set, unset};
use slipway_configuration::{
    Applies, Content, DocumentName, Layer, Layers, Refusal, Schema, secret,
};
use slipway_contract::configuration::{Document, LocalSetting};

use super::environment::{DEFAULT_ENVIRONMENT, environment};
use super::kept::Kept;
use super::{COMMON_SECTIONS, Common, Settings};
use crate::command::Options;
use crate::data::DataDir;

/// Settings that are lists: their variables hold them with commas.
const LISTS: [&str; 5] = [
    "registry.urls",
    "lease.networks",
    "trusted_proxies",
    "cors.origins",
    "instances.out",
];

/// What a process was told where it runs, and what there is to tell it.
#[derive(Clone, Debug)]
pub struct Sources {
    pub service: &'static str,
    pub environment: String,
    pub schema: Schema,
    file: Content,
    process: Content,
    /// The folder of the service's secrets.
    secrets: PathBuf,
}

/// The settings of a process at one moment.
#[derive(Clone, Debug)]
pub struct Settled<S> {
    pub common: Common,
    pub own: S,
    /// All that is set, without the compiled defaults.
    pub merged: Content,
    /// Keys of documents that were passed over.
    pub ignored: Vec<String>,
}

/// The settings of a process at its start.
pub struct Loaded<S> {
    pub sources: Sources,
    pub settled: Settled<S>,
    /// The documents that it was last told, if they are good.
    pub kept: Option<Kept>,
}

/// Reads the settings of `service`: the common sections and its own. What the central configuration last said counts; where
/// that cannot be used, the process begins without it.
pub fn load<S: Settings>(service: &'static str, options: &Options) -> anyhow::Result<Loaded<S>> {
    let data = DataDir::new(&options.data);
    let mut sources = Sources::read::<S>(service, &data, options.config.as_deref())?;
    sources.override_by(options);
    let alone = sources.settle::<S>(&[]).with_context(|| advice(service))?;
    let kept = Kept::read(&data, service, &sources.environment);
    let settled = match &kept {
        None => alone,
        Some(kept) => sources.settle(&kept.documents).unwrap_or_else(|refusal| {
            let revision = kept.revision;
            // The log is not open yet.
            super::kept::warn(format_args!(
                "{service} begins without the configuration that it kept, revision {revision}: {refusal}"
            ));
            alone
        }),
    };
    Ok(Loaded {
        sources,
        settled,
        kept,
    })
}

/// The settings that file and variables give a service, as whoever only looks at them needs them.
pub fn look<S: Settings>(service: &'static str, data: &DataDir) -> anyhow::Result<S> {
    let sources = Sources::read::<S>(service, data, None)?;
    let settled = sources.settle::<S>(&[]);
    Ok(settled.with_context(|| advice(service))?.own)
}

fn advice(service: &str) -> String {
    format!(
        "a setting of {service} is wrong: check the file and {}__…",
        prefix(service)
    )
}

fn prefix(service: &str) -> String {
    format!("SLIPWAY_{}", service.to_uppercase())
}

impl Sources {
    fn read<S: Settings>(
        service: &'static str,
        data: &DataDir,
        file: Option<&Path>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            service,
            environment: environment()?,
            schema: schema::<S>()?,
            file: file.map(read_file).transpose()?.unwrap_or_default(),
            process: variables(service)?,
            secrets: data.secrets(service),
        })
    }

    /// What the command line says lies over the variables.
    fn override_by(&mut self, options: &Options) {
        if let Some(listen) = options.listen {
            set(&mut self.process, "http.listen", listen.to_string().into());
        }
        if !options.registry.is_empty() {
            let urls = options.registry.clone().into();
            set(&mut self.process, "registry.urls", urls);
        }
    }

    /// For tests: a process that was told nothing.
    pub fn silent<S: Settings>(service: &'static str, data: &DataDir) -> anyhow::Result<Self> {
        Ok(Self {
            service,
            environment: DEFAULT_ENVIRONMENT.to_owned(),
            schema: schema::<S>()?,
            file: Content::new(),
            process: Content::new(),
            secrets: data.secrets(service),
        })
    }

    /// What comes out when the documents are these.
    pub fn settle<S: Settings>(&self, documents: &[Document]) -> Result<Settled<S>, Refusal> {
        let (layers, ignored) = self.layers(documents);
        let merged = layers.merged();
        let (common, own) = self.read_as::<S>(&merged)?;
        own.check_beside(&self.alone()?)?;
        Ok(Settled {
            common,
            own,
            merged,
            ignored,
        })
    }

    /// The service's settings that the machine alone gives.
    pub fn alone<S: Settings>(&self) -> Result<S, Refusal> {
        let (layers, _) = self.layers(&[]);
        self.read_as(&layers.merged()).map(|(_, own)| own)
    }

    /// What a process that began with `startup` works by when `next` is set: keys that need a restart stay as they were, and
    /// are named.
    pub fn follow<S: Settings>(
        &self,
        startup: &Content,
        next: &Settled<S>,
    ) -> Result<(Settled<S>, Vec<String>), Refusal> {
        let mut merged = next.merged.clone();
        let (before, after) = (leaves(startup), leaves(&next.merged));
        let mut pending = Vec::new();
        for key in before.keys().chain(after.keys()) {
            let default = || self.schema.default(key);
            let (old, new) = (before.get(key), after.get(key));
            if self.schema.applies(key) == Applies::Live || old == new {
                continue;
            }
            match old {
                Some(value) => set(&mut merged, key, value.clone()),
                None => drop(unset(&mut merged, key)),
            }
            if old.or_else(default) != new.or_else(default) && !pending.contains(key) {
                pending.push(key.clone());
            }
        }
        let (common, own) = self.read_as(&merged)?;
        let ignored = next.ignored.clone();
        let settled = Settled {
            common,
            own,
            merged,
            ignored,
        };
        Ok((settled, pending))
    }

    /// What the process was told where it runs, for whoever asks where a value comes from.
    pub fn local(&self) -> Vec<LocalSetting> {
        let of = |layer: &'static str, content: &Content| {
            let told = leaves(content).into_iter().map(move |(key, value)| {
                let hidden =
                    self.schema.applies(&key) == Applies::Local || self.schema.is_secret(&key);
                LocalSetting {
                    value: (!hidden).then_some(value),
                    layer: layer.to_owned(),
                    key,
                }
            });
            told.collect::<Vec<_>>()
        };
        [of("file", &self.file), of("process", &self.process)].concat()
    }

    fn layers(&self, documents: &[Document]) -> (Layers, Vec<String>) {
        let mut layers = Layers::default()
            .with(Layer::File, self.file.clone())
            .with(Layer::Process, self.process.clone());
        let mut ignored = Vec::new();
        for document in documents {
            // Those of a later version may have another place; nobody's settings come from them here.
            let layer = match document.name.parse() {
                Ok(DocumentName::Base) => Layer::Base,
                Ok(DocumentName::Environment(_)) => Layer::Environment,
                Ok(DocumentName::Service { .. }) => Layer::Service,
                Err(_) => continue,
            };
            let (taken, mut left) = self.schema.take(&document.content);
            // What others take of a document of all is nothing to tell.
            left.retain(|key| layer == Layer::Service || self.schema.knows(key));
            ignored.append(&mut left);
            layers = layers.with(layer, taken);
        }
        (layers, ignored)
    }

    fn read_as<S: Settings>(&self, merged: &Content) -> Result<(Common, S), Refusal> {
        let resolved = self.resolve(merged)?;
        let (common, own): (Content, Content) = resolved
            .into_iter()
            .partition(|(section, _)| COMMON_SECTIONS.contains(&section.as_str()));
        let (common, own) = (typed(common)?, typed::<S>(own)?);
        own.check()
            .map_err(|error| Refusal::whole(format!("{error:#}")))?;
        Ok((common, own))
    }

    /// References to secrets become what lies here under their names.
    fn resolve(&self, merged: &Content) -> Result<Content, Refusal> {
        let mut resolved = merged.clone();
        for (key, value) in leaves(merged) {
            let name = value.as_str().and_then(secret::name);
            let Some(name) = name.filter(|_| self.schema.is_secret(&key)) else {
                continue;
            };
            let file = self.secrets.join(name);
            let text = fs::read_to_string(&file).map_err(|error| {
                let reason = format!(
                    "the secret {name} cannot be read from {}: {error}",
                    file.display()
                );
                Refusal::of(&key, reason)
            })?;
            set(&mut resolved, &key, text.trim_end_matches('\n').into());
        }
        Ok(resolved)
    }
}

fn typed<T: DeserializeOwned>(content: Content) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(Value::Object(content)).map_err(|error| {
        let (key, reason) = (error.path().to_string(), error.inner().to_string());
        match key.as_str() {
            "." => Refusal::whole(reason),
            key => Refusal::of(key, reason),
        }
    })
}

/// The schema of the common sections and a service's own.
pub fn schema<S: Settings>() -> anyhow::Result<Schema> {
    let of = |settings: SchemaSettings| {
        settings.with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
    };
    let generator = || of(SchemaSettings::draft2020_12()).into_generator();
    let mut schema = generator().into_root_schema_for::<Common>().to_value();
    let own = generator().into_root_schema_for::<S>().to_value();
    let own = own["properties"].as_object().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object_mut();
    properties
        .context("the common sections have no schema")?
        .extend(own);
    Ok(Schema::new(schema))
}

fn read_file(path: &Path) -> anyhow::Result<Content> {
    Config::builder()
        .add_source(File::from(path).format(FileFormat::Toml))
        .build()
        .and_then(Config::try_deserialize)
        .context("the settings could not be read")
}

/// Reads a document in TOML.
pub fn parse(text: &str) -> anyhow::Result<Content> {
    Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .build()
        .and_then(Config::try_deserialize)
        .context("the document could not be read as TOML")
}

fn variables(service: &str) -> anyhow::Result<Content> {
    let environment = Environment::with_prefix(&prefix(service))
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        // A variable that is there without a value is one that was not set, as compose passes it on.
        .ignore_empty(true);
    let environment = LISTS
        .into_iter()
        .fold(environment, Environment::with_list_parse_key);
    Config::builder()
        .add_source(environment)
        .build()
        .and_then(Config::try_deserialize)
        .context("the settings could not be read")
}

#[cfg(test)]
mod tests;
