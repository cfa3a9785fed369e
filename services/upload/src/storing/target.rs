//! What a package is kept as being for, and the refusals of what does not say it.

use slipway_packages::{
    Arch, Facts, FileName, Kind, Platform, Target, TargetError, platform_missing,
};
use slipway_service::Problem;

use crate::parameters::Parameters;

/// Refuses before the bytes come what its name says to be of a kind that names no system.
pub(crate) fn check_name(parameters: &Parameters) -> Result<(), Problem> {
    let missing = platform_missing(&parameters.filename, parameters.said());
    match missing.filter(|_| !parameters.is_declared_other()) {
        Some(kind) => Err(platform_required(&parameters.filename, kind)),
        None => Ok(()),
    }
}

/// What is declared to be of no known kind counts for no platform: `latest` would give anything at all to whoever has that
/// platform. What is passed over is said in the warnings.
pub(super) fn target(facts: &mut Facts, parameters: &Parameters) -> Result<Target, Problem> {
    if parameters.is_declared_other() {
        return Ok(Target {
            platform: Platform::None,
            arch: parameters.arch.unwrap_or(Arch::Universal),
        });
    }
    let filename = &parameters.filename;
    let target = facts
        .target(filename, parameters.said())
        .map_err(|error| refusal(filename, error))?;
    if let (Arch::SOURCE, Some(platform)) = (target.arch, parameters.platform) {
        let warning = format!("platform={platform} was passed over: this is a source package");
        facts.warnings.push(warning);
    }
    Ok(target)
}

fn refusal(filename: &FileName, error: TargetError) -> Problem {
    let what = match error {
        TargetError::Required(kind) => return platform_required(filename, kind),
        TargetError::Platform { .. } => "platform",
        TargetError::Arch { .. } => "arch",
    };
    Problem::unprocessable("platform_mismatch", format!("{error}: leave {what} out"))
}

fn platform_required(filename: &FileName, kind: Kind) -> Problem {
    let what = match kind {
        Kind::Other => "of no kind that is known here".to_owned(),
        kind => format!("of the kind {kind}, which runs on any system or on one"),
    };
    Problem::unprocessable(
        "platform_required",
        format!(
            "{filename} does not say what it runs on, for it is {what}: say it with platform=android, ios, macos, windows, linux or harmony, or with platform=any, which offers it to everybody; kind=other offers it to nobody"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::{check_name, target};
    use crate::parameters::{Parameters, RawParameters};
    use slipway_packages::{Arch, Facts, Kind, Platform, Target};

    fn parameters(filename: &str, kind: Option<&str>, platform: Option<&str>) -> Parameters {
        let raw = RawParameters {
            filename: filename.to_owned(),
            kind: kind.map(str::to_owned),
            platform: platform.map(str::to_owned),
            ..RawParameters::default()
        };
        raw.parse().expect("good parameters")
    }

    #[test]
    fn what_is_declared_to_be_of_no_kind_is_for_no_platform() {
        let declared = parameters("notes.zip", Some("other"), Some("linux"));
        assert!(check_name(&declared).is_ok());
        assert!(check_name(&parameters("notes.zip", None, None)).is_err());
        for mut facts in [Facts::of(Kind::Apk), Facts::not_understood("w")] {
            let nobody = Target {
                platform: Platform::None,
                arch: Arch::Universal,
            };
            assert_eq!(target(&mut facts, &declared).unwrap(), nobody);
        }
    }

    #[test]
    fn refusals_have_their_codes_and_what_is_passed_over_is_said() {
        let code = |facts: Facts, platform| {
            let parameters = parameters("notes", None, platform);
            let refused = target(&mut facts.clone(), &parameters);
            refused.map(|_| ()).map_err(|problem| problem.code)
        };
        let (apk, zip) = (Facts::of(Kind::Apk), Facts::of(Kind::Zip));
        assert_eq!(code(apk, Some("linux")), Err("platform_mismatch"));
        assert_eq!(code(zip.clone(), None), Err("platform_required"));
        assert_eq!(code(zip, Some("Darwin")), Ok(()));
        let mut source = Facts {
            arch: Some(Arch::SOURCE),
            ..Facts::of(Kind::Rpm)
        };
        let linux = parameters("notes.rpm", None, Some("linux"));
        target(&mut source, &linux).unwrap();
        assert!(source.warnings[0].contains("passed over"));
    }
}
