//! The icon of an app: a picture as it is, or the layers of an adaptive one drawn into a picture.

use std::cmp::Reverse;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use slipway_contract::Icon;

use super::{
    picture::{self, Layer, Picture},
    resources::{Found, Resources},
    value::Value,
    xml::{Element, Xml},
};
use crate::{
    limits::Limits,
    source::{Fault, Source},
    zip::Archive,
};

/// Files that are tried for one picture, the finest first.
const FILES: usize = 16;
/// Files that are read in all: a hostile app has many that lead to many.
const READS: usize = 64;
/// Drawables that may lead to each other, such as an inset around a bitmap: a hostile one leads to itself.
const DEPTH: usize = 4;
/// Pixels of a drawn icon: what a screen of double density shows of it, and less where its bytes are too many.
const SIZES: [u32; 3] = [192, 128, 96];

/// Ids of attributes in `android.R.attr`.
const SRC: u32 = 0x0101_0119;
const DRAWABLE: u32 = 0x0101_0199;
const COLOR: u32 = 0x0101_01a5;
const INSET: u32 = 0x0101_04b5;
const INSET_LEFT: u32 = 0x0101_01b7;

/// Why there is no picture; the words complete "its icon …".
type Why = String;

/// What is needed to follow a reference to its bytes.
pub(super) struct Icons<'i, 's, 'r> {
    source: &'i mut Source<'s>,
    archive: &'i Archive,
    limits: &'i Limits,
    resources: Option<&'i Resources<'r>>,
    reads: usize,
}

impl<'i, 's, 'r> Icons<'i, 's, 'r> {
    pub(super) fn new(
        source: &'i mut Source<'s>,
        archive: &'i Archive,
        limits: &'i Limits,
        resources: Option<&'i Resources<'r>>,
    ) -> Self {
        Self {
            source,
            archive,
            limits,
            resources,
            reads: 0,
        }
    }

    /// The icon that one of these stands for, the first before the second.
    pub(super) fn read(&mut self, values: &[Value]) -> Result<Result<Icon, Why>, Fault> {
        let mut first = None;
        for value in values {
            match self.one(value)? {
                Ok(icon) => return Ok(Ok(icon)),
                Err(why) => first = first.or(Some(why)),
            }
        }
        Ok(Err(first.unwrap_or_else(|| "is not there".to_owned())))
    }

    /// The finest PNG or WebP within the limit; else what an XML draws.
    fn one(&mut self, value: &Value) -> Result<Result<Icon, Why>, Fault> {
        let files = self.files(value);
        let mut why = None;
        let mut drawings = Vec::new();
        for file in &files {
            match self.file(file, self.limits.icon)? {
                Ok(bytes) => match picture::media_type(&bytes) {
                    Some(media_type) => return Ok(Ok(icon(media_type, bytes))),
                    None => drawings.push(bytes),
                },
                Err(reason) => why = why.or(Some(reason)),
            }
        }
        for drawing in drawings {
            match self.drawn(&drawing)? {
                Ok(layers) => return Ok(self.composed(&layers)),
                Err(reason) => why = why.or(Some(reason)),
            }
        }
        Ok(Err(why.unwrap_or_else(|| {
            "is a resource that is not in this file".to_owned()
        })))
    }

    fn composed(&self, layers: &[Layer]) -> Result<Icon, Why> {
        SIZES
            .iter()
            .filter_map(|size| picture::compose(layers, *size))
            .find(|bytes| bytes.len() as u64 <= self.limits.icon)
            .map(|bytes| icon("image/png", bytes))
            .ok_or_else(|| "could not be drawn".to_owned())
    }

    /// The files that a value stands for, the finest first, as a new device has them by day.
    fn files(&self, value: &Value) -> Vec<Found> {
        let (Value::Reference(id), Some(resources)) = (value, self.resources) else {
            return Vec::new();
        };
        let mut files = resources.texts(*id);
        files.sort_by_key(|found| {
            // What fits any density is XML.
            let fineness = if found.density >= 0xfffe {
                0
            } else {
                found.density
            };
            (Reverse(fineness), found.night, Reverse(found.sdk))
        });
        files.truncate(FILES);
        files
    }

    fn file(&mut self, found: &Found, most: u64) -> Result<Result<Vec<u8>, Why>, Fault> {
        self.reads += 1;
        if self.reads > READS {
            return Ok(Err("leads to too many files".to_owned()));
        }
        let name = &found.text;
        match self.archive.bytes(self.source, name.as_bytes(), most) {
            Ok(Some(bytes)) => Ok(Ok(bytes)),
            Ok(None) => Ok(Err("is a file that is not in it".to_owned())),
            Err(Fault::Malformed(why)) => Ok(Err(format!("could not be read: {why}"))),
            Err(other) => Err(other),
        }
    }

