//! What is to be published, in the order in which it is looked at, made and sent.

use slipway_contract::public::Release;
use slipway_contract::{Kind, ReleaseState, Slug, Version};

use super::judgement::{self, Given, Judged};
use super::options::Options;
use super::package::{Package, check_names};
use super::preflight::{self, Missing};
use super::publication::{Goal, Publication};
use super::report::Report;
use super::resume::Resume;
use super::upload::Upload;
use super::{app, outcome};
use crate::exit::Stop;
use crate::release::request::{self, Order};
use crate::server::Server;
use crate::terminal;

/// Bytes of notes that travel beside a package, in the head of a request; longer ones go with the request that publishes.
const NOTES_BESIDE: usize = 4096;

pub(super) struct Plan<'a> {
    options: &'a Options,
    app: Slug,
    version: Version,
    notes: Option<String>,
    files: Vec<(Package, Judged)>,
}

impl<'a> Plan<'a> {
    /// Reads the files and judges them; nobody is asked anything.
    pub(super) fn read(options: &'a Options) -> anyhow::Result<Self> {
        let notes = options.notes.read()?;
        if options.draft
            && notes
                .as_ref()
                .is_some_and(|notes| notes.len() > NOTES_BESIDE)
        {
            let words =
                "notes of more than 4 KiB do not fit beside a draft: give them to slipway release";
            return Err(Stop::usage(words).into());
        }
        let said = options.platform.unwrap_or_default();
        let given = Given {
            platform: said.platform,
            arch: options.arch.or(said.arch),
            is_other: options.kind.as_deref() == Some(Kind::Other.as_str()),
            is_strict: options.strict,
            is_for_one: options.files.len() == 1,
        };
        let packages: Vec<_> = options
            .files
            .iter()
            .map(|path| Package::read(path))
            .collect::<anyhow::Result<_>>()?;
        check_names(&packages)?;
        let mut files = Vec::with_capacity(packages.len());
        for package in packages {
            let judged = judgement::judge(&package, given)?;
            files.push((package, judged));
        }
        let version = judgement::version_of_all(options.version.as_ref(), &files)?;
        let app = match &options.app {
            Some(app) => app.clone(),
            None => app::from_file_name(files[0].0.name.as_str())?,
        };
        if options.app.is_none() {
            terminal::note(format_args!(
                "the app is {app}, from the file's name; --app names another"
            ));
        }
        Ok(Self {
            options,
            app,
            version,
            notes,
            files,
        })
    }

    /// Publishes it, or fills the draft.
    pub(super) async fn publish(&self, server: &Server) -> anyhow::Result<Report> {
        for package in self.packages() {
            preflight::check_size(server, &self.app, package).await?;
        }
        let there = if let Err(Missing) = preflight::app(server, &self.app).await? {
            self.check_first_channel()?;
            app::make(server, &self.app, self.options.made.create).await?;
            None
        } else {
            self.look(server).await?
        };
        if let Some(release) = &there
            && self.is_done(release)?
        {
            terminal::note("the platform has all of it already: nothing was sent");
            return Ok(Report::of(server, release.clone(), self.channel())?);
        }
        let release = if self.is_one_call() {
            let goal = Goal::Channel(&self.options.channel);
            let publication = self.publication(&self.files[0], goal);
            self.send(server, &publication).await?
        } else {
            self.by_draft(server, there.as_ref()).await?
        };
        Ok(Report::of(server, release, self.channel())?)
    }

    /// The channel that it is to be published in; `None` for a draft.
    fn channel(&self) -> Option<&Slug> {
        (!self.options.draft).then_some(&self.options.channel)
    }

    fn packages(&self) -> impl Iterator<Item = &Package> {
        self.files.iter().map(|(package, _)| package)
    }

    /// Whether the one file, its channel and its notes travel together.
    fn is_one_call(&self) -> bool {
        let notes = self.notes.as_ref().map_or(0, String::len);
        self.files.len() == 1 && !self.options.draft && notes <= NOTES_BESIDE
    }

    /// Refuses what the platform would refuse, and returns what is there under the version.
    async fn look(&self, server: &Server) -> anyhow::Result<Option<Release>> {
        if let Some(channel) = self.channel().filter(|_| !self.options.made.create_channel) {
            preflight::check_channel(server, &self.app, channel).await?;
        }
        preflight::release(server, &self.app, &self.version).await
    }

