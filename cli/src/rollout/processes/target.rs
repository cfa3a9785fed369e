//! `--to`: which program is meant.

use std::path::Path;

use anyhow::Context as _;
use slipway_contract::Digest;
use slipway_runtime::data::DataDir;

use crate::exit::Stop;
use crate::fleet::release;
use crate::fleet::running::Running;
use crate::fleet::versions::{Program, digest_of, install, installed};
use crate::run::Service;

/// The program, put where programs are if it is not there yet.
pub(super) fn find(data: &DataDir, to: &str, unsigned: bool) -> anyhow::Result<Digest> {
    if let Ok(digest) = to.parse() {
        return Ok(digest);
    }
    if to.contains('/') {
        let path = Path::new(to);
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.filter(|name| *name == "slipway" || name.starts_with("slipway-"));
        let Some(name) = name else {
            let words = format!("{to} is called neither slipway nor slipway-<service>");
            return Err(Stop::usage(words).into());
        };
        return install(data, path, name);
    }
    // It is asked for its version, and so started.
    let of_version = |digest: &Digest| {
        if check_release(data, *digest, unsigned).is_err() {
            return false;
        }
        let program = Program::find(data, *digest);
        program
            .and_then(|program| program.version())
            .is_ok_and(|version| version == to)
    };
    let found: Vec<_> = installed(data).into_iter().filter(of_version).collect();
    match &found[..] {
        [one] => Ok(*one),
        [] => Err(Stop::refused(
            "version_unknown",
            format!(
                "no program in {} is a released one of the version {to}: name the file of one, as in --to ./slipway",
                data.versions().display()
            ),
        )
        .into()),
        several => {
            let digests: Vec<_> = several.iter().map(ToString::to_string).collect();
            let words = format!(
                "{} programs are of the version {to}; name one: {}",
                several.len(),
                digests.join(", ")
            );
            Err(Stop::refused("version_ambiguous", words).into())
        }
    }
}

/// The services that are replaced: one, or with the command all.
pub(super) fn service(
    data: &DataDir,
    to: Digest,
    named: Option<Service>,
) -> anyhow::Result<Option<Service>> {
    let program = Program::find(data, to)?;
    if program.is_command() {
        return Ok(named);
    }
    let own = program.service();
    let shown = program.path.display();
    let own = own.with_context(|| format!("{shown} is the program of no service"))?;
    if named.is_some_and(|named| named != own) {
        let words = format!("{shown} is the program of {} alone", own.name());
        return Err(Stop::usage(words).into());
    }
    Ok(Some(own))
}

/// Refuses what `up` would not start. What it was itself started as it does.
pub(super) fn check_release(data: &DataDir, to: Digest, unsigned: bool) -> anyhow::Result<()> {
    let running = Running::read(data).map(|running| format!("/proc/{}/exe", running.pid));
    let is_own = running.is_some_and(|own| digest_of(Path::new(&own)).is_ok_and(|own| own == to));
    if is_own {
        return Ok(());
    }
    release::check(data, to, &Program::find(data, to)?.path, unsigned)
}

/// The program that `up` was started as, put where programs are: back is there, also when its file was replaced.
pub(super) fn first(data: &DataDir, running: &Running) -> anyhow::Result<Digest> {
    let executable = format!("/proc/{}/exe", running.pid);
    install(data, Path::new(&executable), "slipway")
        .context("the program that runs could not be kept to go back to")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn program(folder: &Path, name: &str, version: &str) -> String {
        let path = folder.join(name);
        fs::create_dir_all(folder).expect("a folder");
        fs::write(
            &path,
            format!("#!/bin/sh\n# {name}\necho slipway {version}\n"),
        )
        .expect("a file");
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&path, mode).expect("it can be run");
        path.to_str().expect("UTF-8").to_owned()
    }

    #[test]
    fn a_version_is_one_program_and_a_program_of_one_service_replaces_that_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path().join("data"));
        let whole = program(&folder.path().join("one"), "slipway", "7.1.0");
        let digest = find(&data, &whole, true).expect("it is put there");
        assert_eq!(find(&data, "7.1.0", true).expect("one"), digest);
        assert_eq!(find(&data, &digest.to_string(), true).expect("one"), digest);
        let none = find(&data, "7.2.0", true).expect_err("none");
        assert!(none.to_string().contains("no program"), "{none}");
        let other = program(&folder.path().join("two"), "slipway-upload", "7.1.0");
        let upload = find(&data, &other, true).expect("it is put there");
        let several = find(&data, "7.1.0", true).expect_err("two");
        assert!(
            several.to_string().contains(&upload.to_string()),
            "{several}"
        );
        let only = service(&data, upload, None).expect("a service");
        assert_eq!(only, Some(Service::Upload));
        service(&data, upload, Some(Service::Catalog)).expect_err("another");
        assert_eq!(service(&data, digest, None).expect("all"), None);
        find(&data, "/bin/sh", true).expect_err("it is no program of ours");
    }
}
