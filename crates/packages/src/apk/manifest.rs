//! `AndroidManifest.xml` in its binary form: the few attributes that are facts.

use super::{
    value::Value,
    xml::{Element, Xml},
};

/// Ids of attributes in `android.R.attr`.
const LABEL: u32 = 0x0101_0001;
const ICON: u32 = 0x0101_0002;
const MIN_SDK: u32 = 0x0101_020c;
const VERSION_CODE: u32 = 0x0101_021b;
const VERSION_NAME: u32 = 0x0101_021c;
const TARGET_SDK: u32 = 0x0101_0270;
const TEST_ONLY: u32 = 0x0101_0272;
const ROUND_ICON: u32 = 0x0101_052c;
const VERSION_CODE_MAJOR: u32 = 0x0101_0576;
const SPLIT_REQUIRED: u32 = 0x0101_0591;
const REQUIRED_SPLIT_TYPES: u32 = 0x0101_064e;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) package: Option<String>,
    /// The name of this part of an app that comes in several APKs; `None` for the base.
    pub(super) split: Option<String>,
    /// Whether the base says that it is not whole without other parts.
    pub(super) needs_splits: bool,
    pub(super) version_name: Option<Value>,
    pub(super) version_code: Option<u32>,
    pub(super) version_code_major: Option<u32>,
    pub(super) min_sdk: Option<u32>,
    pub(super) target_sdk: Option<u32>,
    pub(super) label: Option<Value>,
    pub(super) icon: Option<Value>,
    pub(super) round_icon: Option<Value>,
    pub(super) test_only: bool,
}

impl Manifest {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let xml = Xml::read(bytes)?;
        let mut manifest = Self::default();
        for element in xml.elements().filter(|element| element.depth <= 1) {
            manifest.element(&element)?;
        }
        manifest.package.is_some().then_some(manifest)
    }

    fn element(&mut self, element: &Element<'_, '_>) -> Option<()> {
        match (element.depth, element.name()?.as_str()) {
            (0, "manifest") => element.attributes(|attribute| match attribute.id {
                Some(VERSION_CODE) => self.version_code = attribute.value.number(),
                Some(VERSION_CODE_MAJOR) => self.version_code_major = attribute.value.number(),
                Some(VERSION_NAME) => self.version_name = Some(attribute.value),
                Some(SPLIT_REQUIRED) => self.needs_splits |= attribute.value.is_true(),
                Some(REQUIRED_SPLIT_TYPES) => self.needs_splits = true,
                None => self.named(&attribute.name, attribute.value),
                _ => {}
            }),
            (1, "uses-sdk") => element.attributes(|attribute| match attribute.id {
                Some(MIN_SDK) => self.min_sdk = attribute.value.number(),
                Some(TARGET_SDK) => self.target_sdk = attribute.value.number(),
                _ => {}
            }),
            (1, "application") => element.attributes(|attribute| match attribute.id {
                Some(LABEL) => self.label = Some(attribute.value),
                Some(ICON) => self.icon = Some(attribute.value),
                Some(ROUND_ICON) => self.round_icon = Some(attribute.value),
                Some(TEST_ONLY) => self.test_only = attribute.value.is_true(),
                Some(SPLIT_REQUIRED) => self.needs_splits |= attribute.value.is_true(),
                _ => {}
            }),
            _ => Some(()),
        }
    }

    /// An attribute that has a name and no id.
    fn named(&mut self, name: &str, value: Value) {
        if let Value::Text(text) = value {
            match name {
                "package" => self.package = Some(text),
                "split" if !text.is_empty() => self.split = Some(text),
                _ => {}
            }
        }
    }
}
