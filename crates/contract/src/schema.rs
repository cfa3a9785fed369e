//! The words as schemas of the API's description (`OpenAPI` 3.1): what their parsers take, as far as a pattern can say it.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::word::one_of;
use crate::{
    arch::Arch,
    digest::Digest,
    file_name::FileName,
    kind::Kind,
    platform::Platform,
    slug::Slug,
    state::{PackageState, ReleaseState},
    version::Version,
};

macro_rules! word {
    ($word:ident, $description:expr, $schema:expr) => {
        impl PartialSchema for $word {
            fn schema() -> RefOr<Schema> {
                let schema: ObjectBuilder = $schema;
                schema
                    .schema_type(Type::String)
                    .description(Some($description))
                    .into()
            }
        }

        impl ToSchema for $word {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($word))
            }
        }
    };
}

word!(
    Slug,
    "The name of an app or a channel in addresses.",
    ObjectBuilder::new()
        .pattern(Some("^[a-z0-9][a-z0-9-]{0,62}$"))
        .examples(["notes"])
);
word!(
    Version,
    "1 to 4 numbers with dots, then `-pre.release` and `+build`. One `v` before it is left out. Ordered as SemVer 2, missing numbers 0, then by the build: none comes first, and two are compared as pre-releases are (1.0.0 < 1.0.0+41 < 1.0.0+42 < 1.0.0+a). Versions that are equal in order are one version. In an address a `+` is written `%2B`. The version of a deb or an rpm is translated when it is read (1.0-2 is 1.0+2, 1.0~rc1-1 is 1.0-rc1+1).",
    ObjectBuilder::new()
        .max_length(Some(64))
        .pattern(Some(
            "^[vV]?[0-9]+(\\.[0-9]+){0,3}(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$"
        ))
        .examples(["1.2.3", "1.2.3-beta.1"])
);
word!(
    FileName,
    "At most 180 bytes; no `/`, `\\`, `..`, leading dot, dot or space at its end, control, direction or unseen characters, and none that the platform serves itself (`SHA256SUMS`, and what ends in .minisig, .sig, .plist, .zsync, .idsig or .blocks).",
    ObjectBuilder::new()
        .min_length(Some(1))
        .max_length(Some(180))
        .pattern(Some("^[^./\\\\][^/\\\\]*$"))
        .examples(["notes.apk"])
);
word!(
    Digest,
    "SHA-256 in hex.",
    ObjectBuilder::new().pattern(Some("^[0-9a-f]{64}$"))
);
word!(
    Kind,
    "`apk`, `deb`, … by content; `other` when it is not known.",
    ObjectBuilder::new().examples(["apk"])
);
word!(
    Arch,
    "`x86_64`, `aarch64`, `armv7`, `x86`, `universal`, or the name of another one, as its package writes it: only who names that one is offered it. `unknown` where the bytes have to say it and could not be read.",
    ObjectBuilder::new()
        .max_length(Some(24))
        .examples(["aarch64"])
);
word!(
    Platform,
    "`none` for what is offered to nobody: what was sent with `kind=other`, a source package, a program for another system.",
    ObjectBuilder::new().enum_values(Some([
        "android", "ios", "macos", "windows", "linux", "harmony", "any", "none"
    ]))
);

/// The states of a package: its own, and that of its release.
pub fn package_state() -> ObjectBuilder {
    let own = [PackageState::Stored, PackageState::Refused];
    let of_release = ReleaseState::ALL.iter().map(|state| state.as_str());
    one_of(own.into_iter().map(PackageState::as_str).chain(of_release))
}

/// The states of a release.
pub fn release_state() -> ObjectBuilder {
    one_of(ReleaseState::ALL.iter().map(|state| state.as_str()))
}

impl PartialSchema for PackageState {
    fn schema() -> RefOr<Schema> {
        package_state().into()
    }
}

impl ToSchema for PackageState {}

/// A time as documents of the API write it.
pub fn time() -> ObjectBuilder {
    use utoipa::openapi::schema::{KnownFormat, SchemaFormat};
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// The scopes of a token.
pub fn scopes() -> utoipa::openapi::schema::ArrayBuilder {
    list_of_scopes().unique_items(true)
}

/// The scopes that a new token shall have: one that is named twice is granted once.
pub fn scopes_asked_for() -> utoipa::openapi::schema::ArrayBuilder {
    list_of_scopes().min_items(Some(1))
}

fn list_of_scopes() -> utoipa::openapi::schema::ArrayBuilder {
    let scope = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["read", "upload", "release", "operate", "admin"]));
    utoipa::openapi::schema::ArrayBuilder::new()
        .items(scope)
        .description(Some("`admin` includes the others."))
}
