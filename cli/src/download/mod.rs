//! `slipway download`: a published file, proven before it gets its name.
//!
//! The bytes go to `NAME.part`, and a run that was interrupted goes on there. The file gets its name when it is proven to
//! be of the app, the version and the name of its address: a signature of an older version is as good, and is no answer.

mod fetch;
mod target;

use std::path::{Path, PathBuf};

use slipway_contract::{Arch, FileName, Said, Slug, Version};

use crate::exit::{Exit, Stop};
use crate::proof::key::Key;
use crate::proof::known_apps::KnownApps;
use crate::proof::statement::{Expected, Statement};
use crate::proof::{self, Proven, Trust};
use crate::server::address;
use crate::server::failure::Failure;
use crate::server::{Server, block_on};
use crate::terminal::{self, Output};
use crate::verify::first_key;
use fetch::{Part, put_beside};
use target::{Place, Request, Target};

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway download https://apps.example.org/d/notes/1.2.0/notes.apk
  slipway download notes --server https://apps.example.org
  slipway download --app notes --version 1.2.0 --platform android --arch aarch64 -o notes.apk
  slipway download notes --key RWQ…

An app's key is pinned at its first use, in ~/.config/slipway/known_apps; another one is refused from then on. A run that
was interrupted goes on when it is run again.";

/// Download a published file, and prove it
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Address of a file, or an app
    #[arg(value_name = "URL|APP", required_unless_present = "app")]
    what: Option<String>,
    /// The app; for an address: the one that it has to be of
    #[arg(long, value_name = "SLUG")]
    app: Option<Slug>,
    /// The version, or latest; for an address: the one that it has to be
    #[arg(long, value_name = "VERSION|latest", value_parser = version)]
    version: Option<Wanted>,
    /// The system [default: this one]
    #[arg(long, value_name = "PLATFORM", value_parser = Said::named)]
    platform: Option<Said>,
    /// The architecture [default: this one, on this system]
    #[arg(long, value_name = "ARCH")]
    arch: Option<Arch>,
    /// The channel [default: stable]
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<Slug>,
    /// Where the file goes: its name, or a folder [default: the name that it was published under, here]
    #[arg(short = 'o', long = "output", value_name = "PATH")]
    output_path: Option<PathBuf>,
    /// The app's public key, from a source that you trust: the line RW… or a file [default: the pinned one]
    #[arg(long, value_name = "KEY|KEY.pub")]
    key: Option<String>,
    #[arg(
        long,
        value_name = "URL",
        help = "Address of the platform [default: the variable SLIPWAY_SERVER, else http://127.0.0.1:8080]"
    )]
    server: Option<address::ServerAddress>,
    /// Certificates to trust instead of the system's: of authorities, or the server's own (PEM)
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Clone, Debug)]
enum Wanted {
    Latest,
    Exactly(Version),
}

fn version(text: &str) -> Result<Wanted, slipway_contract::VersionError> {
    if text == "latest" {
        return Ok(Wanted::Latest);
    }
    text.parse().map(Wanted::Exactly)
}

impl Options {
    /// The version that it has to be; the latest may be any.
    fn exactly(&self) -> Option<&Version> {
        match &self.version {
            Some(Wanted::Exactly(version)) => Some(version),
            Some(Wanted::Latest) | None => None,
        }
    }
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let given = address::given(options.server.as_ref())?;
    let target = match (&options.what, &options.app) {
        (Some(what), app) => Target::parse(what, given, app.as_ref())?,
        (None, Some(app)) => Target::of_app(app.clone(), given),
        (None, None) => return Err(Stop::usage("name an address or an app").into()),
    };
    let server = Server::new(&target.server, None, options.cacert.as_deref())?;
    block_on(download(&server, target, options))
}

