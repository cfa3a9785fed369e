//! What the install page says of the files for one platform.

use std::borrow::Cow;

use slipway_packages::{Arch, Digest, Facts, Platform, Wanted};
use slipway_service::api::file_path;
use sqlx::AnyConnection;

use crate::device::Device;
use crate::labels;
use crate::store::packages::{self, ChannelView, Package};

/// What there is for a visitor.
pub(super) struct Offers {
    /// For their machine; `None` when nothing fits, or the machine is not known.
    pub(super) first: Option<Offer>,
    /// For every other platform.
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

#[derive(PartialEq)]
pub(super) struct File {
    pub(super) filename: String,
    pub(super) address: String,
    pub(super) size: String,
    /// What it is and where it runs.
    pub(super) notes: Vec<String>,
    /// In hex.
    pub(super) sha256: String,
    /// SHA-256 of the certificate that the file carries.
    pub(super) signer: Option<Digest>,
    /// It was found damaged in the store, and is not served until it is mended.
    pub(super) damaged: bool,
}

impl Offers {
    pub(super) async fn read(
        connection: &mut AnyConnection,
        view: ChannelView<'_>,
        device: Device,
    ) -> sqlx::Result<Self> {
        let own = match device.platform {
            Some(platform) => Offer::read(connection, view, platform, device).await?,
            None => None,
        };
        // Where nothing is for their machine, there is no button, and what the platform has stands with the others.
        let (first, own) = match own {
            Some((offer, Fit::Offered)) => (Some(offer), None),
            Some((offer, Fit::ListedOnly)) => (None, Some(offer)),
            None => (None, None),
        };
        let there = packages::platforms(connection, view).await?;
        let mut others: Vec<_> = own.into_iter().collect();
        for platform in Platform::ALL {
            if Some(platform) == device.platform
                || !there.iter().any(|one| one == platform.as_str())
            {
                continue;
            }
            let offer = Offer::read(connection, view, platform, Device::default()).await?;
            // What runs on any system may stand first already.
            others.extend(offer.map(|(offer, _)| offer).filter(|offer| {
                first
                    .as_ref()
                    .is_none_or(|first| first.files != offer.files)
            }));
        }
        Ok(Self { first, others })
    }
}

/// Whether the best of the files is for the machine, or all are for others of its platform.
enum Fit {
    Offered,
    ListedOnly,
}

impl Offer {
    /// What `latest` gives, with everything else of that release for the platform. `None` when there is nothing.
    async fn read(
        connection: &mut AnyConnection,
        view: ChannelView<'_>,
        platform: Platform,
        device: Device,
    ) -> sqlx::Result<Option<(Self, Fit)>> {
        let wanted = Wanted {
            platform,
            arch: device.arch,
            kind: None,
        };
        let mut listed = packages::newest_listed(connection, view, wanted).await?;
        let usual = device.usual_arch();
        listed.sort_by_key(|(place, package)| {
            let is_own = package.platform == platform.as_str();
            let is_usual = usual.is_none_or(|arch| arch.as_str() == package.arch);
            let is_first = is_usual || package.arch == Arch::Universal.as_str();
            (!place.is_offered(), !is_own, !is_first)
        });
        let fit = match listed.first() {
            Some((place, _)) if place.is_offered() => Fit::Offered,
            _ => Fit::ListedOnly,
        };
        let packages: Vec<_> = listed.into_iter().map(|(_, package)| package).collect();
        Ok(Self::new(view.app, platform, &packages).map(|offer| (offer, fit)))
    }

    /// `None` when nothing fits.
    fn new(app: &str, platform: Platform, fitting: &[Package]) -> Option<Self> {
        Some(Self {
            platform,
            name: labels::platform(platform),
            version: fitting.first()?.version.clone(),
            files: fitting
                .iter()
                .map(|package| File::new(app, package))
                .collect(),
        })
    }

    pub(super) fn best(&self) -> Option<&File> {
        self.files.first()
    }

    pub(super) fn rest(&self) -> &[File] {
        self.files.get(1..).unwrap_or_default()
    }
}

impl File {
    fn new(app: &str, package: &Package) -> Self {
        // Facts in a shape of another version of the platform are only missing from the page.
        let facts: Option<Facts> = serde_json::from_str(&package.facts).ok();
        let runs_on = package.platform.parse().ok().zip(package.arch.parse().ok());
        let arch = runs_on.and_then(|(platform, arch)| labels::arch(platform, arch));
        let kind = package.kind.parse().ok().and_then(labels::kind);
        let min_sdk = facts
            .as_ref()
            .and_then(|facts| facts.min_sdk)
            .map(labels::android);
        Self {
            filename: package.filename.clone(),
            address: file_path(app, &package.version, &package.filename),
            size: labels::size(package.size),
            notes: [kind.map(str::to_owned), arch.map(Cow::into_owned), min_sdk]
                .into_iter()
                .flatten()
                .collect(),
            sha256: package.sha256.clone(),
            signer: facts.and_then(|facts| facts.signer_sha256),
            damaged: false,
        }
    }
}
