//! The statements as files, beside the database: who puts an older copy of every database back finds here what was
//! stated since.
//!
//! A file is `<2 hex>/<64 hex>.json` in the folder, or in `further/` in it, the SHA-256 of the place of its statement. It is written whole,
//! before its signature leaves, and never again. Its MAC shows that this service wrote it: who can write to the disk,
//! but has no sealing key, can damage or remove a file, but not state anything.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use hmac::Mac as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slipway_runtime::data::{private_folder, sync_folder};

use crate::sealing::SealingKey;
use crate::statement::{Place, Position, Stated};

/// Bytes of the largest file that is read: ten times what a statement takes.
const MAX_SIZE: u64 = 16 * 1024;

/// What the name of a file begins with until it is whole.
const TEMPORARY: &str = ".new-";

/// Why a statement's file is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("the statement file {file} {fault}: put it back as it was")]
    Damaged { file: String, fault: &'static str },
    #[error(
        "the statement file {file} has the {field} {filed}, and signing's database has {kept}: put back the right one of the two"
    )]
    Differs {
        file: String,
        field: String,
        filed: String,
        kept: String,
    },
    #[error("the folder of the statements does not answer")]
    Unavailable(#[from] io::Error),
}

/// The folder of further statements, in that of the first ones: an earlier version looks into folders with two letters.
const FURTHER: &str = "further";

/// The folder of the statements at one position; cheap to clone.
#[derive(Clone)]
pub(crate) struct StatementFiles(Arc<Inner>);

struct Inner {
    position: Position,
    folder: PathBuf,
    sealing: Arc<SealingKey>,
    /// The keys by which something was stated, by app, at both positions.
    keys: Arc<Mutex<HashMap<String, BTreeSet<String>>>>,
    /// Files that were found damaged: the log says it once.
    reported: Mutex<HashSet<String>>,
}

impl StatementFiles {
    /// Opens the folder of the first statements, which is made when it is missing, and that of the further ones, which is
    /// made with the first of them.
    pub(crate) fn open(folder: PathBuf, sealing: &Arc<SealingKey>) -> anyhow::Result<[Self; 2]> {
        let folder = std::path::absolute(folder)?;
        private_folder(&folder)?;
        let further = folder.join(FURTHER);
        let keys = Arc::default();
        let places = [(Position::First, folder), (Position::Further, further)];
        Ok(places.map(|(position, folder)| {
            Self(Arc::new(Inner {
                position,
                folder,
                sealing: sealing.clone(),
                keys: Arc::clone(&keys),
                reported: Mutex::default(),
            }))
        }))
    }

    pub(crate) fn position(&self) -> Position {
        self.0.position
    }

    /// Whether the folder is there. It is made at a start alone: one that went away comes back with its files.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let folder = &self.0.folder;
        let read = tokio::fs::read_dir(folder).await;
        read.map(drop)
            .with_context(|| format!("the statements {} do not answer", folder.display()))
    }

    /// What was stated at `place`.
    pub(crate) async fn read(&self, place: Place) -> Result<Option<Stated>, FileError> {
        self.blocking(move |files| files.look(&place)).await
    }

    /// Sees to it that the file of a statement is there and survives the loss of power. Returns what it says: an instance
    /// of another version may have written it this moment, with fewer fields than the row has, or with more.
    pub(crate) async fn keep(&self, stated: &Stated) -> Result<Stated, FileError> {
        let stated = stated.clone();
        let kept = move |files: &Inner| {
            let place = stated.place(files.position);
            files.write_all(&[stated])?;
            let filed = files.look(&place)?;
            filed.ok_or_else(|| io::Error::other("a statement file went away").into())
        };
        self.blocking(kept).await
    }

    /// The keys by which something was stated for an app.
    pub(crate) fn keys_of(&self, app: &str) -> Vec<String> {
        let keys = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(app).into_iter().flatten().cloned().collect()
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, FileError> {
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        let done = done.map_err(io::Error::other)?;
        if let Err(error @ (FileError::Damaged { file, .. } | FileError::Differs { file, .. })) =
            &done
        {
            self.report(file, error);
        }
        done
    }

    fn report(&self, file: &str, error: &FileError) {
        let reported = &self.0.reported;
        let mut reported = reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.insert(file.to_owned()) {
            tracing::error!(%error, "nothing is signed under the name that this file is for");
        }
    }
}

