//! What a package runs on: what its bytes say, else what its uploader says, who may not contradict them.

use crate::{
    arch::Arch,
    facts::Facts,
    file_name::FileName,
    kind::Kind,
    platform::{Platform, PlatformError},
    rank::is_source_package,
};

/// What is said of a package beside its bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Said {
    pub platform: Option<Platform>,
    pub arch: Option<Arch>,
}

impl Said {
    /// What somebody calls a platform. A runtime identifier of .NET or Node, such as `linux-arm64`, names the architecture
    /// too.
    pub fn named(platform: &str) -> Result<Self, PlatformError> {
        let (platform, arch) = Platform::asked_with_arch(platform)?;
        Ok(Self {
            platform: Some(platform),
            arch,
        })
    }
}

/// What a package is offered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub platform: Platform,
    pub arch: Arch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Neither the bytes nor anybody says it.
    #[error("a file of the kind {0} does not say what it runs on")]
    Required(Kind),
    #[error("platform={given} contradicts the package, which is for {read}")]
    Platform { given: Platform, read: Platform },
    #[error("arch={given} contradicts the package, which is for {read}")]
    Arch { given: Arch, read: Arch },
}

/// Whether a file of this name needs its platform said, whatever its bytes are: for who has only the name so far.
pub fn platform_missing(filename: &FileName, said: Said) -> Option<Kind> {
    let kind = Kind::named(filename).filter(|kind| kind.platform().is_none());
    kind.filter(|_| said.platform.is_none() && !is_source_package(filename.as_str()))
}

impl Facts {
    /// What a file of this name with these facts runs on. A source package is for nobody, whatever is said of it.
    pub fn target(&self, filename: &FileName, said: Said) -> Result<Target, TargetError> {
        if self.arch == Some(Arch::SOURCE) || is_source_package(filename.as_str()) {
            return Ok(Target {
                platform: Platform::None,
                arch: Arch::SOURCE,
            });
        }
        let platform = match (self.platform, said.platform) {
            // Its uploader knows what else a program for Java or Python needs.
            (None | Some(Platform::Any), Some(given)) => given,
            (Some(read), Some(given)) if read != given => {
                return Err(TargetError::Platform { given, read });
            }
            (Some(read), _) => read,
            (None, None) => return Err(TargetError::Required(self.kind)),
        };
        let arch = match (self.arch, said.arch) {
            (Some(read), Some(given)) if !read.is_same(&given) => {
                return Err(TargetError::Arch { given, read });
            }
            (Some(read), _) => read,
            (None, given) => given.unwrap_or(self.kind.unsaid_arch()),
        };
        Ok(Target { platform, arch })
    }
}

#[cfg(test)]
mod tests {
    use super::{Said, Target, TargetError, platform_missing};
    use crate::{arch::Arch, facts::Facts, file_name::FileName, kind::Kind, platform::Platform};

    fn named(name: &str) -> FileName {
        name.parse().unwrap()
    }

    fn of(facts: &Facts, platform: Option<Platform>) -> Result<(Platform, Arch), TargetError> {
        let said = Said {
            platform,
            arch: None,
        };
        let target = facts.target(&named("notes"), said);
        target.map(|Target { platform, arch }| (platform, arch))
    }

    #[test]
    fn an_uploader_fills_gaps_and_contradicts_nothing() {
        let linux = Some(Platform::Linux);
        let universal = |platform| Ok((platform, Arch::Universal));
        let zip = Facts::of(Kind::Zip);
        assert_eq!(of(&zip, linux), universal(Platform::Linux));
        assert_eq!(of(&zip, Some(Platform::Any)), universal(Platform::Any));
        let apk = Facts::of(Kind::Apk);
        assert_eq!(of(&apk, None), universal(Platform::Android));
        let read = Platform::Android;
        let given = Platform::Linux;
        assert_eq!(of(&apk, linux), Err(TargetError::Platform { given, read }));
        let jar = Facts::of(Kind::Jar);
        assert_eq!(of(&jar, None), universal(Platform::Any));
        assert_eq!(of(&jar, linux), universal(Platform::Linux));
        let free = Facts {
            platform: Some(Platform::None),
            ..Facts::of(Kind::Other)
        };
        assert_eq!(of(&free, None), universal(Platform::None));
        assert!(of(&free, linux).is_err());
    }

