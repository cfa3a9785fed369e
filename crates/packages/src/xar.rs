//! Installers of macOS: a xar (xar, `xar.h` and "file format") with what Apple's installer reads first.

use std::io::Read;

use bzip2::read::BzDecoder;
use flate2::read::ZlibDecoder;
use slipway_contract::{Facts, Kind, Platform};

use crate::facts::Fill as _;
use crate::{
    limits::Limits,
    markup::{self, Element},
    source::{Fault, Source, u16_be, u64_be},
};

const HEADER: u64 = 28;
/// Files whose places are kept: those that describe the package.
const DESCRIPTIONS: [&str; 2] = ["Distribution", "PackageInfo"];
const FILES: usize = 64;

/// `None` when it is no xar. One that describes no package is some other bundle of Apple's, such as a `.xip`.
pub(crate) fn read(
    source: &mut Source<'_>,
    head: &[u8],
    limits: &Limits,
) -> Result<Option<Facts>, Fault> {
    if !head.starts_with(b"xar!") {
        return Ok(None);
    }
    let header = source.part("its header", 0, HEADER)?;
    let size = u16_be(&header, 4).map_or(0, u64::from).max(HEADER);
    let packed = u64_be(&header, 8).unwrap_or(u64::MAX);
    source.needs("its table of contents", size, packed)?;
    let mut facts = Facts::of(Kind::Pkg);
    if packed > limits.control {
        facts.warn(format!(
            "its table of contents has {packed} bytes; {} are read at most",
            limits.control
        ));
        return Ok(Some(facts));
    }
    let table = source.read(size, packed)?;
    let table = unpack(ZlibDecoder::new(&*table), limits.control)
        .ok_or_else(|| Fault::damaged("its table of contents is damaged or too large"))?;
    let contents =
        contents(&table).map_err(|fault| fault.into_damage("it has a table of contents"))?;
    let heap = size + packed;
    source.needs("a file in it", heap, contents.end)?;
    if contents.files.is_empty() {
        facts = Facts::of(Kind::Other);
        facts.platform = Some(Platform::Macos);
        return Ok(Some(facts));
    }
    for file in &contents.files {
        if let Some(text) = file.read(source, heap, limits)? {
            describe(&mut facts, &text, limits);
        } else {
            facts.warn(format!("its {} could not be read", file.name));
        }
    }
    Ok(Some(facts))
}

/// What a decoder gives, unless that is more than `most` bytes.
fn unpack(decoder: impl Read, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    decoder.take(most + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= most).then_some(bytes)
}

/// The end of what lies farthest behind in the heap, and the files that describe the package.
#[derive(Default)]
struct Contents {
    end: u64,
    files: Vec<File>,
}

#[derive(Default)]
struct File {
    name: String,
    offset: u64,
    length: u64,
    encoding: String,
}

fn contents(table: &[u8]) -> Result<Contents, Fault> {
    let mut contents = Contents::default();
    let mut file = File::default();
    markup::elements(table, |around, element| {
        let inside = around.last().map_or("", |outer| outer.name.as_str());
        let number = || element.text.trim().parse().unwrap_or(u64::MAX);
        match (inside, element.name.as_str()) {
            ("data" | "checksum" | "signature" | "x-signature", "offset") => file.offset = number(),
            ("data", "length") | ("checksum" | "signature" | "x-signature", "size") => {
                file.length = number();
            }
            ("data", "encoding") => {
                let style = element.attribute("style").unwrap_or_default();
                style.clone_into(&mut file.encoding);
            }
            (_, "data" | "checksum" | "signature" | "x-signature") => {
                contents.end = contents.end.max(file.offset.saturating_add(file.length));
            }
            ("file", "name") => element.text.trim().clone_into(&mut file.name),
            (_, "file") => {
                let file = std::mem::take(&mut file);
                if DESCRIPTIONS.contains(&file.name.as_str()) && contents.files.len() < FILES {
                    contents.files.push(file);
                }
            }
            _ => {}
        }
    })?;
    // The description of the whole before those of its parts.
    contents
        .files
        .sort_by_key(|file| file.name != DESCRIPTIONS[0]);
    Ok(contents)
}

impl File {
    fn read(
        &self,
        source: &mut Source<'_>,
        heap: u64,
        limits: &Limits,
    ) -> Result<Option<Vec<u8>>, Fault> {
        if self.length > limits.manifest {
            return Ok(None);
        }
        let packed = source.part(
            "a file in it",
            heap.saturating_add(self.offset),
            self.length,
        )?;
        Ok(match self.encoding.as_str() {
            "application/x-gzip" => unpack(ZlibDecoder::new(&*packed), limits.manifest),
            "application/x-bzip2" => unpack(BzDecoder::new(&*packed), limits.manifest),
            "application/octet-stream" | "" => Some(packed),
            _ => None,
        })
    }
}

/// What is known of the whole is not told again by its parts (Apple, "Distribution XML Reference").
fn describe(facts: &mut Facts, text: &[u8], limits: &Limits) {
    let mut part = None;
    let read = markup::elements(text, |_, element| match element.name.as_str() {
        "product" => named(facts, element, "id", limits),
        "pkg-info" => named(facts, element, "identifier", limits),
        "pkg-ref" if element.attribute("version").is_some() => {
            let of = |name| element.attribute(name).map(str::to_owned);
            part = part.take().or(Some((of("id"), of("version"))));
        }
        "title" => facts.say_label(&element.text, limits),
        "options" => {
            if let Some(list) = element.attribute("hostArchitectures") {
                facts.set_arches(list.split(','));
            }
        }
        _ => {}
    });
    if read.is_err() {
        facts.warn("its description could not be read: its XML is damaged");
    }
    if let Some((id, version)) = part {
        facts.say(id.as_deref(), version.as_deref(), limits);
    }
}

fn named(facts: &mut Facts, element: &Element, id: &str, limits: &Limits) {
    facts.say(element.attribute(id), element.attribute("version"), limits);
}