/// What a start does, where nothing else runs yet: it may block.
impl StatementFiles {
    /// The folders that hold the files.
    pub(crate) fn shards(&self) -> io::Result<Vec<PathBuf>> {
        let mut shards = Vec::new();
        let entries = match fs::read_dir(&self.0.folder) {
            Err(error) if self.0.is_made_later() && error.kind() == io::ErrorKind::NotFound => {
                return Ok(shards);
            }
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            // A volume may have a `lost+found`.
            if name(&path).len() == 2 && path.is_dir() {
                shards.push(path);
            }
        }
        Ok(shards)
    }

    /// Every statement of one of the folders. What a killed process left half-written is removed.
    pub(crate) fn read_shard(&self, shard: &Path) -> Result<Vec<Stated>, FileError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(shard)? {
            let path = entry?.path();
            if name(&path).starts_with(TEMPORARY) {
                // It may be one that another instance writes now: that one fails, and is asked again.
                fs::remove_file(&path).or_else(ignore_missing)?;
            } else if name(&path).ends_with(".json") {
                found.extend(self.0.open(&path)?);
            } else {
                tracing::warn!(file = %path.display(), "this is no statement file and is not read");
            }
        }
        Ok(found)
    }

    /// Writes the files of statements that have none.
    pub(crate) fn write_all(&self, statements: &[Stated]) -> Result<(), FileError> {
        self.0.write_all(statements)
    }

    /// Compares a file with its row.
    pub(crate) fn compare(&self, filed: &Stated, kept: &Stated) -> Result<(), FileError> {
        self.0.compare(filed, kept)
    }

    /// The files' folder, for words about it.
    pub(crate) fn folder(&self) -> &Path {
        &self.0.folder
    }
}

impl Inner {
    fn path(&self, place: &Place) -> PathBuf {
        let hash = place.hash();
        self.folder.join(&hash[..2]).join(format!("{hash}.json"))
    }

    /// Whether the folder is there from its first statement on, and not from a start.
    fn is_made_later(&self) -> bool {
        self.position == Position::Further
    }

    fn make_shard(&self, shard: &Path) -> io::Result<()> {
        if self.is_made_later() {
            make_folder(&self.folder)?;
            sync_folder(self.folder.parent().unwrap_or(&self.folder))?;
        }
        make_folder(shard)
    }

    fn look(&self, place: &Place) -> Result<Option<Stated>, FileError> {
        self.open(&self.path(place))
    }

