//! What a package runs on: what its bytes say, else what its uploader says, who may not contradict them.

use slipway_packages::{Arch, Facts, FileName, Kind, Platform, is_source_package};
use slipway_service::Problem;

use crate::parameters::Parameters;

/// Refuses before the bytes come what its name says to be of a kind that names no system.
pub(crate) fn check_name(parameters: &Parameters) -> Result<(), Problem> {
    let is_told = parameters.platform.is_some()
        || parameters.is_declared_other()
        || is_source_package(parameters.filename.as_str());
    match Kind::named(&parameters.filename) {
        Some(kind) if !is_told && kind.platform().is_none() => {
            Err(platform_required(&parameters.filename, kind))
        }
        _ => Ok(()),
    }
}

/// The platform and the architecture to keep. What is passed over is said in the warnings.
///
/// What is declared to be of no known kind counts for no platform, and so does a source package: `latest` would give
/// anything at all to whoever has that platform. Who says that it is so is no proof.
pub(super) fn target(
    facts: &mut Facts,
    parameters: &Parameters,
) -> Result<(Platform, Arch), Problem> {
    if parameters.is_declared_other() {
        return Ok((Platform::None, parameters.arch.unwrap_or(Arch::Universal)));
    }
    if facts.arch == Some(Arch::SOURCE) || is_source_package(parameters.filename.as_str()) {
        if let Some(platform) = parameters.platform {
            let warning = format!("platform={platform} was passed over: this is a source package");
            facts.warnings.push(warning);
        }
        return Ok((Platform::None, Arch::SOURCE));
    }
    Ok((platform(facts, parameters)?, arch(facts, parameters)?))
}

fn platform(facts: &Facts, parameters: &Parameters) -> Result<Platform, Problem> {
    match (facts.platform, parameters.platform) {
        // Its uploader knows what else a program for Java or Python needs.
        (Some(Platform::Any) | None, Some(given)) => Ok(given),
        (Some(Platform::None), Some(given)) => Err(mismatch(
            "platform",
            given.as_str(),
            "none of the platforms",
        )),
        (Some(read), Some(given)) if read != given => {
            Err(mismatch("platform", given.as_str(), read.as_str()))
        }
        (Some(read), _) => Ok(read),
        (None, None) => Err(platform_required(&parameters.filename, facts.kind)),
    }
}

