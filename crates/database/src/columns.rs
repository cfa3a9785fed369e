//! What several services have of a package in columns of the same names, as types.

use std::error::Error;

use slipway_contract::package::File;
use sqlx::any::{AnyRow, AnyTypeInfo, AnyValueRef};
use sqlx::error::BoxDynError;
use sqlx::{Any, Decode, FromRow, Result, Row as _, Type};

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

/// A column of text as a type where there may be none of it: `Option<Parsed<Digest>>`. What cannot be read is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed<T>(pub T);

impl<T> Type<Any> for Parsed<T> {
    fn type_info() -> AnyTypeInfo {
        <String as Type<Any>>::type_info()
    }

    fn compatible(ty: &AnyTypeInfo) -> bool {
        <String as Type<Any>>::compatible(ty)
    }
}

impl<'r, T: TryFrom<String, Error: Error + Send + Sync + 'static>> Decode<'r, Any> for Parsed<T> {
    fn decode(value: AnyValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <String as Decode<'r, Any>>::decode(value)?;
        Ok(Self(text.try_into()?))
    }
}

/// What stands in a column cannot be read.
pub fn undecodable(error: impl Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