    /// Reads a file and proves that it is what was written under this name.
    fn open(&self, path: &Path) -> Result<Option<Stated>, FileError> {
        let damaged = |fault| FileError::Damaged {
            file: self.said(path),
            fault,
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut text = Vec::new();
        file.take(MAX_SIZE).read_to_end(&mut text)?;
        let mut fields: BTreeMap<String, Value> =
            serde_json::from_slice(&text).map_err(|_| damaged("cannot be read"))?;
        let mac = fields.remove("mac");
        let mac = mac.as_ref().and_then(Value::as_str).unwrap_or_default();
        let message = canonical(&fields);
        let proven = hex::decode(mac)
            .is_ok_and(|mac| self.mac().chain_update(message).verify_slice(&mac).is_ok());
        if !proven {
            return Err(damaged("is not as signing wrote it"));
        }
        let stated: Stated = serde_json::from_value(fields.into_iter().collect())
            .map_err(|_| damaged("lacks a field that a statement has"))?;
        if self.path(&stated.place(self.position)) != path {
            return Err(damaged("is that of another name or version"));
        }
        self.remember(&stated);
        Ok(Some(stated))
    }

    fn write_all(&self, statements: &[Stated]) -> Result<(), FileError> {
        let mut shards = BTreeSet::new();
        for stated in statements {
            let path = self.path(&stated.place(self.position));
            let shard = path.parent().unwrap_or(&self.folder).to_owned();
            if let Some(filed) = self.open(&path)? {
                self.compare(&filed, stated)?;
            } else {
                if shards.insert(shard.clone()) {
                    self.make_shard(&shard)?;
                }
                self.write(&shard, &path, stated)?;
            }
            self.remember(stated);
            shards.insert(shard);
        }
        // Also for a file that was there: another instance may have written it this moment.
        for shard in &shards {
            sync_folder(shard)?;
        }
        sync_folder(&self.folder)?;
        Ok(())
    }

    /// Writes a file unless there is one, with which the statement is compared then.
    fn write(&self, shard: &Path, path: &Path, stated: &Stated) -> Result<(), FileError> {
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(shard)?;
        file.write_all(&self.encode(stated)?)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                let filed = self.open(path)?;
                let filed = filed.ok_or_else(|| io::Error::other("a statement file went away"))?;
                self.compare(&filed, stated)
            }
            Err(error) => Err(error.error.into()),
        }
    }

    /// The text of a file: the fields of the statement and the MAC over them.
    fn encode(&self, stated: &Stated) -> Result<Vec<u8>, FileError> {
        let mut fields = fields(stated)?;
        let mac = self.mac().chain_update(canonical(&fields)).finalize();
        let mac = hex::encode(mac.into_bytes());
        fields.insert("mac".to_owned(), mac.into());
        let mut text = canonical(&fields);
        text.push(b'\n');
        Ok(text)
    }

    fn mac(&self) -> hmac::Hmac<Sha256> {
        self.sealing.statement_mac()
    }

    /// Compares what both say: an earlier version knows not every field, and takes those it knows from the one to the other.
    fn compare(&self, filed: &Stated, kept: &Stated) -> Result<(), FileError> {
        let mut ours = fields(kept)?;
        let both = fields(filed)?.into_iter().filter_map(|(field, filed)| {
            let kept = ours.remove(&field)?;
            Some((field, filed, kept))
        });
        match both.into_iter().find(|(_, filed, kept)| filed != kept) {
            None => Ok(()),
            Some((field, theirs, kept)) => Err(FileError::Differs {
                file: self.said(&self.path(&filed.place(self.position))),
                filed: theirs.to_string(),
                kept: kept.to_string(),
                field,
            }),
        }
    }

    fn remember(&self, stated: &Stated) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = keys.entry(stated.app.clone()).or_default();
        if !keys.contains(&stated.key_id) {
            keys.insert(stated.key_id.clone());
        }
    }

    /// A file in words that also a developer may read: without the folders above.
    fn said(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.folder).unwrap_or(path);
        format!("{}/{}", name(&self.folder), inside.display())
    }
}

impl Place {
    /// The name of its file: SHA-256, in hex, of a JSON array, in which no field can end early and begin another.
    pub(crate) fn hash(&self) -> String {
        let place = json!([self.app, self.version_key, self.filename]);
        hex::encode(Sha256::digest(place.to_string()))
    }
}

fn fields(stated: &Stated) -> io::Result<BTreeMap<String, Value>> {
    let value = serde_json::to_value(stated)?;
    Ok(serde_json::from_value(value)?)
}

/// One spelling for the same fields, in the order of their names. The fields of a later version are covered too.
fn canonical(fields: &BTreeMap<String, Value>) -> Vec<u8> {
    json!(fields).to_string().into_bytes()
}

fn name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

fn make_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound {
        return Ok(());
    }
    Err(error)
}
