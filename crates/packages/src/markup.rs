//! Manifests that are XML: each element with its place, its attributes and its text.

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
};

use crate::source::Fault;

/// Elements within each other; manifests have ten.
const DEPTH: usize = 64;
/// Bytes of one text, and attributes of one element, that are kept.
const TEXT: usize = 4096;
const ATTRIBUTES: usize = 64;

pub(crate) struct Element {
    /// Without the prefix of its namespace.
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    /// What stands between its beginning and its end and in no element within.
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Gives each element at its end, with those around it, the outermost first. Entities that a document defines stay
/// unresolved: some grow without end.
pub(crate) fn elements(
    bytes: &[u8],
    mut each: impl FnMut(&[Element], &Element),
) -> Result<(), Fault> {
    let text = text(bytes);
    let mut reader = Reader::from_str(&text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        match reader.read_event().map_err(damaged)? {
            Event::Start(start) if open.len() < DEPTH => open.push(element(&start)?),
            Event::Start(_) => return Err(Fault::malformed("its elements lie too deep")),
            Event::Empty(start) => each(&open, &element(&start)?),
            Event::End(_) => {
                if let Some(closed) = open.pop() {
                    each(&open, &closed);
                }
            }
            Event::Text(text) => add(&mut open, &text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => add(&mut open, &text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) => add(&mut open, &resolved(&reference)),
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof => return Err(Fault::malformed("its XML ends too early")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// The text in UTF-8; writers of Windows use UTF-16 with a mark.
fn text(bytes: &[u8]) -> String {
    let wide = |unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes[2..].as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    if bytes.starts_with(b"\xff\xfe") {
        wide(u16::from_le_bytes)
    } else if bytes.starts_with(b"\xfe\xff") {
        wide(u16::from_be_bytes)
    } else {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        String::from_utf8_lossy(bytes).into_owned()
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, Fault> {
    let mut attributes = Vec::new();
    for attribute in start.attributes().take(ATTRIBUTES) {
        let attribute = attribute.map_err(damaged)?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(damaged)?;
        if value.len() <= TEXT {
            let name = attribute.key.local_name().as_ref().to_owned();
            attributes.push((name, value.into_owned()));
        }
    }
    Ok(Element {
        name: start.local_name().as_ref().to_owned(),
        attributes,
        text: String::new(),
    })
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut()
        && element.text.len() + text.len() <= TEXT
    {
        element.text.push_str(text);
    }
}

fn resolved(reference: &BytesRef<'_>) -> String {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => character.to_string(),
        _ => resolve_predefined_entity(reference)
            .unwrap_or_default()
            .to_owned(),
    }
}

fn damaged(_: impl std::error::Error) -> Fault {
    Fault::malformed("its XML is damaged")
}

#[cfg(test)]
mod tests {
    use super::elements;

    fn read(text: &[u8]) -> Option<Vec<String>> {
        let mut found = Vec::new();
        let outcome = elements(text, |around, element| {
            let place: Vec<&str> = around.iter().map(|one| one.name.as_str()).collect();
            let id = element.attribute("id").unwrap_or("-");
            found.push(format!(
                "{}/{} {id} {}",
                place.join("/"),
                element.name,
                element.text.trim()
            ));
        });
        outcome.is_ok().then_some(found)
    }

    #[test]
    fn elements_are_given_with_their_place_attributes_and_text() {
        let found = read(b"\xef\xbb\xbf<?xml version=\"1.0\"?><!-- x --><a:p xmlns:a='u'><q id='1 &amp; 2'>x &lt;&#65;<![CDATA[<>]]></q><r id=\"3\"/></a:p>");
        assert_eq!(found.unwrap(), ["p/q 1 & 2 x <A<>", "p/r 3 ", "/p - "]);
        let wide: Vec<u8> = [0xfeff_u16]
            .into_iter()
            .chain("<p/>".encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(read(&wide).unwrap(), ["/p - "]);
    }

    #[test]
    fn what_grows_lies_or_ends_too_early_is_damaged() {
        let bomb = b"<!DOCTYPE l [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>";
        assert_eq!(read(bomb).unwrap(), ["/l - "]);
        for bad in [&b"<a><b></a>"[..], b"<a>", b"<a b=1/>", &b"<a>".repeat(100)] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        assert!(read(&[b"<a>", &b"x".repeat(9000)[..], b"</a>"].concat()).is_some());
    }
}