    #[test]
    fn a_runtime_identifier_names_the_architecture_too() {
        for (text, platform, arch) in [
            ("linux", Platform::Linux, None),
            ("linux-arm64", Platform::Linux, Some(Arch::Aarch64)),
            ("linux-musl-x64", Platform::Linux, Some(Arch::X86_64)),
            ("osx.12-arm64", Platform::Macos, Some(Arch::Aarch64)),
            ("win10-x86", Platform::Windows, Some(Arch::X86)),
            ("MINGW64_NT-10.0-19045", Platform::Windows, None),
        ] {
            let said = Said {
                platform: Some(platform),
                arch,
            };
            assert_eq!(Said::named(text), Ok(said), "{text}");
        }
        assert!(Said::named("none").is_err() && Said::named("linux-vax").is_err());
    }

    #[test]
    fn two_names_of_one_architecture_do_not_contradict_each_other() {
        let read: Arch = "ppc64el".parse().unwrap();
        let deb = Facts {
            arch: Some(read),
            ..Facts::of(Kind::Deb)
        };
        let of = |arch: &str| {
            let said = Said {
                platform: None,
                arch: Some(arch.parse().unwrap()),
            };
            deb.target(&named("notes.deb"), said)
        };
        assert_eq!(of("ppc64le").unwrap().arch, read);
        let given = "ppc64".parse().unwrap();
        assert_eq!(of("ppc64"), Err(TargetError::Arch { given, read }));
    }

    #[test]
    fn what_does_not_say_its_system_needs_it_said() {
        for kind in Kind::ALL {
            let required = of(&Facts::of(kind), None) == Err(TargetError::Required(kind));
            assert_eq!(required, kind.platform().is_none(), "{kind}");
        }
        let missing = |name: &str| platform_missing(&named(name), Said::default());
        assert_eq!(missing("notes.zip"), Some(Kind::Zip));
        assert_eq!(missing("Notes.TGZ"), Some(Kind::TarGz));
        for name in [
            "notes.apk",
            "notes.jar",
            "notes.bin",
            "notes",
            "notes_1.orig.tar.gz",
        ] {
            assert_eq!(missing(name), None, "{name}");
        }
        let said = Said {
            platform: Some(Platform::Any),
            arch: None,
        };
        assert_eq!(platform_missing(&named("notes.zip"), said), None);
    }

    #[test]
    fn universal_is_what_cannot_say_more() {
        for (kind, arch) in [
            (Kind::Zip, Arch::Universal),
            (Kind::Dmg, Arch::Universal),
            (Kind::Deb, Arch::UNKNOWN),
            (Kind::AppImage, Arch::UNKNOWN),
            (Kind::Msi, Arch::UNKNOWN),
            (Kind::Flatpak, Arch::UNKNOWN),
            (Kind::Exe, Arch::X86),
        ] {
            let platform = kind.platform().unwrap_or(Platform::Any);
            let target = of(&Facts::of(kind), Some(platform));
            assert_eq!(target, Ok((platform, arch)), "{kind}");
        }
    }

    #[test]
    fn a_source_package_is_for_nobody_whatever_is_said() {
        let nobody = Ok((Platform::None, Arch::SOURCE));
        let rpm = Facts {
            arch: Some(Arch::SOURCE),
            ..Facts::of(Kind::Rpm)
        };
        assert_eq!(of(&rpm, Some(Platform::Linux)), nobody);
        let said = Said {
            platform: Some(Platform::Linux),
            arch: None,
        };
        let target = Facts::not_understood("w").target(&named("notes_1.0-1.dsc"), said);
        assert_eq!(target.map(|target| (target.platform, target.arch)), nobody);
    }
}
