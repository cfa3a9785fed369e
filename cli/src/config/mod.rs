//! `slipway config`: the central configuration, as operators look at it and change it.

mod client;
mod folder;
mod lines;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::{Map, Value, json};
use slipway_configuration::content;
use slipway_contract::configuration::Changed;

use crate::exit::Stop;
use crate::server::{Connection, block_on};
use crate::terminal::Output;
use client::Client;

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway config get                                  all documents
  slipway config get limits.package_bytes             one setting, in the environment of the platform
  slipway config set log.filter debug --in dev --reason 'looking for a slow upload'
  slipway config set publishing.off 'we move house until 14:00' --in production
  slipway config unset publishing.off --in production
  slipway config explain limits.package_bytes         which layer its value comes from
  slipway config diff staging production
  slipway config apply deploy/config --plan
  slipway config promote staging production
  slipway config history
  slipway config rollback 12";

/// Look at the central configuration, and change it
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Why and how something is changed.
#[derive(clap::Args)]
#[group(skip)]
struct Change {
    /// Why, for the history
    #[arg(long, value_name = "WORDS", default_value = "")]
    reason: String,
    /// Only say what would be changed
    #[arg(long)]
    plan: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Show a setting, a document or all documents
    #[command(
        after_help = "Examples:\n  slipway config get\n  slipway config get production\n  slipway config get limits.package_bytes --in production"
    )]
    Get {
        /// A key such as `limits.package_bytes`, or a document: base, production, production/upload
        #[arg(value_name = "KEY|DOCUMENT")]
        what: Option<String>,
        /// The document to look for the key in [default: where it is set in the platform's environment]
        #[arg(long = "in", value_name = "DOCUMENT")]
        document: Option<String>,
    },
    /// Set a value in a document
    #[command(
        after_help = "Examples:\n  slipway config set log.filter debug --in dev\n  slipway config set cors.origins '[\"https://console.example.org\"]' --in production/gateway"
    )]
    Set {
        #[arg(value_name = "KEY")]
        key: String,
        /// JSON, or a text as it is
        #[arg(value_name = "VALUE")]
        value: String,
        /// The document: base, an environment, or a service in one [default: the platform's environment]
        #[arg(long = "in", value_name = "DOCUMENT")]
        document: Option<String>,
        #[command(flatten)]
        change: Change,
    },
    /// Take a value out of a document: what lies below it holds
    #[command(after_help = "Examples:\n  slipway config unset publishing.off --in production")]
    Unset {
        #[arg(value_name = "KEY")]
        key: String,
        #[arg(long = "in", value_name = "DOCUMENT")]
        document: Option<String>,
        #[command(flatten)]
        change: Change,
    },
    /// Compare two environments or two revisions
    #[command(
        after_help = "Examples:\n  slipway config diff staging production\n  slipway config diff 11 14\n  slipway config diff 11"
    )]
    Diff {
        /// An environment or a revision
        from: String,
        /// The same [default: the newest revision]
        to: Option<String>,
    },
    /// Make the documents those of a folder, in one change
    #[command(
        after_help = "Examples:\n  slipway config apply deploy/config --plan\n  slipway config apply deploy/config --reason 'the limits of issue 41'\n\nbase.toml, production.toml and production/upload.toml are the documents of these names; others stay as they are."
    )]
    Apply {
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        change: Change,
    },
    /// Give one environment what another has
    #[command(
        after_help = "Examples:\n  slipway config promote staging production --plan\n  slipway config promote staging production limits.package_bytes"
    )]
    Promote {
        from: String,
        to: String,
        /// These keys and sections alone [default: all]
        #[arg(value_name = "KEY")]
        keys: Vec<String>,
        #[command(flatten)]
        change: Change,
    },
    /// List who changed what, when and why
    #[command(
        after_help = "Examples:\n  slipway config history\n  slipway config history --limit 5 --json"
    )]
    History {
        /// Revisions, the newest first
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Make all documents what they were
    #[command(
        after_help = "Examples:\n  slipway config rollback 12 --reason 'uploads were refused'"
    )]
    Rollback {
        revision: u64,
        #[command(flatten)]
        change: Change,
    },
    /// Tell which layer a value comes from, and when a change of it takes effect
    #[command(
        after_help = "Examples:\n  slipway config explain limits.package_bytes\n  slipway config explain log.filter --environment production"
    )]
    Explain {
        #[arg(value_name = "KEY")]
        key: String,
        /// [default: the platform's]
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
    },
    /// List what each instance has made of the configuration
    #[command(after_help = "Examples:\n  slipway config instances")]
    Instances,
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let client = Client::new(options.connection.open()?);
    block_on(run(&client, options))
}

