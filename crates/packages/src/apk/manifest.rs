//! `AndroidManifest.xml` in its binary form: the few attributes that are facts.

use super::strings::{Chunk, STRING_POOL, StringPool};
use crate::source::{u16_le, u32_le};

const XML: u16 = 0x0003;
const RESOURCE_MAP: u16 = 0x0180;
const START_ELEMENT: u16 = 0x0102;
const END_ELEMENT: u16 = 0x0103;

/// Ids of attributes in `android.R.attr`. Packers rename attributes; Android goes by these.
const LABEL: u32 = 0x0101_0001;
const ICON: u32 = 0x0101_0002;
const MIN_SDK: u32 = 0x0101_020c;
const VERSION_CODE: u32 = 0x0101_021b;
const VERSION_NAME: u32 = 0x0101_021c;
const TARGET_SDK: u32 = 0x0101_0270;
const ROUND_ICON: u32 = 0x0101_052c;
const VERSION_CODE_MAJOR: u32 = 0x0101_0576;

/// A `Res_value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u32),
    /// The id of a resource.
    Reference(u32),
}

impl Value {
    /// Reads a type and its data; `strings` are those that the data may be an index of.
    pub(super) fn read(kind: u8, data: u32, strings: &StringPool<'_>) -> Option<Self> {
        match kind {
            0x01 | 0x07 => Some(Self::Reference(data)),
            0x03 => strings.get(data).map(Self::Text),
            0x10..=0x1f => Some(Self::Number(data)),
            _ => None,
        }
    }

    fn number(self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(text) => text.parse().ok(),
            Self::Reference(_) => None,
        }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) package: Option<String>,
    pub(super) version_name: Option<Value>,
    pub(super) version_code: Option<u32>,
    pub(super) version_code_major: Option<u32>,
    pub(super) min_sdk: Option<u32>,
    pub(super) target_sdk: Option<u32>,
    pub(super) label: Option<Value>,
    pub(super) icon: Option<Value>,
    pub(super) round_icon: Option<Value>,
}

impl Manifest {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let xml = Chunk::first(bytes).filter(|chunk| chunk.kind == XML)?;
        let pool = xml.children().find(|chunk| chunk.kind == STRING_POOL)?;
        let names = Names {
            strings: StringPool::read(pool)?,
            ids: xml
                .children()
                .find(|chunk| chunk.kind == RESOURCE_MAP)
                .map_or(&[], |chunk| chunk.body()),
        };
        let mut manifest = Self::default();
        let mut depth = 0_usize;
        for chunk in xml.children() {
            match chunk.kind {
                START_ELEMENT => {
                    manifest.element(chunk, depth, &names)?;
                    depth += 1;
                }
                END_ELEMENT => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        manifest.package.is_some().then_some(manifest)
    }

    fn element(&mut self, chunk: Chunk<'_>, depth: usize, names: &Names<'_>) -> Option<()> {
        if depth > 1 {
            return Some(());
        }
        let name = names.strings.get(u32_le(chunk.body(), 4)?)?;
        match (depth, name.as_str()) {
            (0, "manifest") => attributes(chunk, names, |attribute| match attribute.id {
                Some(VERSION_CODE) => self.version_code = attribute.value.number(),
                Some(VERSION_CODE_MAJOR) => self.version_code_major = attribute.value.number(),
                Some(VERSION_NAME) => self.version_name = Some(attribute.value),
                None if attribute.name == "package" => {
                    if let Value::Text(package) = attribute.value {
                        self.package = Some(package);
                    }
                }
                _ => {}
            }),
            (1, "uses-sdk") => attributes(chunk, names, |attribute| match attribute.id {
                Some(MIN_SDK) => self.min_sdk = attribute.value.number(),
                Some(TARGET_SDK) => self.target_sdk = attribute.value.number(),
                _ => {}
            }),
            (1, "application") => attributes(chunk, names, |attribute| match attribute.id {
                Some(LABEL) => self.label = Some(attribute.value),
                Some(ICON) => self.icon = Some(attribute.value),
                Some(ROUND_ICON) => self.round_icon = Some(attribute.value),
                _ => {}
            }),
            _ => Some(()),
        }
    }
}

/// Names of attributes are indices of the string pool; the resource map gives the first of them ids.
struct Names<'a> {
    strings: StringPool<'a>,
    ids: &'a [u8],
}

struct Attribute {
    id: Option<u32>,
    name: String,
    value: Value,
}

fn attributes(chunk: Chunk<'_>, names: &Names<'_>, mut each: impl FnMut(Attribute)) -> Option<()> {
    let body = chunk.body();
    let start = usize::from(u16_le(body, 8)?);
    let size = usize::from(u16_le(body, 10)?);
    let count = usize::from(u16_le(body, 12)?);
    for index in 0..count {
        let attribute = body.get(start + index * size..)?;
        let name = u32_le(attribute, 4)?;
        let kind = *attribute.get(15)?;
        let data = u32_le(attribute, 16)?;
        if let Some(value) = Value::read(kind, data, &names.strings) {
            each(Attribute {
                id: u32_le(names.ids, 4 * name as usize),
                name: names.strings.get(name)?,
                value,
            });
        }
    }
    Some(())
}
