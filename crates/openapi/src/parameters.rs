//! Parameters that several operations take. The types say where they stand; handlers read them by extractors of their own.

#![expect(
    dead_code,
    reason = "fields are names of parameters; nothing reads them"
)]

use utoipa::IntoParams;

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AppPath {
    /// The app's slug.
    #[param(pattern = "^[a-z0-9][a-z0-9-]{0,62}$", example = "notes")]
    app: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ReleasePath {
    /// The app's slug.
    #[param(pattern = "^[a-z0-9][a-z0-9-]{0,62}$", example = "notes")]
    app: String,
    /// The version, in any spelling that is equal in order. A `+` is written `%2B`.
    #[param(min_length = 1, max_length = 64, example = "1.2.3")]
    version: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ChannelPath {
    /// The app's slug.
    #[param(pattern = "^[a-z0-9][a-z0-9-]{0,62}$", example = "notes")]
    app: String,
    /// The channel, a slug.
    #[param(pattern = "^[a-z0-9][a-z0-9-]{0,62}$", example = "stable")]
    channel: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct FilePath {
    /// The app's slug.
    #[param(pattern = "^[a-z0-9][a-z0-9-]{0,62}$", example = "notes")]
    app: String,
    /// The version, with or without the `v` of a tag. A `+` is written `%2B`.
    #[param(min_length = 1, max_length = 64, example = "1.2.3")]
    version: String,
    /// The file's name, or that name and `.minisig`.
    #[param(min_length = 1, max_length = 188, example = "notes.apk")]
    filename: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct IdPath {
    #[param(min_length = 1)]
    id: String,
}

/// A page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items of a page, 1 to 200; what lies outside is taken as the nearest.
    #[param(default = 50, example = 50)]
    limit: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKey {
    /// A new text for each new request, 1 to 200 characters. Sent again within 24 hours with the same body, the request has
    /// no second effect and is answered as before.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 200)]
    idempotency_key: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Prefer {
    /// RFC 7240: `wait=N` is how many seconds to wait for the release, at most 300.
    #[param(rename = "Prefer", example = "wait=10")]
    prefer: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct ReprDigest {
    /// RFC 9530; enforced when given.
    #[param(
        rename = "Repr-Digest",
        example = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    )]
    repr_digest: Option<String>,
}
