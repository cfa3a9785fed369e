//! What a key is for: one key serves one role, one format and one app.
//!
//! An uploader chooses the bytes of a package, so a key that served two formats could be made to sign a message of the
//! one that is a valid message of the other.

use slipway_contract::Slug;

/// What a key is for; it never changes, and the seal covers it.
pub(crate) struct Purpose<'a> {
    pub(crate) key_id: &'a str,
    pub(crate) role: Role,
    pub(crate) format: Format,
    pub(crate) app: &'a Slug,
}

#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Signs what an app publishes.
    Release,
}

#[derive(Clone, Copy)]
pub(crate) enum Format {
    Minisign,
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
        }
    }
}

impl Format {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Minisign => "minisign",
        }
    }
}

impl<'a> Purpose<'a> {
    /// The key that signs the releases of an app in minisign's format.
    pub(crate) fn release_minisign(key_id: &'a str, app: &'a Slug) -> Self {
        Self {
            key_id,
            role: Role::Release,
            format: Format::Minisign,
            app,
        }
    }

    /// One spelling for one purpose: in JSON no field can end early and begin another.
    pub(crate) fn canonical(&self) -> Vec<u8> {
        let fields = [
            "slipway key 1",
            self.key_id,
            self.role.as_str(),
            self.format.as_str(),
            self.app.as_str(),
        ];
        serde_json::Value::from(fields.as_slice())
            .to_string()
            .into_bytes()
    }
}