async fn run(client: &Client, options: &Options) -> anyhow::Result<()> {
    let (document, told) = match &options.command {
        Command::Get { what, document } => {
            get(client, what.as_deref(), document.as_deref()).await?
        }
        Command::Set {
            key,
            value,
            document,
            change,
        } => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            edit(client, (key, document.as_deref()), Some(value), change).await?
        }
        Command::Unset {
            key,
            document,
            change,
        } => edit(client, (key, document.as_deref()), None, change).await?,
        Command::Diff { from, to } => {
            let compared = client.diff(from, to.as_deref()).await?;
            let told = lines::differences(&compared.differences, "they are the same");
            (serde_json::to_value(&compared)?, told)
        }
        Command::Apply { folder, change } => apply(client, folder, change).await?,
        Command::Promote {
            from,
            to,
            keys,
            change,
        } => {
            let body = json!({"from": from, "to": to, "keys": keys, "reason": change.reason});
            done(&client.post("promote", None, &body, change.plan).await?)?
        }
        Command::Rollback { revision, change } => {
            let body = json!({"revision": revision, "reason": change.reason});
            done(&client.post("rollback", None, &body, change.plan).await?)?
        }
        Command::History { limit } => {
            let history = client.history(*limit).await?;
            let told = history.iter().flat_map(lines::revision).collect();
            (json!({ "items": history }), told)
        }
        Command::Explain { key, environment } => {
            let explained = client.explain(key, environment.as_deref()).await?;
            let told = lines::explained(&explained);
            (serde_json::to_value(&explained)?, told)
        }
        Command::Instances => {
            let instances = client.instances().await?;
            let told = instances.iter().map(lines::instance).collect();
            (json!({ "items": instances }), told)
        }
    };
    options.output.tell(&document, told);
    Ok(())
}

type Told = (Value, Vec<String>);

fn done(changed: &Changed) -> anyhow::Result<Told> {
    let told = lines::changed(changed);
    Ok((serde_json::to_value(changed)?, told))
}

async fn get(client: &Client, what: Option<&str>, document: Option<&str>) -> anyhow::Result<Told> {
    let now = client.show().await?;
    let Some(what) = what else {
        let told = now.documents.iter();
        let told = told.flat_map(|(name, content)| lines::document(name, content));
        return Ok((serde_json::to_value(&now)?, told.collect()));
    };
    if let Some(content) = now.documents.get(what) {
        let told = lines::document(what, content);
        return Ok((Value::Object(content.clone()), told));
    }
    let found = |name: &str| content::get(now.documents.get(name)?, what).cloned();
    let value = match document {
        Some(name) => found(name),
        None => found(&now.environment).or_else(|| found("base")),
    };
    let value = value.ok_or_else(|| {
        let words = format!(
            "{what} is set in no document here: `slipway config explain {what}` tells where its value comes from"
        );
        Stop::refused("configuration_refused", words)
    })?;
    let told = vec![lines::value(&value)];
    Ok((value, told))
}

async fn edit(
    client: &Client,
    (key, document): (&str, Option<&str>),
    value: Option<Value>,
    change: &Change,
) -> anyhow::Result<Told> {
    let mut now = client.show().await?;
    let name = document.unwrap_or(&now.environment).to_owned();
    let mut document = now.documents.remove(&name).unwrap_or_else(Map::new);
    match value {
        Some(value) => content::set(&mut document, key, value),
        None if content::unset(&mut document, key) => {}
        None => {
            let words = format!("{key} is not set in {name}, so there is nothing to take away");
            return Err(Stop::refused("configuration_refused", words).into());
        }
    }
    let body = json!({"documents": {name: document}, "reason": change.reason});
    done(
        &client
            .post("changes", Some(now.revision), &body, change.plan)
            .await?,
    )
}

/// Plans it first, on the revision that it is then done on: nothing else comes in between.
async fn apply(client: &Client, folder: &std::path::Path, change: &Change) -> anyhow::Result<Told> {
    let documents = folder::read(folder)?;
    let documents = serde_json::to_value(documents).context("documents are JSON")?;
    let revision = client.show().await?.revision;
    let body = json!({"documents": documents, "reason": change.reason});
    let planned = client.post("changes", Some(revision), &body, true).await?;
    if change.plan || planned.differences.is_empty() {
        return done(&planned);
    }
    done(&client.post("changes", Some(revision), &body, false).await?)
}
