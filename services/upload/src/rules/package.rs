//! What a package is kept as: its version, what it is for, and the refusals of what does not say it.

use slipway_contract::{
    Arch, Facts, FileName, Kind, Platform, Target, TargetError, Version, platform_missing,
};

use crate::parameters::Parameters;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// With `strict=true`; these are the warnings.
    Odd(Vec<String>),
    NoVersion(NoVersion),
    /// Nobody says what it runs on.
    PlatformRequired {
        filename: FileName,
        kind: Kind,
    },
    /// What is said of it contradicts its bytes.
    PlatformMismatch(TargetError),
}

/// Why there is no version to release under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoVersion {
    /// The one in the package is none; this is what is wrong about it.
    Unusable(String),
    /// The package calls itself this, which has no place in the order of versions.
    Native(String),
    Absent,
}

/// Refuses what the bytes alone tell to be odd, before anything of them is kept.
pub(crate) fn check_odd(facts: &Facts, parameters: &Parameters) -> Result<(), Refusal> {
    if parameters.strict && !facts.warnings.is_empty() {
        return Err(Refusal::Odd(facts.warnings.clone()));
    }
    Ok(())
}

/// The version to release under: the one that was given, else for a channel the one in the bytes.
pub(crate) fn version(facts: &Facts, parameters: &Parameters) -> Result<Option<Version>, Refusal> {
    if parameters.version.is_some() || parameters.channel.is_none() {
        return Ok(parameters.version.clone());
    }
    let read = facts.version.as_deref();
    match read.map(str::parse::<Version>) {
        Some(Ok(version)) => Ok(Some(version)),
        Some(Err(error)) => Err(Refusal::NoVersion(NoVersion::Unusable(error.to_string()))),
        None => Err(Refusal::NoVersion(match &facts.native_version {
            Some(native) => NoVersion::Native(native.clone()),
            None => NoVersion::Absent,
        })),
    }
}

/// Refuses before the bytes come what its name says to be of a kind that names no system.
pub(crate) fn check_name(parameters: &Parameters) -> Result<(), Refusal> {
    let missing = platform_missing(&parameters.filename, parameters.said());
    match missing.filter(|_| !parameters.is_declared_other()) {
        Some(kind) => Err(platform_required(&parameters.filename, kind)),
        None => Ok(()),
    }
}

/// What is declared to be of no known kind counts for no platform: `latest` would give anything at all to whoever has that
/// platform. What is passed over is said in the warnings.
pub(crate) fn target(facts: &mut Facts, parameters: &Parameters) -> Result<Target, Refusal> {
    if parameters.is_declared_other() {
        return Ok(Target {
            platform: Platform::None,
            arch: parameters.arch.unwrap_or(Arch::Universal),
        });
    }
    let filename = &parameters.filename;
    let target = facts
        .target(filename, parameters.said())
        .map_err(|error| match error {
            TargetError::Required(kind) => platform_required(filename, kind),
            error => Refusal::PlatformMismatch(error),
        })?;
    if let (Arch::SOURCE, Some(platform)) = (target.arch, parameters.platform) {
        let warning = format!("platform={platform} was passed over: this is a source package");
        facts.warnings.push(warning);
    }
    Ok(target)
}

/// What is said of a package that contradicts it: the parameter's name.
pub(crate) fn contradicting(error: TargetError) -> &'static str {
    match error {
        TargetError::Required(_) | TargetError::Platform { .. } => "platform",
        TargetError::Arch { .. } => "arch",
    }
}

fn platform_required(filename: &FileName, kind: Kind) -> Refusal {
    Refusal::PlatformRequired {
        filename: filename.clone(),
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::RawParameters;

    fn parameters(filename: &str, change: impl FnOnce(&mut RawParameters)) -> Parameters {
        let mut raw = RawParameters {
            filename: filename.to_owned(),
            ..RawParameters::default()
        };
        change(&mut raw);
        raw.parse().expect("good parameters")
    }

    fn facts(version: Option<&str>) -> Facts {
        Facts {
            version: version.map(str::to_owned),
            ..Facts::not_understood("w")
        }
    }

    #[test]
    fn a_version_in_the_bytes_counts_only_for_a_channel() {
        let read = facts(Some("1.2.3"));
        let text = |parameters: &Parameters| {
            version(&read, parameters)
                .unwrap()
                .map(|version| version.as_str().to_owned())
        };
        assert_eq!(text(&parameters("notes.apk", |_| {})), None);
        let channel = parameters("notes.apk", |raw| raw.channel = Some("stable".into()));
        assert_eq!(text(&channel).as_deref(), Some("1.2.3"));
        let tag = facts(Some("v1.2.3"));
        let tagged = version(&tag, &channel).unwrap();
        assert_eq!(tagged.as_ref().map(Version::as_str), Some("1.2.3"));
        let refused = |facts: &Facts| match version(facts, &channel) {
            Err(Refusal::NoVersion(why)) => why,
            other => panic!("{other:?}"),
        };
        let mut native = facts(None);
        native.native_version = Some("1:2.0-1".to_owned());
        assert_eq!(refused(&native), NoVersion::Native("1:2.0-1".to_owned()));
        assert_eq!(refused(&facts(None)), NoVersion::Absent);
        let unusable = refused(&facts(Some("first of May")));
        assert!(matches!(unusable, NoVersion::Unusable(_)));
    }

    #[test]
    fn what_is_declared_to_be_of_no_kind_is_for_no_platform() {
        let declared = parameters("notes.zip", |raw| {
            raw.kind = Some("other".into());
            raw.platform = Some("linux".into());
        });
        assert!(check_name(&declared).is_ok());
        assert!(check_name(&parameters("notes.zip", |_| {})).is_err());
        for mut facts in [Facts::of(Kind::Apk), Facts::not_understood("w")] {
            let nobody = Target {
                platform: Platform::None,
                arch: Arch::Universal,
            };
            assert_eq!(target(&mut facts, &declared).unwrap(), nobody);
        }
    }

    #[test]
    fn what_runs_nowhere_is_refused_and_what_is_passed_over_is_said() {
        let target_on = |facts: &Facts, platform: Option<&str>| {
            let parameters = parameters("notes", |raw| raw.platform = platform.map(str::to_owned));
            target(&mut facts.clone(), &parameters)
        };
        let (apk, zip) = (Facts::of(Kind::Apk), Facts::of(Kind::Zip));
        assert!(matches!(
            target_on(&apk, Some("linux")),
            Err(Refusal::PlatformMismatch(TargetError::Platform { .. }))
        ));
        assert!(matches!(
            target_on(&zip, None),
            Err(Refusal::PlatformRequired { .. })
        ));
        assert!(target_on(&zip, Some("Darwin")).is_ok());
        let mut source = Facts {
            arch: Some(Arch::SOURCE),
            ..Facts::of(Kind::Rpm)
        };
        let linux = parameters("notes.rpm", |raw| raw.platform = Some("linux".into()));
        target(&mut source, &linux).unwrap();
        assert!(source.warnings[0].contains("passed over"));
    }

    #[test]
    fn what_is_odd_is_refused_when_that_is_asked_for() {
        let odd = facts(None);
        assert_eq!(check_odd(&odd, &parameters("notes.apk", |_| {})), Ok(()));
        let strict = parameters("notes.apk", |raw| raw.strict = Some("true".into()));
        assert_eq!(
            check_odd(&odd, &strict),
            Err(Refusal::Odd(vec!["w".to_owned()]))
        );
    }
}
