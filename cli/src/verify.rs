//! `slipway verify`: whether a download is what the app's key signed, as `minisign -Vm` does it.
//!
//! It trusts nothing but the key it is given or has pinned, and uses a verifier that shares no code with the signing
//! service.

use std::path::{Path, PathBuf};

use slipway_contract::{Slug, Version};

use crate::exit::Stop;
use crate::proof::key::Key;
use crate::proof::known_apps::KnownApps;
use crate::proof::statement::{Expected, Statement};
use crate::proof::{self, Trust};
use crate::server::address::{self, ServerAddress};
use crate::server::{Server, block_on};
use crate::terminal::{self, Output};

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway verify notes.apk --key minisign.pub
  slipway verify notes.apk --key RWQ… --app notes --version 1.2.0
  slipway verify notes.apk --signature notes.apk.minisig --app notes --server https://apps.example.org

An app's key is pinned at its first use, in ~/.config/slipway/known_apps; another one is refused from then on. Without
--app and --version any file of the key passes, an older version too.";

/// Prove that a file is what was signed
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The file as it was downloaded
    file: PathBuf,
    /// Its signature [default: FILE.minisig]
    #[arg(long, value_name = "FILE.minisig")]
    signature: Option<PathBuf>,
    /// The app's public key, from a source that you trust: the line RW… or a file [default: the pinned one]
    #[arg(long, value_name = "KEY|KEY.pub")]
    key: Option<String>,
    /// The app that it has to be of
    #[arg(long, value_name = "SLUG")]
    app: Option<Slug>,
    /// The version that it has to be
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,
    #[arg(
        long,
        value_name = "URL",
        help = "Whose app it is; the key is fetched there if none is known [default: the variable SLIPWAY_SERVER]"
    )]
    server: Option<ServerAddress>,
    /// Certificates to trust instead of the system's (PEM)
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let mut beside = options.file.clone().into_os_string();
    beside.push(".minisig");
    let signature = options.signature.as_deref().unwrap_or(Path::new(&beside));
    let signature = proof::text::read(signature)?;
    let server = address::given(options.server.as_ref())?;
    let origin = server.as_ref().map(ServerAddress::origin);
    let known = KnownApps::open()?;
    let claimed = Statement::claimed(&signature).app;
    let app = options.app.as_ref().or(claimed.as_ref());
    let key = match &options.key {
        Some(given) => {
            let key = Key::given(given)?;
            if let Some(app) = app {
                known.check(origin.as_deref(), app.as_str(), &key)?;
            }
            key
        }
        None => find_key(options, &known, server.as_ref(), app)?,
    };
    let expected = Expected {
        app: options.app.clone(),
        version: options.version.clone(),
        file: None,
    };
    let trust = Trust {
        known: &known,
        server: origin.as_deref(),
        key: &key,
    };
    let proven = proof::prove(&options.file, &signature, &trust, &expected)?;
    let document = proven.document(&options.file, &key);
    options
        .output
        .tell(&document, proven.lines(&options.file, &key));
    Ok(())
}

/// The key that is pinned for the app, else the one that its server shows.
fn find_key(
    options: &Options,
    known: &KnownApps,
    server: Option<&ServerAddress>,
    app: Option<&Slug>,
) -> anyhow::Result<Key> {
    let app = app.ok_or_else(|| {
        Stop::usage("no key, and the signature names no app: give the app's key with --key")
    })?;
    let origin = server.map(ServerAddress::origin);
    let keys = known.keys(origin.as_deref(), app.as_str());
    match (keys.as_slice(), server) {
        ([], None) => Err(Stop::usage(format!(
            "no key of {app} is known here: give it with --key, or its server with --server, where it is fetched and pinned"
        ))
        .into()),
        ([], Some(server)) => {
            let server = Server::new(server, None, options.cacert.as_deref())?;
            block_on(first_key(&server, app))
        }
        ([key], _) => Ok((*key).clone()),
        (several, _) if several.iter().all(|key| *key == several[0]) => Ok(several[0].clone()),
        _ => Err(Stop::usage(format!(
            "several servers have an app {app}, each with its own key: name the one with --server"
        ))
        .into()),
    }
}

/// The key that a server shows for an app, and what that does not prove.
pub(crate) async fn first_key(server: &Server, app: &Slug) -> anyhow::Result<Key> {
    let key = server.key(app).await?;
    terminal::note(format_args!(
        "the key of {app} comes from {} too, so it proves only that the file is of whoever runs that. Compare {} with what the app's publisher says elsewhere",
        server.origin(),
        key.fingerprint()
    ));
    Ok(key)
}
