//! The secrets of a platform: made at its first start, and kept. The names of the folders on the way to them are synced too:
//! a sealing key whose folder is gone after a power cut takes every key of every app with it.

use std::fs;

use slipway_contract::services::NAMES;
use slipway_runtime::data::{DataDir, keep_or_write, write_whole};
use slipway_runtime::key::Key;
use slipway_runtime::token::Token;

use crate::authority::Authorities;

/// Makes what is missing of folders and secrets (`slipway init`); what is there stays.
pub fn prepare(data: &DataDir) -> anyhow::Result<()> {
    data.make_folders()?;
    remove_pair_keys(data)?;
    keep_or_write(&data.sealing_key(), || Ok(Key::random()?.to_text()))?;
    keep_or_write(&data.feed_key(), || Ok(Key::random()?.to_text()))?;
    keep_or_write(&data.admin_token(), new_token)?;
    Authorities::open(data)?.equip(&data.services()?)
}

/// Puts another token in the place of the administrator's; the catalog takes it within ten seconds.
pub(crate) fn replace_admin_token(data: &DataDir) -> anyhow::Result<()> {
    write_whole(&data.admin_token(), new_token()?)
}

/// Removes the keys that internal calls were signed with in 0.1.0.
fn remove_pair_keys(data: &DataDir) -> anyhow::Result<()> {
    for service in NAMES {
        for entry in fs::read_dir(data.secrets(service))? {
            let (name, path) = entry.map(|entry| (entry.file_name(), entry.path()))?;
            let name = name.to_string_lossy();
            if name == "internal.key" || (name.starts_with("call-") && name.ends_with(".key")) {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

fn new_token() -> anyhow::Result<String> {
    Ok(format!("{}\n", Token::random()?.reveal()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_init_changes_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path().join("data"));
        prepare(&data).expect("the first init");
        let token = fs::read_to_string(data.admin_token()).expect("the admin token");
        let certificate = data.secrets("catalog").join("certificate.pem");
        let before = fs::read(&certificate).expect("a certificate");
        prepare(&data).expect("the second init");
        assert_eq!(fs::read_to_string(data.admin_token()).unwrap(), token);
        assert_eq!(fs::read(certificate).unwrap(), before);
    }
}
