//! What the install page offers: which file to whom, and in what order.

use slipway_contract::{Arch, Kind, Platform, Rank, Version, Wanted};

use super::fit;
use crate::device::Device;
use crate::store::packages::Package;

/// What there is for a visitor.
pub(crate) struct Offers {
    /// For their machine; `None` when nothing fits, or the machine is not known.
    pub(crate) first: Option<Offer>,
    /// For what their machine may be in truth.
    pub(crate) perhaps: Option<Offer>,
    /// For every other platform; a file for any system stands there once.
    pub(crate) others: Vec<Offer>,
}

/// The newest files for a platform.
pub(crate) struct Offer {
    pub(crate) platform: Platform,
    pub(crate) version: String,
    /// The best first; never empty.
    pub(crate) packages: Vec<Package>,
}

/// Why a tap on a file leads to no installed app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Apple's devices install nothing from a page.
    Ipa,
    /// A bundle for stores.
    Aab,
    /// An app in several parts, in one file.
    Parts,
    /// One part of an app in several.
    Part,
    /// It is installed with the tools of developers.
    Hap,
}

/// What stands in the way of a file.
pub(crate) fn obstacle(package: &Package) -> Option<Obstacle> {
    if fit::is_part(&package.facts) {
        return Some(Obstacle::Part);
    }
    let file = &package.file;
    match (*file.platform.known()?, *file.kind.known()?) {
        (Platform::Ios, _) | (_, Kind::Ipa) => Some(Obstacle::Ipa),
        (_, Kind::Aab) => Some(Obstacle::Aab),
        (_, Kind::Xapk | Kind::Apks | Kind::Apkm) => Some(Obstacle::Parts),
        (_, Kind::Hap) => Some(Obstacle::Hap),
        _ => None,
    }
}

/// What a visitor with this machine is asked for, as `latest` would be.
pub(crate) fn wanted(device: Device) -> Option<Wanted> {
    Some(Wanted {
        platform: device.platform?,
        arch: device.arch,
        kind: None,
    })
}

impl Offers {
    /// `listed`: what there is for the visitor's machine, as `latest` would list it. `own`: what there is for each platform
    /// alone, in the order of platforms.
    pub(crate) fn arrange(
        device: Device,
        listed: Vec<(Rank, Package)>,
        own: Vec<(Platform, Vec<Package>)>,
    ) -> Self {
        let first = device
            .platform
            .and_then(|platform| first(platform, device, listed));
        let (mut perhaps, mut others) = (None, Vec::new());
        for (platform, mut packages) in own {
            if let Some(first) = &first {
                if first.platform == platform && first.has_own() {
                    continue;
                }
                let best = first.best();
                packages.retain(|package| best.is_none_or(|best| !is_same(best, package)));
            }
            let offer = Offer::new(platform, packages);
            if device.perhaps() == Some(platform) {
                perhaps = offer;
            } else {
                others.extend(offer);
            }
        }
        Self {
            first,
            perhaps,
            others,
        }
    }

    /// All of them, the visitor's first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Offer> {
        let first = self.first.iter();
        first.chain(&self.perhaps).chain(&self.others)
    }

    /// The version that the page is about: the visitor's, else the highest that is offered for a system, else the highest.
    pub(crate) fn version(&self) -> Option<&str> {
        let rank = |offer: &&Offer| {
            let version = offer.version.parse::<Version>().ok();
            (offer.platform != Platform::None, version)
        };
        let highest = || self.perhaps.iter().chain(&self.others).max_by_key(rank);
        let offer = self.first.as_ref().or_else(highest)?;
        Some(&offer.version)
    }

    /// The system on which the first file is installed, where nothing stands in its way but what the visitor can move.
    pub(crate) fn installs_on(&self, is_damaged: impl Fn(&Package) -> bool) -> Option<Platform> {
        let offer = self.first.as_ref()?;
        let best = offer.best()?;
        let is_installed = obstacle(best).is_none() && !is_damaged(best) && offer.owns(best);
        is_installed.then_some(offer.platform)
    }

    /// The file that the commands of a system are about: the one that is offered for it, else the visitor's.
    pub(crate) fn to_prove_on(&self, system: Platform) -> Option<&Package> {
        let own = self.all().find(|offer| offer.platform == system);
        own.or_else(|| self.all().next())?.best()
    }
}

/// What `latest` gives, with everything else of that release that is for this platform; else what no device installs,
/// which the page says. Between single architectures that a browser does not tell, `latest` goes by its fixed order, and
/// the page by what nearly every phone has. `None` where nothing is for their machine: what the platform has then stands
/// with the others.
fn first(platform: Platform, device: Device, mut listed: Vec<(Rank, Package)>) -> Option<Offer> {
    let usual = device.usual_arch();
    listed.sort_by_key(|(place, package)| {
        let file = &package.file;
        let is_own = file.platform == platform;
        let is_usual = usual.is_none_or(|arch| file.arch == arch);
        let is_first = is_usual || file.arch == Arch::Universal;
        (!place.is_offered(), !is_own, !is_first)
    });
    // Of what nobody can use, the page says why, where it can.
    let (place, best) = listed.first()?;
    if !place.is_offered() && obstacle(best).is_none() {
        return None;
    }
    let mut packages = listed.into_iter().map(|(_, package)| package);
    let best = packages.next()?;
    let others = packages.filter(|package| package.file.platform == platform);
    Offer::new(platform, [best].into_iter().chain(others).collect())
}

/// Whether both stand at one address.
fn is_same(one: &Package, other: &Package) -> bool {
    one.version == other.version && one.file.filename == other.file.filename
}

impl Offer {
    /// `None` when there is nothing.
    fn new(platform: Platform, packages: Vec<Package>) -> Option<Self> {
        let version = packages.first()?.version.clone();
        Some(Self {
            platform,
            version,
            packages,
        })
    }

    fn best(&self) -> Option<&Package> {
        self.packages.first()
    }

    /// Whether the file is for this platform alone, and not for any.
    fn owns(&self, package: &Package) -> bool {
        package.file.platform == self.platform
    }

    fn has_own(&self) -> bool {
        self.packages.iter().any(|package| self.owns(package))
    }
}

#[cfg(test)]
mod tests;
