//! What the platform would refuse, found before a byte is sent: the command reads the file as upload's inspection does.
//!
//! It reads in its own process, unlike upload: the file is of whoever runs the command. What it cannot read it leaves to
//! the platform.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use slipway_contract::{Arch, Facts, Kind, Platform, Said, TargetError, Version};
use slipway_packages::{Inspected, Limits, Outcome, inspect};

use super::package::Package;
use crate::exit::Stop;

/// What was given for all files.
#[derive(Clone, Copy)]
pub(super) struct Given {
    pub(super) platform: Option<Platform>,
    pub(super) arch: Option<Arch>,
    /// Whether the bytes are to be taken as they are.
    pub(super) is_other: bool,
    /// Whether a warning is a refusal.
    pub(super) is_strict: bool,
    /// Whether it is meant for one file: then it must not contradict what that says. Else it fills what is not said.
    pub(super) is_for_one: bool,
}

/// What is known of a file, and what has to be sent beside it.
pub(super) struct Judged {
    /// In the bytes.
    pub(super) version: Option<Version>,
    pub(super) platform: Option<Platform>,
    pub(super) arch: Option<Arch>,
}

pub(super) fn judge(package: &Package, given: Given) -> anyhow::Result<Judged> {
    let name = &package.name;
    let facts = match read(package) {
        None => None,
        Some(Outcome::Refused { rule, detail }) => {
            let words = format!("{name} is refused ({rule}): {detail}");
            return Err(Stop::refused("archive_refused", words).into());
        }
        Some(_) if given.is_other => None,
        Some(Outcome::Damaged { detail }) => {
            let words = format!(
                "{name} is not whole: {detail}. Build or download it again; if it is meant as it is, add --kind other, which offers it for no platform"
            );
            return Err(Stop::refused("package_damaged", words).into());
        }
        Some(Outcome::Understood(facts)) => Some(*facts),
        Some(Outcome::NotUnderstood { warning }) => Some(Facts::not_understood(warning)),
    };
    let Some(facts) = facts else {
        return Ok(Judged {
            version: None,
            platform: given.platform,
            arch: given.arch,
        });
    };
    if given.is_strict && !facts.warnings.is_empty() {
        let words = format!("{name}: {}", facts.warnings.join("; "));
        return Err(Stop::refused("strict_refused", words).into());
    }
    let said = given.said_of(&facts);
    let target = facts.target(&package.name, said);
    let is_source = target.map_err(|error| refused(package, error))?.arch == Arch::SOURCE;
    Ok(Judged {
        // One that cannot be used is none: then it has to be given.
        version: facts.version.as_deref().and_then(|text| text.parse().ok()),
        // What the bytes say is not said once more.
        platform: said
            .platform
            .filter(|_| !is_source && facts.platform.is_none_or(|read| read == Platform::Any)),
        arch: said.arch.filter(|_| !is_source && facts.arch.is_none()),
    })
}

/// `None` where the reader itself failed.
fn read(package: &Package) -> Option<Outcome> {
    let file = File::open(&package.path).ok()?;
    let kind = Kind::named(&package.name);
    let reading = AssertUnwindSafe(|| inspect(&file, kind, &Limits::default()));
    let Inspected { outcome, .. } = catch_unwind(reading).ok()?.ok()?;
    Some(outcome)
}

impl Given {
    /// What is said of one file: with several of them it fills what that one does not say.
    fn said_of(self, facts: &Facts) -> Said {
        Said {
            platform: self
                .platform
                .filter(|_| self.is_for_one || facts.platform.is_none()),
            arch: self
                .arch
                .filter(|_| self.is_for_one || facts.arch.is_none()),
        }
    }
}

/// The same refusal as the platform's, in the words of the command.
fn refused(package: &Package, error: TargetError) -> Stop {
    let name = &package.name;
    let contradicts = |option, given: String, read: String| {
        let words =
            format!("{option} {given} contradicts {name}, which is for {read}: leave {option} out");
        Stop::refused("platform_mismatch", words)
    };
    match error {
        TargetError::Required(_) => Stop::refused(
            "platform_required",
            format!(
                "{name} does not say which system it is for: give it with --platform (android, ios, macos, windows, linux, harmony; any for a file that all of them can use)"
            ),
        ),
        TargetError::Platform { given, read } => {
            contradicts("--platform", given.to_string(), read.to_string())
        }
        TargetError::Arch { given, read } => {
            contradicts("--arch", given.to_string(), read.to_string())
        }
    }
}

/// The version of the release: what was given, else what the files carry, if they agree.
pub(super) fn version_of_all(
    given: Option<&Version>,
    files: &[(Package, Judged)],
) -> anyhow::Result<Version> {
    if let Some(given) = given {
        return Ok(given.clone());
    }
    let carried = || {
        let files = files.iter();
        files.filter_map(|(package, judged)| Some((package, judged.version.as_ref()?)))
    };
    let Some((_, first)) = carried().next() else {
        let names: Vec<_> = files
            .iter()
            .map(|(package, _)| package.name.as_str())
            .collect();
        let (names, verb) = (
            names.join(", "),
            if files.len() == 1 { "does" } else { "do" },
        );
        let words =
            format!("{names} {verb} not say which version it is: give it with --version 1.2.3");
        return Err(Stop::refused("version_missing", words).into());
    };
    if carried().any(|(_, version)| version != first) {
        let said: Vec<_> = carried()
            .map(|(package, version)| format!("{} says {}", package.name, version.as_str()))
            .collect();
        let words = format!(
            "the files are of several versions: {}. Give the one of the release with --version",
            said.join(", ")
        );
        return Err(Stop::refused("version_contradicts", words).into());
    }
    Ok(first.clone())
}
