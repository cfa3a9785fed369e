//! Debian packages (`deb(5)`, `deb-control(5)`): name, version and architecture out of the control file.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;
use slipway_contract::{Facts, Kind};

use crate::facts::Fill as _;
use crate::{
    facts::shown,
    limits::Limits,
    native_version,
    source::{Fault, Source},
    unpack::{BzStreams, Frames, xz},
};

const ARCHIVE: &[u8] = b"!<arch>\n";
const MEMBER_LENGTH: u64 = 60;

/// How the names of the two archives begin: what describes the package, and its files.
const CONTROL: &str = "control.tar";
const DATA: &str = "data.tar";

/// Members: `debian-binary`, the two archives, and those of other tools that begin with `_`.
const MEMBERS: usize = 64;

/// `None` when it is no deb. Every member has to be there, to its end.
pub(crate) fn read(
    source: &mut Source<'_>,
    head: &[u8],
    limits: &Limits,
) -> Result<Option<Facts>, Fault> {
    if !head.starts_with(ARCHIVE) || !head[ARCHIVE.len()..].starts_with(b"debian-binary") {
        return Ok(None);
    }
    let members = members(source)?;
    let find = |begins: &str| {
        let found = members
            .iter()
            .find(|member| member.name.starts_with(begins));
        found.ok_or_else(|| Fault::damaged(format!("it has no {begins}")))
    };
    let archive = find(CONTROL)?;
    let data = find(DATA)?;
    let mut facts = Facts::of(Kind::Deb);
    let control = control(source, archive, limits);
    if let Some(control) = facts.or_warning("the control file of the deb", control)? {
        describe(&mut facts, &control, limits);
    }
    if let Some(warning) = unpack_data(source, data, limits)? {
        facts.warn(warning);
    }
    Ok(Some(facts))
}

/// Unpacks the files to see that all of them are there, since a hole in them has the size that it should have. Returns
/// why that could not be seen.
fn unpack_data(
    source: &mut Source<'_>,
    member: &Member,
    limits: &Limits,
) -> Result<Option<String>, Fault> {
    let packing = member.name.strip_prefix(DATA).unwrap_or_default();
    if packing.is_empty() {
        return Ok(None);
    }
    let archive = source.stream(member.offset)?.take(member.size);
    let unpacked = match decoder(packing, BufReader::new(archive), limits) {
        None => Err(ErrorKind::Unsupported.into()),
        Some(tar) => io::copy(&mut tar.take(limits.data + 1), &mut io::sink()),
    };
    match unpacked {
        Ok(length) if length <= limits.data => Ok(None),
        Ok(_) => Ok(Some(format!(
            "it unpacks to more than {} bytes, so it was not looked whether all of its files are there",
            limits.data
        ))),
        Err(error) => match error.kind() {
            // The decoders' errors are of the kind `Other` too; those of a disk are not.
            ErrorKind::InvalidData
            | ErrorKind::InvalidInput
            | ErrorKind::UnexpectedEof
            | ErrorKind::Other => Err(Fault::damaged(format!("its {} is damaged", member.name))),
            ErrorKind::OutOfMemory | ErrorKind::Unsupported => Ok(Some(format!(
                "its {} cannot be unpacked here, so it was not looked whether all of its files are there",
                member.name
            ))),
            _ => Err(Fault::Io(error)),
        },
    }
}

/// What unpacks an archive whose name ends in `packing`; `None` where that is not read here.
fn decoder<'a>(
    packing: &str,
    archive: impl BufRead + 'a,
    limits: &Limits,
) -> Option<Box<dyn Read + 'a>> {
    Some(match packing {
        "" => Box::new(archive),
        ".gz" => Box::new(MultiGzDecoder::new(archive)),
        ".xz" => Box::new(xz(archive, limits)),
        ".zst" => Box::new(Frames::new(archive, limits)),
        ".bz2" => Box::new(BzStreams::new(archive)),
        _ => return None,
    })
}

fn describe(facts: &mut Facts, control: &str, limits: &Limits) {
    let value = |name| field(control, name).and_then(|value| shown(value, limits.text));
    facts.identifier = value("Package");
    if let Some(version) = value("Version") {
        native_version::set(facts, version, native_version::of_deb);
    }
    match value("Architecture") {
        Some(name) => facts.set_arch(&name),
        None => facts.warn("the deb names no architecture"),
    }
}

/// A field of the first paragraph. Names are compared without case; a line that begins with a blank
/// continues the field before it.
fn field<'a>(control: &'a str, name: &str) -> Option<&'a str> {
    control
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn control(source: &mut Source<'_>, member: &Member, limits: &Limits) -> Result<String, Fault> {
    if member.size > limits.control {
        return Err(Fault::malformed(format!(
            "it has {} bytes; {} are read at most",
            member.size, limits.control
        )));
    }
    let archive = source.read(member.offset, member.size)?;
    let mut bytes = Vec::new();
    let packing = member.name.strip_prefix(CONTROL).unwrap_or_default();
    let tar = decoder(packing, &*archive, limits)
        .ok_or_else(|| Fault::malformed(format!("{:?} is not read here", member.name)))?;
    tar.take(limits.control)
        .read_to_end(&mut bytes)
        .map_err(|_| Fault::malformed("its control archive is damaged"))?;
    in_tar(&bytes).ok_or_else(|| Fault::malformed("its control archive holds no control file"))
}

fn in_tar(bytes: &[u8]) -> Option<String> {
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        let name = entry.path_bytes();
        if name.strip_prefix(b"./").unwrap_or(&name) == b"control" {
            let mut text = Vec::new();
            entry.read_to_end(&mut text).ok()?;
            return Some(String::from_utf8_lossy(&text).into_owned());
        }
    }
    None
}

struct Member {
    name: String,
    offset: u64,
    size: u64,
}

fn members(source: &mut Source<'_>) -> Result<Vec<Member>, Fault> {
    let mut members = Vec::new();
    let mut at = ARCHIVE.len() as u64;
    while at < source.length() && members.len() < MEMBERS {
        if source.length() - at < MEMBER_LENGTH && has_data(&members) {
            // `dpkg` stops behind the data. Editors and scripts leave a line end there.
            let rest = source.read(at, source.length() - at)?;
            if rest.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                break;
            }
        }
        let header = source.part("the header of a member", at, MEMBER_LENGTH)?;
        let (name, size) =
            member(&header).ok_or_else(|| Fault::damaged("the header of a member is damaged"))?;
        let offset = at + MEMBER_LENGTH;
        source.needs(&format!("its member {name:?}"), offset, size)?;
        // The next one begins at an even place.
        at = offset + size + size % 2;
        members.push(Member { name, offset, size });
    }
    Ok(members)
}

fn has_data(members: &[Member]) -> bool {
    members.iter().any(|member| member.name.starts_with(DATA))
}

/// Name and size out of the header of a member (`ar(5)`); some writers end the name with a slash.
fn member(header: &[u8]) -> Option<(String, u64)> {
    let text = std::str::from_utf8(header).ok()?;
    let name = text.get(..16)?.trim_end().trim_end_matches('/');
    let size = text.get(48..58)?.trim_end().parse().ok()?;
    text.ends_with("`\n").then(|| (name.to_owned(), size))
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_are_those_of_the_first_paragraph() {
        let control = "package: notes\nDescription: a\n Version: 9\nVersion:  1:2.0-1 \n\nArchitecture: all\n";
        assert_eq!(field(control, "Package"), Some("notes"));
        assert_eq!(field(control, "Version"), Some("1:2.0-1"));
        assert_eq!(field(control, "Architecture"), None);
    }
}
