//! What the install page says of the files for one platform. Which these are is for [`crate::rules::offers`].

use std::borrow::Cow;

use slipway_contract::public::file_path;
use slipway_contract::{Digest, Facts, Platform};

use crate::labels;
use crate::rules::offers::{self, obstacle};
use crate::store::packages::Package;
use crate::texts::Texts;

/// The newest files for a platform.
pub(super) struct Offer {
    pub(super) platform: Platform,
    pub(super) name: &'static str,
    pub(super) version: String,
    /// The best first; never empty.
    pub(super) files: Vec<File>,
}

pub(super) struct File {
    pub(super) filename: String,
    pub(super) address: String,
    pub(super) size: String,
    /// What it is and where it runs.
    pub(super) notes: Vec<String>,
    pub(super) platform: Option<Platform>,
    /// Why a tap on it leads to no installed app, and what does.
    pub(super) obstacle: Option<[&'static str; 2]>,
    /// In hex.
    pub(super) sha256: String,
    /// SHA-256 of the certificate that the file carries.
    pub(super) signer: Option<Digest>,
    /// It was found damaged in the store, and is not served until it is mended.
    pub(super) damaged: bool,
}

/// About what and to whom is told.
#[derive(Clone, Copy)]
pub(super) struct Telling<'a> {
    /// The app's slug.
    pub(super) app: &'a str,
    /// The app's name.
    pub(super) name: &'a str,
    pub(super) texts: &'static Texts,
    /// What was found damaged.
    pub(super) damaged: &'a [Digest],
}

impl Offer {
    pub(super) fn new(telling: Telling<'_>, offer: &offers::Offer) -> Self {
        let file = |package| File::new(telling, package);
        Self {
            platform: offer.platform,
            name: labels::platform(offer.platform, telling.texts),
            version: offer.version.clone(),
            files: offer.packages.iter().map(file).collect(),
        }
    }

    /// Whether the file is for this platform alone, and not for any.
    pub(super) fn owns(&self, file: &File) -> bool {
        file.platform == Some(self.platform)
    }

    pub(super) fn best(&self) -> Option<&File> {
        self.files.first()
    }

    pub(super) fn rest(&self) -> &[File] {
        self.files.get(1..).unwrap_or_default()
    }
}

impl File {
    pub(super) fn new(telling: Telling<'_>, package: &Package) -> Self {
        let Telling { name, texts, .. } = telling;
        let language = texts.language;
        let file = &package.file;
        // Facts in a shape of another version of the platform are only missing from the page.
        let facts: Option<Facts> = serde_json::from_str(&package.facts).ok();
        let facts = facts.as_ref();
        let platform = file.platform.known().copied();
        let runs_on = platform.zip(file.arch.known().copied());
        let arch = runs_on.and_then(|(platform, arch)| labels::arch(platform, arch, language));
        let kind = file.kind.known();
        let kind = kind.and_then(|kind| labels::kind(*kind, language));
        let min_sdk = facts
            .and_then(|facts| facts.min_sdk)
            .map(|level| labels::android(level, language));
        let label = facts
            .and_then(|facts| facts.label.as_deref())
            .filter(|label| *label != name)
            .map(|label| texts.with(texts.appears_as, label));
        let notes = [
            kind.map(str::to_owned),
            arch.map(Cow::into_owned),
            min_sdk,
            label,
        ];
        Self {
            filename: file.filename.to_string(),
            address: file_path(telling.app, &package.version, file.filename.as_str()),
            size: labels::size(file.size, language),
            notes: notes.into_iter().flatten().collect(),
            platform,
            obstacle: obstacle(package).map(|obstacle| labels::obstacle(obstacle, texts)),
            sha256: file.sha256.as_hex(),
            signer: facts.and_then(|facts| facts.signer_sha256),
            damaged: telling.damaged.contains(&file.sha256),
        }
    }
}
