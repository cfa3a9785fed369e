//! Bundles for the Play store: the manifest and the resources as messages (aapt2, `Resources.proto`).

use slipway_contract::Facts;

use super::{manifests::Zipped, protobuf::Message};
use crate::facts::Fill as _;
use crate::{apk, source::Fault};

const MANIFEST: &[u8] = b"base/manifest/AndroidManifest.xml";
const RESOURCES: &[u8] = b"base/resources.pb";
/// `android.R.attr.testOnly` and the others are found by name here: nothing renames attributes before a bundle is built.
const ANDROID: &str = "http://schemas.android.com/apk/res/android";

pub(super) fn describe(facts: &mut Facts, zipped: &mut Zipped<'_, '_, '_>) -> Result<(), Fault> {
    let archive = zipped.archive;
    apk::native_code(
        facts,
        archive
            .names()
            .filter_map(|name| name.strip_prefix(b"base/")),
    );
    let bytes = zipped.manifest(MANIFEST)?;
    let manifest = Message(&bytes).message(1).map(Element);
    let manifest = manifest.filter(|element| element.name() == Some("manifest"));
    let manifest = manifest.ok_or_else(|| Fault::malformed("it is damaged"))?;
    let limits = zipped.limits;
    let code = |name| manifest.text(ANDROID, name)?.parse::<u32>().ok();
    let code = |name| code(name).map(u64::from);
    let major = code("versionCodeMajor").unwrap_or(0);
    facts.version_code = code("versionCode").map(|code| major << 32 | code);
    let sdk = manifest.child("uses-sdk");
    let level = |name| sdk?.text(ANDROID, name)?.parse().ok();
    facts.min_sdk = level("minSdkVersion");
    facts.target_sdk = level("targetSdkVersion");
    let application = manifest.child("application");
    let version = manifest.attribute(ANDROID, "versionName");
    let label = application.and_then(|application| application.attribute(ANDROID, "label"));
    let is_reference =
        |value: Option<Attribute<'_>>| value.is_some_and(|one| one.reference().is_some());
    let resources = if is_reference(version) || is_reference(label) {
        let table = archive.bytes(zipped.source, RESOURCES, limits.resources);
        facts.or_warning("resources.pb", table)?.flatten()
    } else {
        None
    };
    let resources = resources.as_deref().map(Message);
    facts.say(
        manifest.text("", "package"),
        version.and_then(|one| one.said(resources)),
        limits,
    );
    if let Some(label) = label.and_then(|one| one.said(resources)) {
        facts.say_label(label, limits);
    }
    Ok(())
}

/// `XmlElement`.
#[derive(Clone, Copy)]
struct Element<'a>(Message<'a>);

impl<'a> Element<'a> {
    fn name(self) -> Option<&'a str> {
        self.0.text(3)
    }

    fn child(self, name: &str) -> Option<Element<'a>> {
        let children = self.0.messages(5).filter_map(|node| node.message(1));
        children
            .map(Element)
            .find(|child| child.name() == Some(name))
    }

    fn attribute(self, namespace: &str, name: &str) -> Option<Attribute<'a>> {
        let attributes = self.0.messages(4).map(Attribute);
        let is = |one: &Attribute<'_>| {
            one.0.text(1).unwrap_or_default() == namespace && one.0.text(2) == Some(name)
        };
        attributes.into_iter().find(is)
    }

    fn text(self, namespace: &str, name: &str) -> Option<&'a str> {
        self.attribute(namespace, name)?.0.text(3)
    }
}

/// `XmlAttribute`.
#[derive(Clone, Copy)]
struct Attribute<'a>(Message<'a>);

impl<'a> Attribute<'a> {
    /// The id of the resource that it names.
    fn reference(self) -> Option<u64> {
        self.0.message(6)?.message(1)?.number(2)
    }

    /// Its text, or that of the resource that it names.
    fn said(self, resources: Option<Message<'a>>) -> Option<&'a str> {
        match self.reference() {
            Some(id) => text(resources?, id),
            None => self.0.text(3),
        }
    }
}

/// The text of a resource in the default configuration; else in any.
fn text(table: Message<'_>, id: u64) -> Option<&str> {
    let own = |message: Message<'_>, number: u64| {
        message
            .message(number)
            .and_then(|id| id.number(1))
            .unwrap_or(0)
    };
    let package = table
        .messages(2)
        .find(|package| own(*package, 1) == id >> 24)?;
    let kind = package
        .messages(3)
        .find(|kind| own(*kind, 1) == (id >> 16 & 0xff))?;
    let entry = kind
        .messages(3)
        .find(|entry| own(*entry, 1) == (id & 0xffff))?;
    let texts = entry.messages(6).filter_map(|value| {
        let is_default = value.message(1).is_none_or(|config| config.0.is_empty());
        let text = value.message(2)?.message(4)?.message(2)?.text(1)?;
        Some((is_default, text))
    });
    let mut texts: Vec<_> = texts.take(1024).collect();
    texts.sort_by_key(|(is_default, _)| !is_default);
    texts.first().map(|(_, text)| *text)
}
