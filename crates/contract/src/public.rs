//! Documents of the public API that several services write, and the command reads.
//!
//! Unknown values are `null`; times are RFC 3339 in UTC; addresses are path-absolute, or begin with the public URL of the
//! settings. A reader may be older than who wrote a document: a state that it does not know is none that it waited for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::code::Code;
use crate::package::File;
use crate::slug::Slug;
use crate::state::{PackageState, ReleaseState};
use crate::version::Version;
use crate::word::Word;

/// All but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The address of an app's install page.
pub fn page_path(app: &str) -> String {
    format!("/a/{app}")
}

/// The address of a published file.
pub fn file_path(app: &str, version: &str, filename: &str) -> String {
    let version = utf8_percent_encode(version, SEGMENT);
    let filename = utf8_percent_encode(filename, SEGMENT);
    format!("/d/{app}/{version}/{filename}")
}

/// Where the catalog asks for the counts of a release.
pub fn downloads_path(app: &str, version: &str) -> String {
    let version = utf8_percent_encode(version, SEGMENT);
    format!("/internal/downloads/{app}/{version}")
}

/// A package as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Package {
    #[cfg_attr(feature = "schema", schema(format = "uuid"))]
    pub id: String,
    #[serde(flatten)]
    pub file: File,
    /// What inspection read out of the bytes, from here to `signer_sha256`.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub identifier: Option<String>,
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub version: Option<String>,
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub version_code: Option<i64>,
    /// The version of a deb or an rpm as it stands there; `version` is what it is here.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub native_version: Option<String>,
    /// What people read on the device.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub label: Option<String>,
    /// SHA-256 of the certificate of the native signature, not verified.
    #[cfg_attr(
        feature = "schema",
        schema(pattern = "^[0-9a-f]{64}$", required = true)
    )]
    pub signer_sha256: Option<String>,
    pub warnings: Vec<String>,
    #[cfg_attr(feature = "schema", schema(value_type = PackageState))]
    pub state: Word<PackageState>,
    /// Why it is not further, in words.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub reason: Option<String>,
    /// Where it is downloaded once it is published.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub url: Option<String>,
}

impl Package {
    /// A package that is stored, with what inspection read: `facts` as [`Facts`](crate::Facts) are written.
    pub fn stored(id: String, file: File, facts: &Value) -> Self {
        let text = |name: &str| facts[name].as_str().map(str::to_owned);
        let warnings = facts["warnings"].as_array().into_iter().flatten();
        Self {
            id,
            file,
            identifier: text("identifier"),
            version: text("version"),
            version_code: facts["version_code"].as_i64(),
            native_version: text("native_version"),
            label: text("label"),
            signer_sha256: text("signer_sha256"),
            warnings: warnings
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            state: Word::Known(PackageState::Stored),
            reason: None,
            url: None,
        }
    }
}

/// A release as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Release {
    #[cfg_attr(feature = "schema", schema(value_type = Slug))]
    pub app: Word<Slug>,
    #[cfg_attr(feature = "schema", schema(value_type = Version))]
    pub version: Word<Version>,
    #[cfg_attr(feature = "schema", schema(value_type = Vec<Slug>))]
    pub channels: Vec<Word<Slug>>,
    #[cfg_attr(feature = "schema", schema(value_type = ReleaseState))]
    pub state: Word<ReleaseState>,
    /// Why it is not further, failed or was yanked, in words.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub reason: Option<String>,
    #[cfg_attr(feature = "schema", schema(max_length = 65536, required = true))]
    pub notes: Option<String>,
    pub packages: Vec<Package>,
    pub links: Links,
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub created_at: String,
    #[cfg_attr(feature = "schema", schema(format = DateTime, required = true))]
    pub published_at: Option<String>,
    #[cfg_attr(feature = "schema", schema(format = DateTime, required = true))]
    pub yanked_at: Option<String>,
    /// What is odd about its packages and its channels, for the developer: `code: what to do`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub warnings: Vec<String>,
    /// Instances that had not heard of the last change when this was answered; they will.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Links {
    pub page: String,
    pub files: Vec<String>,
}

/// The answer to an upload, and what the catalog knows of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Uploaded {
    pub package: Package,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub release: Option<Release>,
    /// Between services: the package was taken, and the intent to publish it refused for good.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub refused: Option<Refusal>,
}

/// Why an intent was refused, as a problem says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Refusal {
    #[cfg_attr(feature = "schema", schema(minimum = 400, maximum = 599))]
    pub status: u16,
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub code: Word<Code>,
    pub detail: String,
    /// What the problem names beside its words.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub members: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::{downloads_path, file_path};
    use serde_json::json;

    use super::Package;
    use crate::state::{PackageState, ReleaseState};
    use crate::word::Word;

    #[test]
    fn a_package_is_written_and_read_as_by_earlier_versions() {
        let sha256 = "07".repeat(32);
        let text = json!({
            "id": "i", "filename": "notes.deb", "sha256": sha256, "size": 5, "kind": "deb", "platform": "linux",
            "arch": "x86_64", "identifier": "notes", "version": "1.0+2", "version_code": null, "native_version": "1.0-2",
            "label": null, "signer_sha256": null, "warnings": ["w"], "state": "published", "reason": null, "url": "/d/x",
        });
        let package: Package = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(
            package.state,
            PackageState::Release(ReleaseState::Published)
        );
        assert_eq!(serde_json::to_value(&package).unwrap(), text);
        let mut later = text;
        later["state"] = json!("mirrored");
        later["kind"] = json!("wasm");
        later["more"] = json!([1]);
        let package: Package = serde_json::from_value(later).unwrap();
        assert_eq!(package.state, Word::Unknown("mirrored".to_owned()));
        assert_eq!(package.file.kind.as_str(), "wasm");
    }

    #[test]
    fn of_facts_it_shows_what_people_read() {
        let file = json!({"filename": "a.apk", "sha256": "07".repeat(32), "size": 5, "kind": "apk", "platform": "android",
            "arch": "universal"});
        let facts =
            json!({"identifier": "org.a", "version_code": 7, "warnings": ["w"], "min_sdk": 21});
        let file = serde_json::from_value(file).unwrap();
        let package = Package::stored("i".to_owned(), file, &facts);
        assert_eq!(package.identifier.as_deref(), Some("org.a"));
        assert_eq!(
            (package.version_code, package.warnings),
            (Some(7), vec!["w".to_owned()])
        );
        assert_eq!(package.state, PackageState::Stored);
    }

    #[test]
    fn names_stay_one_segment_of_the_path() {
        assert_eq!(
            file_path("notes", "1.0+7", "My App.apk"),
            "/d/notes/1.0%2B7/My%20App.apk"
        );
        assert_eq!(
            downloads_path("notes", "1.0+7"),
            "/internal/downloads/notes/1.0%2B7"
        );
    }
}