    /// A new app has no channel of its own yet.
    fn check_first_channel(&self) -> anyhow::Result<()> {
        match self.channel().filter(|_| !self.options.made.create_channel) {
            Some(channel) => preflight::check_among(&self.app, channel, &[]),
            None => Ok(()),
        }
    }

    /// Whether nothing is left to do for what is there.
    fn is_done(&self, there: &Release) -> anyhow::Result<bool> {
        let packages: Vec<_> = self.packages().collect();
        if !preflight::is_there(&self.app, there, &packages)? {
            return Ok(false);
        }
        let Some(channel) = self.channel() else {
            return Ok(true);
        };
        if there.channels.iter().any(|name| name == channel) || outcome::has_left(there) {
            return Ok(true);
        }
        // One file is sent again, and the platform puts the release into the channel, or says why not.
        if self.is_one_call() {
            return Ok(false);
        }
        Err(request::not_in_channel(&self.app, there, channel).into())
    }

    /// Puts the files into the draft of the version, and publishes exactly them unless the draft is what is wanted.
    async fn by_draft(&self, server: &Server, there: Option<&Release>) -> anyhow::Result<Release> {
        let mut draft = None;
        for file in &self.files {
            let (package, _) = file;
            // What this run publishes it names, whoever put it there; a draft is published by whoever has filled it.
            if self.channel().is_some() && there.is_some_and(|there| has(there, package)) {
                terminal::note(format_args!("{} is in the draft already", package.name));
                continue;
            }
            let publication = self.publication(file, Goal::Draft(&self.version));
            draft = Some(self.send(server, &publication).await?);
        }
        let Some(channel) = self.channel() else {
            let draft = draft.map(Ok);
            return draft.unwrap_or_else(|| Err(Stop::usage("there is no file").into()));
        };
        let packages: Vec<_> = self.packages().collect();
        let order = Order {
            app: &self.app,
            version: &self.version,
            channel,
            notes: self.notes.as_deref(),
            files: Some(&packages),
            is_strict: self.options.strict,
            creates_channel: self.options.made.create_channel,
        };
        request::publish(server, &order).await
    }

    fn publication<'b>(
        &'b self,
        (package, judged): &'b (Package, Judged),
        goal: Goal<'b>,
    ) -> Publication<'b> {
        let Options { kind, strict, .. } = self.options;
        let mut parameters = Vec::new();
        let mut add = |name, value: Option<String>| {
            parameters.extend(value.map(|value| (name, value)));
        };
        add("platform", judged.platform.map(|word| word.to_string()));
        add("arch", judged.arch.map(|word| word.to_string()));
        add("kind", kind.clone());
        add("strict", strict.then(|| "true".to_owned()));
        match goal {
            Goal::Channel(channel) => {
                add("channel", Some(channel.to_string()));
                let given = self.options.version.as_ref();
                add("version", given.map(|version| version.as_str().to_owned()));
                let create = self.options.made.create_channel;
                add("create", create.then(|| "channel".to_owned()));
                add("notes", self.notes.clone());
            }
            Goal::Draft(version) => {
                add("version", Some(version.as_str().to_owned()));
                let is_all = self.options.draft;
                add("notes", self.notes.clone().filter(|_| is_all));
            }
        }
        Publication {
            package,
            app: &self.app,
            goal,
            parameters,
        }
    }

    /// Sends one file and waits until the platform has done with it what was asked.
    async fn send(
        &self,
        server: &Server,
        publication: &Publication<'_>,
    ) -> anyhow::Result<Release> {
        let mut resume = Resume::open(&server.origin(), publication)?;
        let upload = Upload {
            server,
            publication,
        };
        let address = upload.send(&mut resume).await?;
        let outcome = outcome::wait(server, publication, &address).await?;
        // Only what has ended is begun anew by the next run.
        if outcome.is_final() {
            resume.forget();
        }
        outcome.release(publication)
    }
}

fn has(draft: &Release, package: &Package) -> bool {
    let mut there = draft.packages.iter();
    let is_it = |there: &slipway_contract::public::Package| {
        let file = &there.file;
        file.filename == package.name && file.sha256.as_hex() == package.sha256
    };
    draft.state == ReleaseState::Draft && there.any(is_it)
}
