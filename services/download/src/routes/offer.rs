//! What the install page says of the files for one platform.

use std::borrow::Cow;

use slipway_contract::public::file_path;
use slipway_contract::{Arch, Digest, Facts, Platform, Wanted};
use sqlx::AnyConnection;

use crate::device::Device;
use crate::labels;
use crate::store::packages::{self, ChannelView, Package};
use crate::texts::Texts;

/// What there is for a visitor.
pub(super) struct Offers {
    /// For their machine; `None` when nothing fits, or the machine is not known.
    pub(super) first: Option<Offer>,
    /// For what their machine may be in truth.
    pub(super) perhaps: Option<Offer>,
    /// For every other platform; a file for any system stands there once.
    pub(super) others: Vec<Offer>,
}

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

/// About whom and to whom is told.
#[derive(Clone, Copy)]
pub(super) struct Telling<'a> {
    pub(super) view: ChannelView<'a>,
    /// The app's name.
    pub(super) name: &'a str,
    pub(super) texts: &'static Texts,
}

impl Offers {
    pub(super) async fn read(
        connection: &mut AnyConnection,
        telling: Telling<'_>,
        device: Device,
    ) -> sqlx::Result<Self> {
        let first = match device.platform {
            Some(platform) => Offer::read(connection, telling, platform, device).await?,
            None => None,
        };
        let there = packages::platforms(connection, telling.view).await?;
        let (mut perhaps, mut others) = (None, Vec::new());
        for platform in Platform::ALL {
            let is_first = |offer: &Offer| offer.platform == platform && offer.has_own();
            if first.as_ref().is_some_and(is_first)
                || !there.iter().any(|one| one == platform.as_str())
            {
                continue;
            }
            let own = packages::newest_own(connection, telling.view, platform).await?;
            let best = first.as_ref().and_then(Offer::best);
            let Some(offer) = Offer::new(telling, platform, &own, best) else {
                continue;
            };
            if device.perhaps() == Some(platform) {
                perhaps = Some(offer);
            } else {
                others.push(offer);
            }
        }
        Ok(Self {
            first,
            perhaps,
            others,
        })
    }
}

impl Offer {
    /// What `latest` gives, with everything else of that release that is for this platform; else what no device installs,
    /// which the page says. Between single architectures that a browser does not tell, `latest` goes by its fixed order, and
    /// the page by what nearly every phone has. `None` where nothing is for their machine: what the platform has then stands with the others.
    async fn read(
        connection: &mut AnyConnection,
        telling: Telling<'_>,
        platform: Platform,
        device: Device,
    ) -> sqlx::Result<Option<Self>> {
        let wanted = Wanted {
            platform,
            arch: device.arch,
            kind: None,
        };
        let mut listed = packages::newest_listed(connection, telling.view, wanted).await?;
        let usual = device.usual_arch();
        listed.sort_by_key(|(place, package)| {
            let file = &package.file;
            let is_own = file.platform == platform;
            let is_usual = usual.is_none_or(|arch| file.arch == arch);
            let is_first = is_usual || file.arch == Arch::Universal;
            (!place.is_offered(), !is_own, !is_first)
        });
        // Of what nobody can use, the page says why, where it can.
        let is_told = |package: &Package| File::new(telling, package).obstacle.is_some();
        if !listed
            .first()
            .is_some_and(|(place, package)| place.is_offered() || is_told(package))
        {
            return Ok(None);
        }
        let mut packages: Vec<_> = listed.into_iter().map(|(_, package)| package).collect();
        let best = packages.first().map(|best| best.file.filename.clone());
        packages.retain(|package| {
            package.file.platform == platform || Some(&package.file.filename) == best.as_ref()
        });
        Ok(Self::new(telling, platform, &packages, None))
    }

    /// `None` when nothing fits but `shown`, which stands elsewhere.
    fn new(
        telling: Telling,
        platform: Platform,
        fitting: &[Package],
        shown: Option<&File>,
    ) -> Option<Self> {
        let files: Vec<File> = fitting
            .iter()
            .map(|package| File::new(telling, package))
            .filter(|file| shown.is_none_or(|shown| shown.address != file.address))
            .collect();
        (!files.is_empty()).then_some(Self {
            platform,
            name: labels::platform(platform, telling.texts),
            version: fitting.first()?.version.clone(),
            files,
        })
    }

    /// Whether the file is for this platform alone, and not for any.
    pub(super) fn owns(&self, file: &File) -> bool {
        file.platform == Some(self.platform)
    }

    fn has_own(&self) -> bool {
        self.files.iter().any(|file| self.owns(file))
    }

    pub(super) fn best(&self) -> Option<&File> {
        self.files.first()
    }

    pub(super) fn rest(&self) -> &[File] {
        self.files.get(1..).unwrap_or_default()
    }
}

impl File {
    pub(super) fn new(telling: Telling, package: &Package) -> Self {
        let Telling { view, name, texts } = telling;
        let language = texts.language;
        // Facts in a shape of another version of the platform are only missing from the page.
        let facts: Option<Facts> = serde_json::from_str(&package.facts).ok();
        let platform = package.file.platform.known().copied();
        let kind = package.file.kind.known().copied();
        let runs_on = platform.zip(package.file.arch.known().copied());
        let arch = runs_on.and_then(|(platform, arch)| labels::arch(platform, arch, language));
        let facts = facts.as_ref();
        let min_sdk = facts
            .and_then(|facts| facts.min_sdk)
            .map(|level| labels::android(level, language));
        let label = facts
            .and_then(|facts| facts.label.as_deref())
            .filter(|label| *label != name)
            .map(|label| texts.with(texts.appears_as, label));
        let kind_name = kind.and_then(|kind| labels::kind(kind, language));
        Self {
            filename: package.file.filename.to_string(),
            address: file_path(view.app, &package.version, package.file.filename.as_str()),
            size: labels::size(package.file.size, language),
            notes: [
                kind_name.map(str::to_owned),
                arch.map(Cow::into_owned),
                min_sdk,
                label,
            ]
            .into_iter()
            .flatten()
            .collect(),
            platform,
            obstacle: if facts.is_some_and(|facts| facts.split.is_some()) {
                Some(texts.split)
            } else {
                platform
                    .zip(kind)
                    .and_then(|(platform, kind)| labels::obstacle(platform, kind, texts))
            },
            sha256: package.file.sha256.as_hex(),
            signer: facts.and_then(|facts| facts.signer_sha256),
            damaged: false,
        }
    }
}
