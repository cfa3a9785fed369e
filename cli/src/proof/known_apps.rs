//! Keys of apps that were used before, in `~/.config/slipway/known_apps`: one line `SERVER APP KEY` each, as `ssh` keeps
//! known hosts. A key that changes is refused, since whoever took over a server would serve its own with the files.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use slipway_runtime::data::{private_folder, write_whole};

use super::key::Key;
use crate::exit::{Exit, Stop};
use crate::terminal;

const HEADER: &str = "\
# Keys of apps, pinned by `slipway verify` and `slipway download` at their first use: SERVER APP KEY.
# Remove a line only when the app's publisher has told you in another way that its key is a new one.
";
/// In the place of a server, where none was named.
const NO_SERVER: &str = "-";

pub(crate) struct KnownApps {
    /// `None`: there is no place to keep them.
    path: Option<PathBuf>,
    pins: Vec<Pin>,
}

struct Pin {
    /// In the file, from 1.
    line: usize,
    server: String,
    app: String,
    key: Key,
}

/// What a key is to those who know the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was used before.
    Known,
    /// It is the first of its app, and is pinned now.
    First,
    /// It is the first, and nothing remembers it: another one would pass next time.
    NotKept,
}

impl Standing {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::First => "first",
            Self::NotKept => "not_kept",
        }
    }
}

impl KnownApps {
    /// Reads them. A line that cannot be read is an error: passed over, a changed key would pass for a first one.
    pub(crate) fn open() -> anyhow::Result<Self> {
        Self::read(folder().map(|folder| folder.join("known_apps")))
    }

    fn read(path: Option<PathBuf>) -> anyhow::Result<Self> {
        let text = match path.as_ref().map(fs::read_to_string) {
            Some(Ok(text)) => text,
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => {
                let shown = path.unwrap_or_default();
                let words = format!("could not read {}: {error}", shown.display());
                return Err(Stop::usage(words).into());
            }
            _ => String::new(),
        };
        let mut pins = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let pin = parse(index + 1, line).ok_or_else(|| {
                let shown = path.as_deref().unwrap_or(Path::new(""));
                Stop::usage(format!(
                    "{} is damaged in line {}: mend or remove it",
                    shown.display(),
                    index + 1
                ))
            })?;
            pins.push(pin);
        }
        Ok(Self { path, pins })
    }

    /// The keys of an app, of one server or of any.
    pub(crate) fn keys(&self, server: Option<&str>, app: &str) -> Vec<&Key> {
        self.of(server, app).map(|pin| &pin.key).collect()
    }

    fn of(&self, server: Option<&str>, app: &str) -> impl Iterator<Item = &Pin> {
        let pins = self.pins.iter();
        pins.filter(move |pin| pin.app == app && server.is_none_or(|server| pin.server == server))
    }

    /// Refuses a key that is another than before.
    pub(crate) fn check(
        &self,
        server: Option<&str>,
        app: &str,
        key: &Key,
    ) -> Result<Standing, Stop> {
        let pins: Vec<_> = self.of(server, app).collect();
        if pins.is_empty() {
            return Ok(Standing::First);
        }
        if pins.iter().any(|pin| pin.key == *key) {
            return Ok(Standing::Known);
        }
        let path = self.path.as_deref().unwrap_or(Path::new(""));
        let pinned: Vec<_> = pins
            .iter()
            .map(|pin| {
                format!(
                    "\n  pinned {} {} ({}, line {} of {})",
                    pin.key.id(),
                    pin.key.fingerprint(),
                    pin.server,
                    pin.line,
                    path.display()
                )
            })
            .collect();
        let words = format!(
            "NOT PROVEN: THE KEY OF {app} HAS CHANGED since its first use; somebody else may be serving files under its name{}\n  now    {} {}\nDo not use the file. Ask the app's publisher, in another way than through that server, whether the key is a new one; only then remove the line, and run the same command again",
            pinned.concat(),
            key.id(),
            key.fingerprint()
        );
        Err(Stop::new(Exit::Failed, "key_changed", words))
    }

    /// Checks the key of a file that is proven by it, and pins it if it is the app's first. Where that cannot be kept the
    /// proof stands all the same.
    pub(crate) fn take(
        &self,
        server: Option<&str>,
        app: &str,
        key: &Key,
    ) -> anyhow::Result<Standing> {
        let standing = self.check(server, app, key)?;
        if standing == Standing::Known {
            return Ok(standing);
        }
        let kept = match &self.path {
            Some(path) => pin(path, server, app, key),
            None => Err(anyhow::anyhow!("set HOME or XDG_CONFIG_HOME")),
        };
        match kept {
            Ok(()) => {
                terminal::note(format_args!(
                    "the key of {app} is pinned: from here on another one is refused"
                ));
                Ok(standing)
            }
            Err(error) if error.is::<Stop>() => Err(error),
            Err(error) => {
                terminal::warn(format_args!(
                    "the key of {app} could not be pinned, so that another one would pass next time: {error:#}"
                ));
                Ok(Standing::NotKept)
            }
        }
    }
}