async fn download(server: &Server, target: Target, options: &Options) -> anyhow::Result<()> {
    let request = Request {
        platform: options.platform.and_then(|said| said.platform),
        arch: options.arch.or(options.platform.and_then(|said| said.arch)),
        channel: options.channel.as_ref(),
        version: options.exactly(),
    };
    let place = target.resolve(server, &request).await?;
    let expected = Expected {
        app: Some(place.app.clone()),
        version: Some(options.exactly().unwrap_or(&place.version).clone()),
        file: Some(place.filename.to_string()),
    };
    if let Some(version) = options.exactly()
        && version != &place.version
    {
        let words = format!(
            "the address is of the version {}, and not of {}",
            place.version.as_str(),
            version.as_str()
        );
        return Err(Stop::usage(words).into());
    }
    let signature = server.resolve(&format!("{}.minisig", place.path()))?;
    let signature = server
        .short_text(signature)
        .await
        .map_err(|failure| about(&place, failure))?;
    let known = KnownApps::open()?;
    let origin = server.origin();
    let key = find_key(server, options, &known, &place.app).await?;
    let trust = Trust {
        known: &known,
        server: Some(&origin),
        key: &key,
    };
    // Before the bytes come: what claims to be something else will not be proven to be this.
    let claimed = Statement::claimed(&signature);
    expected
        .check(&claimed)
        .map_err(|why| not_as_asked(&place, &why))?;
    let out = out(options.output_path.as_deref(), &place.filename);
    let prove = |path: &Path| proof::prove(path, &signature, &trust, &expected);
    let proven = if out.exists() {
        let proven = prove(&out).map_err(|_| exists(&out))?;
        put_beside(&out, &signature)?;
        proven
    } else {
        let url = server.resolve(&place.path())?;
        let mut part = Part::open(&out)?;
        part.fetch(server, &url, claimed.size()).await?;
        let proven = match prove(part.path()) {
            // What lay there may have been of another version.
            Err(_) if part.was_resumed() => {
                terminal::note("what was there already is of another file: beginning anew");
                part.begin_anew()?;
                part.fetch(server, &url, claimed.size()).await?;
                prove(part.path())
            }
            proven => proven,
        };
        let proven = proven.inspect_err(|_| part.discard())?;
        part.name(&out, &signature)?;
        proven
    };
    tell(options, &proven, &out, &key);
    Ok(())
}

fn tell(options: &Options, proven: &Proven, out: &Path, key: &Key) {
    let document = proven.document(out, key);
    options.output.tell(&document, proven.lines(out, key));
}

/// The key that was given or is pinned. The server shows its own too, and a change is told with both.
async fn find_key(
    server: &Server,
    options: &Options,
    known: &KnownApps,
    app: &Slug,
) -> anyhow::Result<Key> {
    let origin = server.origin();
    if let Some(given) = &options.key {
        let key = Key::given(given)?;
        known.check(Some(&origin), app.as_str(), &key)?;
        return Ok(key);
    }
    if known.keys(Some(&origin), app.as_str()).is_empty() {
        return first_key(server, app).await;
    }
    let key = server.key(app).await?;
    known.check(Some(&origin), app.as_str(), &key)?;
    Ok(key)
}

/// Where the file is to be.
fn out(given: Option<&Path>, name: &FileName) -> PathBuf {
    match given {
        Some(folder) if folder.is_dir() => folder.join(name.as_str()),
        Some(path) => path.to_owned(),
        None => PathBuf::from(name.as_str()),
    }
}

fn exists(out: &Path) -> Stop {
    let words = format!(
        "{} is there already, and is another file: name another place with -o, or remove it",
        out.display()
    );
    Stop::new(Exit::AlreadyThere, "file_exists", words)
}

fn not_as_asked(place: &Place, why: &str) -> Stop {
    let words = format!(
        "{}: NOT PROVEN to be what was asked for: {why}. Nothing was downloaded",
        place.path()
    );
    Stop::new(Exit::Failed, "not_proven", words)
}

/// What was yanked or deleted is refused here, and not there already.
fn about(place: &Place, failure: Failure) -> anyhow::Error {
    let what = format!("{} cannot be downloaded", place.path());
    match failure {
        Failure::Refused(problem) if !problem.passes() => {
            Stop::refused(&problem.code, format!("{what}: {problem}")).into()
        }
        failure => anyhow::Error::new(failure).context(what),
    }
}
