//! Android's binary XML: its elements in order, and their attributes.

use super::{
    strings::{Chunk, STRING_POOL, StringPool},
    value::Value,
};
use crate::source::{u16_le, u32_le};

const XML: u16 = 0x0003;
const RESOURCE_MAP: u16 = 0x0180;
const START_ELEMENT: u16 = 0x0102;
const END_ELEMENT: u16 = 0x0103;

/// `ResXMLTree_attribute`.
const ATTRIBUTE: usize = 20;

/// Names of attributes are indices of the string pool; the resource map gives the first of them ids.
pub(super) struct Xml<'a> {
    document: Chunk<'a>,
    strings: StringPool<'a>,
    ids: &'a [u8],
}

pub(super) struct Element<'x, 'a> {
    /// 0 is the root.
    pub(super) depth: usize,
    pub(super) chunk: Chunk<'a>,
    xml: &'x Xml<'a>,
}

pub(super) struct Attribute {
    /// In `android.R.attr`. Packers rename attributes; Android goes by these.
    pub(super) id: Option<u32>,
    pub(super) name: String,
    pub(super) value: Value,
}

impl<'a> Xml<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let document = Chunk::first(bytes).filter(|chunk| chunk.kind == XML)?;
        let find = |kind| document.children().find(|chunk| chunk.kind == kind);
        Some(Self {
            strings: StringPool::read(find(STRING_POOL)?)?,
            ids: find(RESOURCE_MAP).map_or(&[], |chunk| chunk.body()),
            document,
        })
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = Element<'_, 'a>> {
        let mut depth = 0_usize;
        self.document.children().filter_map(move |chunk| {
            match chunk.kind {
                START_ELEMENT => depth += 1,
                END_ELEMENT => depth = depth.saturating_sub(1),
                _ => {}
            }
            (chunk.kind == START_ELEMENT).then(|| Element {
                depth: depth - 1,
                chunk,
                xml: self,
            })
        })
    }
}

impl Element<'_, '_> {
    pub(super) fn name(&self) -> Option<String> {
        self.xml.strings.get(u32_le(self.chunk.body(), 4)?)
    }

    /// Gives each attribute whose value is of a kind that is read; `None` when they are not well formed.
    pub(super) fn attributes(&self, mut each: impl FnMut(Attribute)) -> Option<()> {
        let body = self.chunk.body();
        let start = usize::from(u16_le(body, 8)?);
        // Smaller ones would share bytes, so that a few of them were many.
        let size = usize::from(u16_le(body, 10)?).max(ATTRIBUTE);
        let count = usize::from(u16_le(body, 12)?);
        for index in 0..count {
            let attribute = body.get(start + index * size..)?;
            let name = u32_le(attribute, 4)?;
            let kind = *attribute.get(15)?;
            let data = u32_le(attribute, 16)?;
            if let Some(value) = Value::read(kind, data, &self.xml.strings) {
                each(Attribute {
                    id: u32_le(self.xml.ids, 4 * name as usize),
                    name: self.xml.strings.get(name)?,
                    value,
                });
            }
        }
        Some(())
    }

    /// The value of the attribute with this id.
    pub(super) fn attribute(&self, id: u32) -> Option<Value> {
        let mut found = None;
        self.attributes(|attribute| {
            if attribute.id == Some(id) {
                found = Some(attribute.value);
            }
        })?;
        found
    }
}
