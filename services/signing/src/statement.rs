//! Statements: these bytes are this file of this version of this app.
//!
//! A name in a version is stated once and for ever. Who could have two sets of bytes signed under one name could show
//! one person another app than everybody else.

use serde::{Deserialize, Serialize};
use slipway_contract::{Digest, FileName, Slug, Version};
use slipway_signatures::minisign::TrustedComment;
use sqlx::FromRow;

/// What the catalog wants signed; each field can only hold what its type allows. Fields of a later catalog are not
/// known here and change nothing.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub(crate) struct Statement {
    pub(crate) app: Slug,
    pub(crate) version: Version,
    pub(crate) filename: FileName,
    pub(crate) sha256: Digest,
    /// Bytes.
    pub(crate) size: u64,
    /// The key that the catalog has given out as the app's; none from a catalog of 0.1.0.
    pub(crate) key_id: Option<String>,
    /// The catalog's clock, in Unix milliseconds; none from a catalog of 0.2.0.
    pub(crate) now: Option<i64>,
}

/// No package has so many bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SizeInvalid;

/// What was stated: everything that fixes the bytes of a signature. It is a row and a file.
#[expect(clippy::struct_field_names, reason = "as the columns")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub(crate) struct Stated {
    pub(crate) app: String,
    /// As the developer wrote it.
    pub(crate) version: String,
    /// [`Version::precedence_key`] of a first statement, [`Version::order_key`] of a further one.
    pub(crate) version_key: String,
    pub(crate) filename: String,
    /// In hex.
    pub(crate) sha256: String,
    /// Bytes.
    pub(crate) size: i64,
    pub(crate) key_id: String,
    /// Unix milliseconds; the whole seconds are in the signature.
    pub(crate) stated_at: i64,
    /// The size as the signature says it; none in what was stated before 0.5.0, whose signatures do not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signed_size: Option<i64>,
}

/// Which of the statements under one name in an app whose versions differ in nothing but their build.
///
/// Up to 0.3.0 such versions were one to this service. An instance of that kind beside us finds the first statement, and
/// states none of the others. So nothing is stated as a further one before there is a first one, as a row and as a file,
/// and the first one stays what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Position {
    First,
    Further,
}

/// Where something is stated, once and for ever: an app, the order of a version and a name in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) app: String,
    pub(crate) version_key: String,
    pub(crate) filename: String,
}

impl Position {
    pub(crate) fn key(self, version: &Version) -> &str {
        match self {
            Self::First => version.precedence_key(),
            Self::Further => version.order_key(),
        }
    }
}

impl Statement {
    pub(crate) fn place(&self, position: Position) -> Place {
        Place {
            app: self.app.to_string(),
            version_key: position.key(&self.version).to_owned(),
            filename: self.filename.to_string(),
        }
    }

    /// What is stated of it by the key `key_id` at `stated_at`, unless something is stated already.
    pub(crate) fn stated(
        &self,
        position: Position,
        key_id: &str,
        stated_at: i64,
    ) -> Result<Stated, SizeInvalid> {
        let size = i64::try_from(self.size).map_err(|_| SizeInvalid)?;
        Ok(Stated {
            app: self.app.to_string(),
            version: self.version.to_string(),
            version_key: position.key(&self.version).to_owned(),
            filename: self.filename.to_string(),
            sha256: self.sha256.to_string(),
            size,
            key_id: key_id.to_owned(),
            stated_at,
            signed_size: Some(size),
        })
    }

    /// The message of what was stated, which says the same as this statement.
    pub(crate) fn comment(&self, stated: &Stated) -> TrustedComment {
        TrustedComment {
            timestamp: stated.stated_at.div_euclid(1000),
            file: self.filename.clone(),
            version: self.version.clone(),
            app: self.app.clone(),
            sha256: self.sha256,
            size: stated.signed_size.map(|_| self.size),
        }
    }
}

impl Stated {
    /// The order of the version is computed anew: a row is not believed when it says that its version is another one.
    pub(crate) fn place(&self, position: Position) -> Place {
        let version = self.version.parse::<Version>();
        let version_key = version.map(|version| position.key(&version).to_owned());
        Place {
            app: self.app.clone(),
            version_key: version_key.unwrap_or_else(|_| self.version_key.clone()),
            filename: self.filename.clone(),
        }
    }

    /// Whether it is about this version, in whatever spelling.
    pub(crate) fn is_about(&self, version: &Version) -> bool {
        let own = self.version.parse::<Version>();
        own.is_ok_and(|own| own == *version)
    }

    /// The same as a statement at another position.
    pub(crate) fn at(&self, position: Position) -> Self {
        Self {
            version_key: self.place(position).version_key,
            ..self.clone()
        }
    }

    /// Whether both state the same, in the same words: `1.0` and `1.0.0` are one version, but two texts.
    pub(crate) fn says_the_same_as(&self, other: &Self) -> bool {
        self.app == other.app
            && self.version == other.version
            && self.filename == other.filename
            && self.sha256 == other.sha256
            && self.size == other.size
    }
}