    /// The layers that an XML draws: those of an adaptive icon, or the one that any other drawable is.
    fn drawn(&mut self, bytes: &[u8]) -> Result<Result<Vec<Layer>, Why>, Fault> {
        let damaged = || "is an XML that is damaged".to_owned();
        let Some(xml) = Xml::read(bytes) else {
            return Ok(Err(damaged()));
        };
        let elements: Vec<_> = xml.elements().take(64).collect();
        let root = elements.first().and_then(Element::name);
        if root.as_deref() != Some("adaptive-icon") {
            return Ok(self.drawable(&elements, DEPTH)?.map(|layer| vec![layer]));
        }
        let mut layers = Vec::new();
        for wanted in ["background", "foreground"] {
            let named = |element: &Element<'_, '_>| {
                element.depth == 1 && element.name().as_deref() == Some(wanted)
            };
            let Some(at) = elements.iter().position(named) else {
                return Ok(Err(format!("is an adaptive one without a {wanted}")));
            };
            match self.layer(&elements[at..], DEPTH)? {
                Ok(layer) => layers.push(layer),
                Err(why) => return Ok(Err(format!("is an adaptive one whose {wanted} {why}"))),
            }
        }
        Ok(Ok(layers))
    }

    /// What the first of these elements shows by its attribute, or the element within it.
    fn layer(
        &mut self,
        elements: &[Element<'_, '_>],
        depth: usize,
    ) -> Result<Result<Layer, Why>, Fault> {
        let drawable = elements
            .first()
            .and_then(|one| one.attribute(DRAWABLE).or_else(|| one.attribute(SRC)));
        if let Some(value) = drawable {
            return self.value(&value, depth);
        }
        match elements {
            [outer, inner, ..] if inner.depth > outer.depth => self.drawable(&elements[1..], depth),
            _ => Ok(Err("shows nothing".to_owned())),
        }
    }

    /// The drawable that the first of these elements is.
    fn drawable(
        &mut self,
        elements: &[Element<'_, '_>],
        depth: usize,
    ) -> Result<Result<Layer, Why>, Fault> {
        let (Some(element), Some(depth)) = (elements.first(), depth.checked_sub(1)) else {
            return Ok(Err("leads too far".to_owned()));
        };
        let name = element.name().unwrap_or_default();
        match name.as_str() {
            "color" => match element.attribute(COLOR) {
                Some(value) => self.value(&value, depth),
                None => Ok(Err("is no colour".to_owned())),
            },
            "bitmap" => self.layer(elements, depth),
            "inset" => {
                let own = element
                    .attribute(INSET)
                    .or_else(|| element.attribute(INSET_LEFT));
                let own = own.and_then(|value| self.share(&value)).unwrap_or(0);
                let layer = self.layer(elements, depth)?;
                Ok(layer.map(|layer| match layer {
                    Layer::Picture { picture, inset } => Layer::Picture {
                        picture,
                        inset: inset.saturating_add(own).min(4_999),
                    },
                    color @ Layer::Color(_) => color,
                }))
            }
            "vector" => Ok(Err(
                "is a vector drawing, which is not drawn here".to_owned()
            )),
            _ => Ok(Err(
                "is a drawing in XML, which is not drawn here".to_owned()
            )),
        }
    }

    fn share(&self, value: &Value) -> Option<u32> {
        match value {
            Value::Share(share) => Some(*share),
            Value::Reference(id) => self.resources?.share(*id),
            _ => None,
        }
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<Result<Layer, Why>, Fault> {
        if let Value::Color(color) = value {
            return Ok(Ok(Layer::Color(*color)));
        }
        let color = match (value, self.resources) {
            (Value::Reference(id), Some(resources)) => resources.color(*id),
            _ => None,
        };
        if let Some(color) = color {
            return Ok(Ok(Layer::Color(color)));
        }
        let mut why = None;
        for file in self.files(value) {
            let bytes = match self.file(&file, self.limits.layer)? {
                Ok(bytes) => bytes,
                Err(reason) => {
                    why = why.or(Some(reason));
                    continue;
                }
            };
            let found = match picture::media_type(&bytes) {
                Some(_) => Picture::read(&bytes)
                    .map(|picture| Layer::Picture { picture, inset: 0 })
                    .ok_or_else(|| "is a picture that is damaged or too large".to_owned()),
                None => self.of_xml(&bytes, depth)?,
            };
            match found {
                Ok(layer) => return Ok(Ok(layer)),
                Err(reason) => why = why.or(Some(reason)),
            }
        }
        Ok(Err(why.unwrap_or_else(|| {
            "is a resource that is not in this file".to_owned()
        })))
    }

    fn of_xml(&mut self, bytes: &[u8], depth: usize) -> Result<Result<Layer, Why>, Fault> {
        let Some(xml) = Xml::read(bytes) else {
            return Ok(Err("is neither PNG nor WebP".to_owned()));
        };
        let elements: Vec<_> = xml.elements().take(64).collect();
        self.drawable(&elements, depth)
    }
}

fn icon(media_type: &str, bytes: Vec<u8>) -> Icon {
    Icon {
        media_type: media_type.to_owned(),
        data: STANDARD.encode(bytes),
    }
}
