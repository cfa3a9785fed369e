//! Which programs may be started: those of a release that is signed by the key pinned on this machine.
//!
//! The attack: somebody who may write where programs are, or who has taken over the server that releases are fetched from,
//! lets `up` start a program of his own. So the key is never taken from a server, nor from a first use: a person writes its
//! line into `known_apps`.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use slipway_contract::Digest;
use slipway_runtime::data::DataDir;
use slipway_signatures::minisign::verify_file;

use crate::proof::key::Key;
use crate::proof::known_apps::KnownApps;
use crate::proof::statement::Statement;
use crate::proof::text;
use crate::terminal;

/// The app that Slipway itself is released as.
const APP: &str = "slipway";

/// Where the signature of a program lies: beside its folder, which holds the program alone.
pub(crate) fn signature_of(data: &DataDir, digest: Digest) -> PathBuf {
    data.versions().join(format!("{digest}.minisig"))
}

/// Refuses a program that is in no release; where that is allowed (`unsigned`), it says so instead.
///
/// # Errors
/// In words for the operator: no key is pinned, there is no signature, or it is not of that key, app, name and machine.
pub(crate) fn check(
    data: &DataDir,
    digest: Digest,
    program: &Path,
    unsigned: bool,
) -> anyhow::Result<()> {
    let known = KnownApps::open()?;
    let keys = known.keys(None, APP);
    let checked = is_released(&keys, &signature_of(data, digest), program);
    match checked {
        Err(error) if unsigned => {
            terminal::warn(format_args!(
                "UNSIGNED PROGRAM {}: {error:#}; it is started, as --unsigned says",
                program.display()
            ));
            Ok(())
        }
        checked => checked.with_context(|| {
            format!(
                "{} is not started, since nothing proves that it is released; to start it all the same: --unsigned",
                program.display()
            )
        }),
    }
}

fn is_released(keys: &[&Key], signature: &Path, program: &Path) -> anyhow::Result<()> {
    ensure!(
        !keys.is_empty(),
        "no key of {APP} is pinned: write `- {APP} KEY` into ~/.config/slipway/known_apps, with the key as its publisher tells it"
    );
    let signature = text::read(signature)?;
    let mut refused = None;
    for key in keys {
        match verify_file(File::open(program)?, &signature, &key.as_file()) {
            Ok(verified) => return is_named(&Statement::of(&verified.comment), program),
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) => Err(error.into()),
        None => bail!("no key was tried"),
    }
}

/// A release has one program a machine of a name, such as `slipway-upload-x86_64`: another one of it is no program of this
/// service, whoever signed it.
fn is_named(statement: &Statement, program: &Path) -> anyhow::Result<()> {
    let app = statement.app.as_ref().map(ToString::to_string);
    ensure!(
        app.as_deref() == Some(APP),
        "it was released as the app {}",
        app.as_deref().unwrap_or("(none)")
    );
    let name = program.file_name().and_then(|name| name.to_str());
    let expected = format!("{}-{}", name.unwrap_or_default(), std::env::consts::ARCH);
    let file = statement.file.as_deref().unwrap_or_default();
    ensure!(
        file == expected,
        "it was released as {file}, not as {expected}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use slipway_signatures::minisign::{KeyId, Prehasher, SecretKey, TrustedComment};

    use super::*;

    /// Of a program's bytes, released as `app` and `file`.
    fn signed(key: u8, app: &str, file: &str, bytes: &[u8]) -> (Key, String) {
        let secret = SecretKey::from_seed(KeyId::from_bytes([key; 8]), &[key; 32]);
        let mut prehasher = Prehasher::default();
        prehasher.update(bytes);
        let comment = TrustedComment {
            timestamp: 1_795_000_000,
            file: file.parse().expect("a file name"),
            version: "0.6.0+7".parse().expect("a version"),
            app: app.parse().expect("a slug"),
            sha256: Digest::from_bytes([7; 32]),
            size: Some(bytes.len() as u64),
        };
        let public = Key::parse(&secret.public_key().to_string()).expect("a key");
        (public, secret.sign(&prehasher.finish(), &comment))
    }

    #[test]
    fn only_what_the_pinned_key_released_under_this_name_is_started() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = folder.path().join("slipway-upload");
        let signature = folder.path().join("one.minisig");
        fs::write(&program, "the program").expect("a file");
        let arch = std::env::consts::ARCH;
        let own = format!("slipway-upload-{arch}");
        let other = format!("slipway-signing-{arch}");
        let (key, good) = signed(1, APP, &own, b"the program");
        let told = |keys: &[&Key], text: &str| {
            fs::write(&signature, text).expect("a file");
            is_released(keys, &signature, &program).map_err(|error| format!("{error:#}"))
        };
        told(&[&key], &good).expect("it is released");
        let (stranger, strange) = signed(2, APP, &own, b"the program");
        told(&[&stranger, &key], &good).expect("one of the keys is enough");
        for (text, why) in [
            (strange, "another key"),
            (signed(1, APP, &own, b"another program").1, "other bytes"),
            (signed(1, "notes", &own, b"the program").1, "another app"),
            (signed(1, APP, &other, b"the program").1, "another service"),
            (
                signed(1, APP, "slipway-upload", b"the program").1,
                "no machine",
            ),
            (String::new(), "no signature"),
        ] {
            told(&[&key], &text).expect_err(why);
        }
        let unpinned = told(&[], &good).expect_err("no key");
        assert!(unpinned.contains("known_apps"), "{unpinned}");
    }
}