fn parse(line: usize, text: &str) -> Option<Pin> {
    let mut words = text.split_whitespace();
    let (server, app, key) = (words.next()?, words.next()?, words.next()?);
    words.next().is_none().then_some(())?;
    Some(Pin {
        line,
        server: server.to_owned(),
        app: app.to_owned(),
        key: Key::parse(key)?,
    })
}

/// Adds a line, under a lock: two first uses at once, of two keys, must not both be the first.
fn pin(path: &Path, server: Option<&str>, app: &str, key: &Key) -> anyhow::Result<()> {
    let folder = path.parent().context("the file is in no folder")?;
    private_folder(folder)?;
    let lock = path.with_extension("lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock)?;
    lock.lock()?;
    let now = KnownApps::read(Some(path.to_owned()))?;
    if now.check(server, app, key)? == Standing::Known {
        return Ok(());
    }
    let mut text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => HEADER.to_owned(),
        Err(error) => return Err(error.into()),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let server = server.unwrap_or(NO_SERVER);
    write_whole(path, format!("{text}{server} {app} {key}\n"))
}

/// As the XDG Base Directory Specification 0.8 says.
fn folder() -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    Some(config?.join("slipway"))
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::LINE;
    use super::*;

    fn other() -> Key {
        Key::parse(&LINE.replace("B1Ea", "B1Eb")).expect("a key")
    }

    #[test]
    fn the_first_key_is_pinned_and_another_one_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("slipway/known_apps");
        let open = || KnownApps::read(Some(path.clone())).expect("known apps");
        let (key, server) = (Key::parse(LINE).expect("a key"), Some("https://a.example"));
        assert_eq!(
            open().take(server, "notes", &key).expect("a pin"),
            Standing::First
        );
        assert_eq!(
            open().take(server, "notes", &key).expect("a pin"),
            Standing::Known
        );
        assert_eq!(
            open().take(None, "notes", &key).expect("a pin"),
            Standing::Known
        );
        let refused = open().take(server, "notes", &other()).expect_err("another");
        for part in [
            key.fingerprint(),
            other().fingerprint(),
            "line 3".to_owned(),
        ] {
            assert!(refused.to_string().contains(&part), "{refused}");
        }
        open().take(None, "notes", &other()).expect_err("another");
        // Another server's app of this name is another app.
        let elsewhere = open().take(Some("https://b.example"), "notes", &other());
        assert_eq!(elsewhere.expect("a pin"), Standing::First);
        let text = fs::read_to_string(&path).expect("the file");
        assert!(
            text.ends_with(&format!("https://b.example notes {}\n", other())),
            "{text}"
        );
    }

    #[test]
    fn a_key_that_nothing_remembers_is_not_told_as_pinned() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a file");
        fs::write(&file, "").expect("a file");
        let key = Key::parse(LINE).expect("a key");
        let nowhere = KnownApps::read(None).expect("known apps");
        let in_a_file = KnownApps {
            path: Some(file.join("known_apps")),
            ..KnownApps::read(None).expect("known apps")
        };
        for known in [nowhere, in_a_file] {
            let standing = known.take(None, "notes", &key).expect("a proof");
            assert_eq!(standing, Standing::NotKept);
        }
    }

    #[test]
    fn two_first_uses_at_once_are_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("known_apps");
        let both = KnownApps::read(Some(path.clone())).expect("known apps");
        let key = Key::parse(LINE).expect("a key");
        both.take(None, "notes", &key).expect("a pin");
        both.take(None, "notes", &other()).expect_err("another");
    }

    #[test]
    fn a_damaged_line_is_no_first_use() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("known_apps");
        for line in [
            "https://a.example notes",
            "https://a.example notes RW",
            "- notes x y",
        ] {
            fs::write(&path, format!("# words\n{line}\n")).expect("a file");
            let error = KnownApps::read(Some(path.clone())).err().expect("an error");
            assert!(error.to_string().contains("line 2"), "{error}");
        }
    }
}
