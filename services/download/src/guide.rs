//! How to prove a download, in commands to copy.
//!
//! A publisher chooses the name of a file and a visitor pastes it into a shell: a name such as `$(id).apk` must arrive
//! there as a name and nothing else.

use slipway_contract::Platform;

use crate::labels;
use crate::texts::Texts;

/// A system and its commands for one file.
pub(crate) struct Guide {
    pub(crate) platform: Platform,
    pub(crate) name: &'static str,
    /// Where the signature is.
    pub(crate) address: String,
    /// How to get minisign.
    pub(crate) install: &'static str,
    /// Proves the file with its signature beside it.
    pub(crate) signature: String,
    /// Compares its SHA-256.
    pub(crate) digest: String,
    /// What the second command shows when all is well.
    pub(crate) outcome: String,
}

impl Guide {
    pub(crate) fn on_phone(&self) -> bool {
        self.platform == Platform::Android
    }
}

/// The systems that have commands, in the order in which they stand.
pub(crate) const SYSTEMS: [Platform; 4] = [
    Platform::Linux,
    Platform::Macos,
    Platform::Windows,
    Platform::Android,
];

/// The system whose commands are shown open to a visitor on `system`.
pub(crate) fn open_for(system: Option<Platform>) -> Platform {
    let other = system.filter(|system| *system != Platform::Ios);
    other.unwrap_or(Platform::Linux)
}

/// The file that a guide is about.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) filename: &'a str,
    pub(crate) address: &'a str,
    /// In hex.
    pub(crate) sha256: &'a str,
    /// The second line of `minisign.pub`.
    pub(crate) key: &'a str,
}

pub(crate) fn guide(platform: Platform, subject: Subject, texts: &Texts) -> Guide {
    let Subject {
        filename,
        address,
        sha256,
        key,
    } = subject;
    let name = relative(filename);
    let (install, sums) = match platform {
        Platform::Windows => ("scoop install minisign", None),
        Platform::Macos => ("brew install minisign", Some("shasum -a 256")),
        Platform::Android => ("pkg install minisign", Some("sha256sum")),
        Platform::Linux | Platform::Ios | Platform::Harmony | Platform::Any | Platform::None => {
            ("sudo apt install minisign", Some("sha256sum"))
        }
    };
    let (name, digest, outcome) = if let Some(sums) = sums {
        let line = for_posix(&format!("{sha256}  {name}"));
        let digest = format!("echo {line} | {sums} -c -");
        (for_posix(&name), digest, texts.says_ok.to_owned())
    } else {
        let name = for_windows(&name);
        let digest = format!("certutil -hashfile {name} SHA256");
        (name, digest, texts.with(texts.shows, sha256))
    };
    Guide {
        platform,
        name: labels::platform(platform, texts),
        address: format!("{address}.minisig"),
        install,
        signature: format!("minisign -Vm {name} -P {key}"),
        digest,
        outcome,
    }
}

/// A name that begins with `-` would be read as an option.
fn relative(filename: &str) -> String {
    if filename.starts_with('-') {
        format!("./{filename}")
    } else {
        filename.to_owned()
    }
}

fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '_' | '-' | '+' | '/')
}

fn for_posix(text: &str) -> String {
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Neither cmd nor PowerShell can be given every name by quoting; one that they could misread is left to the reader.
fn for_windows(text: &str) -> String {
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    if text
        .chars()
        .all(|character| is_plain(character) || matches!(character, ' ' | '(' | ')'))
    {
        return format!("\"{text}\"");
    }
    "FILE".to_owned()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use slipway_runtime::http::page::Language;

    use super::*;

    const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn of(platform: Platform, filename: &str) -> Guide {
        guide(
            platform,
            Subject {
                filename,
                address: "/d/notes/1.0/file",
                sha256: SHA256,
                key: "RWQkey",
            },
            crate::texts::of(Language::English),
        )
    }

    #[test]
    fn plain_names_need_no_quotes() {
        let linux = of(Platform::Linux, "notes-1.0.deb");
        assert_eq!(linux.signature, "minisign -Vm notes-1.0.deb -P RWQkey");
        assert_eq!(
            linux.digest,
            format!("echo '{SHA256}  notes-1.0.deb' | sha256sum -c -")
        );
        assert_eq!(
            of(Platform::Windows, "Notes (x64).exe").digest,
            "certutil -hashfile \"Notes (x64).exe\" SHA256"
        );
    }

    #[test]
    fn no_name_means_more_than_a_name_to_a_shell() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in [
            "$(touch harm).apk",
            "a';touch harm;'.apk",
            "`touch harm`",
            "-c",
            "a b&touch harm.exe",
            "%PATH%",
            "a\"b",
        ] {
            std::fs::write(folder.path().join(name), "").expect("an empty file");
            let command = of(Platform::Linux, name).digest;
            let output = Command::new("sh")
                .arg("-c")
                .arg(&command)
                .current_dir(&folder)
                .output()
                .expect("sh");
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success() && text.ends_with(": OK\n"),
                "{command}: {text}"
            );
            assert!(!folder.path().join("harm").exists(), "{command}");
            let windows = of(Platform::Windows, name).signature;
            assert!(
                !windows.contains(['$', '%', '&', '`', '\'', ';']),
                "{windows}"
            );
        }
    }
}