fn arch(facts: &Facts, parameters: &Parameters) -> Result<Arch, Problem> {
    match (facts.arch, parameters.arch) {
        (Some(read), Some(given)) if !read.is_same(&given) => {
            Err(mismatch("arch", given.as_str(), read.as_str()))
        }
        (Some(read), _) => Ok(read),
        (None, Some(given)) => Ok(given),
        (None, None) => Ok(facts.kind.unsaid_arch()),
    }
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

fn mismatch(what: &str, given: &str, read: &str) -> Problem {
    Problem::unprocessable(
        "platform_mismatch",
        format!("{what}={given} contradicts the package, which is for {read}: leave {what} out"),
    )
}

#[cfg(test)]
mod tests {
    use super::{check_name, target};
    use crate::parameters::{Parameters, RawParameters};
    use slipway_packages::{Arch, Facts, Kind, Platform};

    fn parameters(filename: &str, change: impl FnOnce(&mut RawParameters)) -> Parameters {
        let mut raw = RawParameters {
            filename: filename.to_owned(),
            ..RawParameters::default()
        };
        change(&mut raw);
        raw.parse().expect("good parameters")
    }

    fn silent(filename: &str) -> Parameters {
        parameters(filename, |_| {})
    }

    fn for_platform(platform: &str) -> Parameters {
        parameters("notes.zip", |raw| raw.platform = Some(platform.to_owned()))
    }

    fn of(mut facts: Facts, parameters: &Parameters) -> Result<(Platform, Arch), &'static str> {
        target(&mut facts, parameters).map_err(|problem| problem.code)
    }

    #[test]
    fn an_uploader_fills_gaps_and_contradicts_nothing() {
        let linux = for_platform("linux");
        let zip = || Facts::of(Kind::Zip);
        assert_eq!(of(zip(), &linux), Ok((Platform::Linux, Arch::Universal)));
        assert_eq!(
            of(zip(), &for_platform("any")),
            Ok((Platform::Any, Arch::Universal))
        );
        let apk = || Facts::of(Kind::Apk);
        assert_eq!(of(apk(), &linux), Err("platform_mismatch"));
        assert_eq!(
            of(apk(), &silent("notes.apk")),
            Ok((Platform::Android, Arch::Universal))
        );
        let jar = || Facts::of(Kind::Jar);
        assert_eq!(of(jar(), &linux), Ok((Platform::Linux, Arch::Universal)));
        assert_eq!(
            of(jar(), &silent("notes.jar")),
            Ok((Platform::Any, Arch::Universal))
        );
        let free = Facts {
            platform: Some(Platform::None),
            ..Facts::of(Kind::Other)
        };
        assert_eq!(of(free, &linux), Err("platform_mismatch"));
    }

    #[test]
    fn two_names_of_one_architecture_do_not_contradict_each_other() {
        let deb = || Facts {
            arch: Some("ppc64el".parse().unwrap()),
            ..Facts::of(Kind::Deb)
        };
        let given = |arch: &str| parameters("notes.deb", |raw| raw.arch = Some(arch.to_owned()));
        let kept = of(deb(), &given("ppc64le")).unwrap().1;
        assert_eq!(kept.as_str(), "ppc64el");
        assert_eq!(of(deb(), &given("ppc64")), Err("platform_mismatch"));
    }

    #[test]
    fn what_does_not_say_its_system_needs_it_said() {
        for kind in Kind::ALL {
            let required = of(Facts::of(kind), &silent("notes")).is_err();
            assert_eq!(required, kind.platform().is_none(), "{kind}");
        }
        let refused = |filename: &str| check_name(&silent(filename)).is_err();
        for filename in ["notes.zip", "notes.tar.gz", "Notes.TGZ"] {
            assert!(refused(filename), "{filename}");
            let other = parameters(filename, |raw| raw.kind = Some("other".to_owned()));
            assert!(check_name(&other).is_ok());
        }
        for filename in ["notes.apk", "notes.bin", "notes", "notes_1.0.orig.tar.gz"] {
            assert!(!refused(filename), "{filename}");
        }
        assert!(check_name(&for_platform("any")).is_ok());
    }

    #[test]
    fn universal_is_what_cannot_say_more() {
        let unsaid = |kind| of(Facts::of(kind), &for_platform("any")).map(|target| target.1);
        assert_eq!(unsaid(Kind::Zip), Ok(Arch::Universal));
        let said = |kind| of(Facts::of(kind), &silent("notes")).unwrap().1;
        for (kind, arch) in [
            (Kind::Deb, Arch::UNKNOWN),
            (Kind::AppImage, Arch::UNKNOWN),
            (Kind::Exe, Arch::X86),
            (Kind::Dmg, Arch::Universal),
        ] {
            assert_eq!(said(kind), arch, "{kind}");
        }
    }

    #[test]
    fn a_source_package_is_for_nobody_whatever_is_said() {
        let nobody = Ok((Platform::None, Arch::SOURCE));
        let mut facts = Facts {
            arch: Some(Arch::SOURCE),
            ..Facts::of(Kind::Rpm)
        };
        let linux = for_platform("linux");
        assert_eq!(of(facts.clone(), &linux), nobody);
        target(&mut facts, &linux).unwrap();
        assert!(facts.warnings[0].contains("passed over"));
        let dsc = parameters("notes_1.0-1.dsc", |raw| raw.platform = Some("linux".into()));
        assert_eq!(of(Facts::not_understood("w"), &dsc), nobody);
    }

    #[test]
    fn what_is_declared_to_be_of_no_kind_is_for_no_platform() {
        let given = parameters("notes.apk", |raw| {
            raw.kind = Some("other".into());
            raw.platform = Some("linux".into());
        });
        for facts in [Facts::of(Kind::Apk), Facts::not_understood("w")] {
            assert_eq!(of(facts, &given), Ok((Platform::None, Arch::Universal)));
        }
    }
}
