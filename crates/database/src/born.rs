//! Whether a database is the one that this service made: an empty one in its place would be taken for the truth.
//!
//! A database gets an id with its first tables, a UUID that never changes, and `DIR/<service>/born` then holds that id.
//! A start with `born` and another database, or none, is refused before anything is made or changed. Without `born`
//! the id that is there is noted: that of a database of 0.1.0, of a start that ended between the two, or of a folder
//! that joins others on one PostgreSQL server.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::Context as _;
use sqlx::any::AnyConnectOptions;
use sqlx::migrate::Migrate as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AnyConnection, ConnectOptions as _, Connection as _, Executor as _, query, query_scalar,
};
use uuid::Uuid;

use slipway_runtime::data::{sync_folder, write_whole};

/// PostgreSQL's `invalid_catalog_name`.
const NO_SUCH_DATABASE: &str = "3D000";

/// Why a start is refused.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} says that this service has a database already, and {database} {what}. Put that database back, or remove {} to {otherwise}",
    born.display(),
    born.display()
)]
pub(crate) struct Unborn {
    born: PathBuf,
    /// The database without its password.
    database: String,
    what: &'static str,
    otherwise: &'static str,
}

const BEGIN_EMPTY: &str = "begin with an empty one";
const TAKE_IT: &str = "begin with what is there";

/// Looks whose database is at `url`, and notes it in `folder` when that is not done yet. Called under the lock of
/// migrations, before there are any tables.
pub(crate) async fn check(url: &str, folder: &Path) -> anyhow::Result<()> {
    let born = folder.join("born");
    let expected = read(&born)?;
    let refused = |what, otherwise| Unborn {
        born: born.clone(),
        database: name(url),
        what,
        otherwise,
    };
    // Opening it would make the file.
    if expected.is_some() && sqlite_file(url)?.is_some_and(|file| is_missing(&file)) {
        return Err(refused("is missing or empty", BEGIN_EMPTY).into());
    }
    let mut connection = match AnyConnectOptions::from_str(url)?.connect().await {
        Err(sqlx::Error::Database(error))
            if expected.is_some() && error.code().as_deref() == Some(NO_SUCH_DATABASE) =>
        {
            return Err(refused("is missing", BEGIN_EMPTY).into());
        }
        connected => connected.context("could not open the database")?,
    };
    // On PostgreSQL two processes cannot make the same table at once. The connection's end lets the lock go too.
    connection.lock().await?;
    let id = identify(&mut connection, expected.as_deref()).await?;
    connection.unlock().await?;
    connection.close().await?;
    match (expected, id) {
        (Some(_), None) => Err(refused("is empty, or older than that file", TAKE_IT).into()),
        (Some(expected), Some(id)) if expected != id => {
            Err(refused("is another database", TAKE_IT).into())
        }
        (Some(_), Some(_)) => Ok(()),
        (None, id) => {
            // SQLite does not sync that it has removed its journal, which would take the id back. Where the note alone
            // survived a loss of power, every start would be refused.
            sync_folder(folder)?;
            write_whole(&born, format!("{}\n", id.unwrap_or_default()))
        }
    }
}

/// The database's id, made now when it has none and none is expected. A refusal leaves the database as it was.
async fn identify(
    connection: &mut AnyConnection,
    expected: Option<&str>,
) -> anyhow::Result<Option<String>> {
    let mut transaction = connection.begin().await?;
    transaction
        .execute("CREATE TABLE IF NOT EXISTS slipway_database (id text PRIMARY KEY)")
        .await
        .context("could not look into the database")?;
    let mut id: Option<String> = query_scalar("SELECT id FROM slipway_database")
        .fetch_optional(&mut *transaction)
        .await?;
    if id.is_none() && expected.is_none() {
        let new = Uuid::now_v7().to_string();
        query("INSERT INTO slipway_database (id) VALUES ($1)")
            .bind(&new)
            .execute(&mut *transaction)
            .await?;
        id = Some(new);
    }
    if expected.is_none() {
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(id)
}

fn read(born: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(born) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("could not read {}", born.display())),
    }
}

fn sqlite_file(url: &str) -> anyhow::Result<Option<PathBuf>> {
    if !url.starts_with("sqlite:") {
        return Ok(None);
    }
    let options = SqliteConnectOptions::from_str(url)?;
    Ok(Some(options.get_filename().to_owned()))
}

fn is_missing(file: &Path) -> bool {
    fs::metadata(file).map_or(true, |file| file.len() == 0)
}

/// The database as an operator knows it: a password must reach no log.
pub(crate) fn name(url: &str) -> String {
    if let Ok(Some(file)) = sqlite_file(url) {
        return file.display().to_string();
    }
    let Ok(options) = AnyConnectOptions::from_str(url) else {
        return "the database".to_owned();
    };
    let mut url = options.database_url;
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_told() {
        let named = name("postgres://slipway:secret@db.example.org:5432/catalog?password=secret");
        assert_eq!(named, "postgres://slipway@db.example.org:5432/catalog");
        assert_eq!(
            name("sqlite:///var/lib/catalog.db?mode=rwc"),
            "/var/lib/catalog.db"
        );
    }
}
