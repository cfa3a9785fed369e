//! What somebody calls a platform: by one of its names, or by a runtime identifier of .NET or Node, such as `win-x64`, which
//! names the architecture too.

use std::str::FromStr;

use crate::{
    arch::Arch,
    platform::{Platform, PlatformError, behind_system, spelled},
};

impl Platform {
    /// The platform that somebody names: nobody can name [`Self::None`].
    pub fn asked(text: &str) -> Result<Self, PlatformError> {
        Self::asked_with_arch(text).map(|(platform, _)| platform)
    }

    /// The same, with the architecture that a runtime identifier names beside it.
    pub(crate) fn asked_with_arch(text: &str) -> Result<(Self, Option<Arch>), PlatformError> {
        read(text)
            .filter(|(platform, _)| *platform != Self::None)
            .ok_or_else(|| PlatformError(text.to_owned()))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    /// Any spelling of any case, also as the beginning of a runtime identifier of .NET, such as `win-x64`.
    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let found = read(text).map(|(platform, _)| platform);
        found.ok_or_else(|| PlatformError(text.to_owned()))
    }
}

fn read(text: &str) -> Option<(Platform, Option<Arch>)> {
    let lower = text.to_ascii_lowercase().replace([' ', '_'], "-");
    if lower == Platform::None.as_str() {
        return Some((Platform::None, None));
    }
    if let Some(platform) = spelled(&lower) {
        return Some((platform, None));
    }
    let arch = behind_system(&lower)?;
    let system = &lower[..lower.len() - arch.len() - 1];
    let arch = Arch::spelled(arch).filter(|arch| *arch != Arch::Universal)?;
    Some((spelled(system)?, Some(arch)))
}
