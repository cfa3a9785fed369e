//! Installers for Windows: what the database within says (Microsoft, "Property Table", "Summary Information Stream"; the
//! form of the tables as Wine's `dlls/msi` reads it).

use slipway_contract::Facts;

use crate::facts::Fill as _;
use crate::{
    compound::streams::Streams,
    limits::Limits,
    source::{Fault, Source, u16_le, u32_le},
};

/// Code page of texts in UTF-8.
const UTF_8: u32 = 65001;
/// Bytes of the tables that are read: all texts of a large installer have 2 MiB.
const TABLE: u64 = 16 << 20;
const SUMMARY: &str = "\u{5}SummaryInformation";
/// In the summary: the machines and the languages, `x64;1033`.
const TEMPLATE: u32 = 7;
const TEXT: u32 = 30;

pub(crate) fn describe(
    facts: &mut Facts,
    source: &mut Source<'_>,
    streams: &Streams,
    limits: &Limits,
) -> Result<(), Fault> {
    let summary = streams.read(source, TABLE, |name| {
        name.iter().copied().eq(SUMMARY.encode_utf16())
    })?;
    if let Some(template) = summary.as_deref().and_then(template) {
        set_machine(facts, &template);
    }
    let mut table = |wanted: &str| {
        let found = streams.read(source, TABLE, |name| {
            table_name(name).as_deref() == Some(wanted)
        })?;
        found.ok_or_else(|| Fault::malformed(format!("it has no {wanted}")))
    };
    let (pool, data, properties) = (
        table("_StringPool")?,
        table("_StringData")?,
        table("Property")?,
    );
    let texts = Texts::read(&pool, &data);
    let find = |wanted: &str| {
        let rows = texts
            .rows(&properties)
            .find(|(name, _)| texts.get(*name) == Some(wanted.as_bytes()))?;
        texts.get(rows.1).map(|value| texts.decoded(value))
    };
    let code = find("UpgradeCode").or_else(|| find("ProductCode"));
    facts.say(code.as_deref(), find("ProductVersion").as_deref(), limits);
    if let Some(name) = find("ProductName") {
        facts.say_label(&name, limits);
    }
    Ok(())
}

/// An empty list of machines is one of `Intel` (Microsoft, "Template Summary property").
fn set_machine(facts: &mut Facts, template: &str) {
    let machines = template.split(';').next().unwrap_or_default();
    let machines = if machines.trim().is_empty() {
        "Intel"
    } else {
        machines
    };
    facts.set_arches(machines.split(','));
}

/// The name of a table, if it is one: two letters of 64 are one character of a stream's name, behind a mark.
fn table_name(name: &[u16]) -> Option<String> {
    const LETTERS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    let letter = |number: u16| char::from(LETTERS[usize::from(number & 0x3f)]);
    let mut table = String::new();
    for unit in name.strip_prefix(&[0x4840])? {
        match *unit {
            two @ 0x3800..0x4800 => {
                table.extend([letter(two - 0x3800), letter((two - 0x3800) >> 6)]);
            }
            one @ 0x4800..0x4840 => table.push(letter(one - 0x4800)),
            other => table.push(char::from_u32(other.into())?),
        }
    }
    Some(table)
}

/// All texts of the database, by numbers from 1.
struct Texts<'a> {
    data: &'a [u8],
    places: Vec<(usize, usize)>,
    code_page: u32,
    /// Bytes of a number.
    width: usize,
}

impl<'a> Texts<'a> {
    fn read(pool: &[u8], data: &'a [u8]) -> Self {
        let header = u32_le(pool, 0).unwrap_or(0);
        let mut places = Vec::new();
        let (mut at, mut start) = (4, 0_usize);
        while let (Some(short), Some(uses)) = (u16_le(pool, at), u16_le(pool, at + 2)) {
            at += 4;
            let mut length = usize::from(short);
            // One of more than 64 KiB has its length in the place of the next.
            if short == 0 && uses > 0 {
                length = u32_le(pool, at).unwrap_or(0) as usize;
                at += 4;
            }
            places.push((start, length));
            start = start.saturating_add(length);
        }
        Self {
            data,
            places,
            code_page: header & 0x7fff_ffff,
            width: if header >> 31 == 1 { 3 } else { 2 },
        }
    }

    fn get(&self, number: usize) -> Option<&'a [u8]> {
        let (start, length) = *self.places.get(number.checked_sub(1)?)?;
        self.data.get(start..)?.get(..length)
    }

    /// The rows of a table of two columns of texts: first the one column, then the other.
    fn rows<'t>(&self, table: &'t [u8]) -> impl Iterator<Item = (usize, usize)> + use<'t> {
        let width = self.width;
        let number = move |bytes: &[u8]| {
            bytes
                .iter()
                .rev()
                .fold(0, |number, byte| number << 8 | usize::from(*byte))
        };
        let (names, values) = table.split_at(table.len() / (2 * width) * width);
        let pairs = names.chunks_exact(width).zip(values.chunks_exact(width));
        pairs.map(move |(name, value)| (number(name), number(value)))
    }

    /// In the code page of Western Europe where it is not UTF-8, for a name in any other is shown with its letters wrong.
    fn decoded(&self, bytes: &[u8]) -> String {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) if self.code_page == UTF_8 => String::from_utf8_lossy(bytes).into_owned(),
            Err(_) => bytes.iter().copied().map(char::from).collect(),
        }
    }
}

/// The template out of the summary ([MS-OLEPS], 2.21).
fn template(summary: &[u8]) -> Option<String> {
    let section = summary.get(u32_le(summary, 44)? as usize..)?;
    let count = u32_le(section, 4)? as usize;
    let entries = section.get(8..)?.chunks_exact(8).take(count);
    let place = entries
        .filter(|entry| u32_le(entry, 0) == Some(TEMPLATE))
        .find_map(|entry| u32_le(entry, 4))?;
    let value = section.get(place as usize..)?;
    if u32_le(value, 0)? != TEXT {
        return None;
    }
    let text = value.get(8..)?.get(..u32_le(value, 4)? as usize)?;
    let text = text.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{set_machine, table_name};
    use slipway_contract::{Arch, Facts, Kind};

    #[test]
    fn the_template_names_the_machines() {
        for (template, arch) in [
            ("x64;1033", Some(Arch::X86_64)),
            ("Intel;1033,1031", Some(Arch::X86)),
            (";1033", Some(Arch::X86)),
            ("Arm64;0", Some(Arch::Aarch64)),
            ("Intel64;1033", "ia64".parse().ok()),
            ("Intel,x64;1033", Some(Arch::Universal)),
        ] {
            let mut facts = Facts::of(Kind::Msi);
            set_machine(&mut facts, template);
            let same = facts
                .arch
                .zip(arch)
                .is_some_and(|(one, other)| one.is_same(&other));
            assert!(same, "{template}: {:?}", facts.arch);
        }
    }

    #[test]
    fn names_of_tables_are_decoded() {
        let name = [0x4840, 0x4559, 0x44f2, 0x4568, 0x4737];
        assert_eq!(table_name(&name).as_deref(), Some("Property"));
        assert_eq!(table_name(&[0x41]), None);
    }
}
