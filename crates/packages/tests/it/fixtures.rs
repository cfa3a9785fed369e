//! Real APKs, from the folder that `SLIPWAY_FIXTURES` names: `settings_apk-debug.apk` of Appium's
//! settings app and its `UiAutomator2` server. `./test` fetches them.

use std::{env, fs, path::PathBuf};

pub(crate) struct Apk {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// All of them; none, said as a skip, where the folder is not named.
pub(crate) fn apks() -> Vec<Apk> {
    let Some(folder) = env::var_os("SLIPWAY_FIXTURES") else {
        super::skip("the real APKs, because SLIPWAY_FIXTURES is not set (./test sets it)");
        return Vec::new();
    };
    let apks: Vec<Apk> = fs::read_dir(&folder)
        .expect("SLIPWAY_FIXTURES names a folder")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "apk"))
        .map(|path| Apk {
            bytes: fs::read(&path).expect("the APK can be read"),
            path,
        })
        .collect();
    assert!(!apks.is_empty(), "{} holds no APK", folder.display());
    apks
}
