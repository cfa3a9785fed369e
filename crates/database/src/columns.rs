//! What several services have of a package in columns of the same names, as types.

use slipway_contract::package::File;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Result, Row as _};

/// The columns `filename`, `sha256`, `size`, `kind`, `platform` and `arch` of a row:
/// `#[sqlx(flatten, try_from = "FileColumns")]` before a field of the type [`File`].
pub struct FileColumns(File);

impl From<FileColumns> for File {
    fn from(FileColumns(file): FileColumns) -> Self {
        file
    }
}

impl<'r> FromRow<'r, AnyRow> for FileColumns {
    /// Fails when the name or the digest is none: then the row is damaged, and nothing of it may be served.
    fn from_row(row: &'r AnyRow) -> Result<Self> {
        let text = |column: &str| row.try_get::<String, _>(column);
        let words = [text("kind")?, text("platform")?, text("arch")?];
        let size = row.try_get("size")?;
        let file = File::read(&text("filename")?, &text("sha256")?, size, words);
        file.map(Self).map_err(undecodable)
    }
}

/// What stands in a column cannot be read.
pub fn undecodable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
