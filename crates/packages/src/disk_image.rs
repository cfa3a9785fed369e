//! Disk images: Apple's, and file systems as they are.

use slipway_contract::{Facts, Kind};

use crate::source::{Fault, Source, u16_be, u16_le, u32_be, u32_le, u64_be, u64_le};

const TRAILER: u64 = 512;

/// An Apple disk image (UDIF) has its header, 512 bytes, at its end; its beginning can be anything.
pub(crate) fn read(source: &mut Source<'_>) -> Result<Option<Facts>, Fault> {
    if is_encrypted(source)? {
        let mut facts = Facts::of(Kind::Dmg);
        facts.warn("the disk image is encrypted, so nothing of its content was read");
        return Ok(Some(facts));
    }
    let (start, trailer) = source.tail(TRAILER)?;
    if !trailer.starts_with(b"koly") || u32_be(&trailer, 8) != Some(512) {
        return Ok(None);
    }
    for (what, offset, length) in [("data", 24, 32), ("table", 216, 224)] {
        let number = |at| u64_be(&trailer, at).unwrap_or(u64::MAX);
        if number(offset).saturating_add(number(length)) > start {
            return Err(Fault::damaged(format!(
                "the trailer of the disk image names {what} that lie beyond it"
            )));
        }
    }
    Ok(Some(Facts::of(Kind::Dmg)))
}

/// An image that is encrypted says so at its beginning, or in the form of before Mac OS X 10.5 at its end (libyal,
/// "Mac OS disk image types", "Encrypted DMG").
fn is_encrypted(source: &mut Source<'_>) -> Result<bool, Fault> {
    let head = source.head(72)?;
    if head.starts_with(b"encrcdsa") {
        let number = |at| u64_be(&head, at).unwrap_or(u64::MAX);
        source.needs("its encrypted content", number(64), number(56))?;
        return Ok(true);
    }
    let (_, tail) = source.tail(8)?;
    Ok(tail == b"cdsaencr")
}

/// Whether this is the image of a disk as it is, all of it, which `hdiutil` takes for a `.dmg` too: HFS+, APFS, ISO 9660, or
/// a map of partitions by Apple or GPT.
pub(crate) fn is_raw(source: &mut Source<'_>) -> Result<bool, Fault> {
    let head = source.head(64 << 10)?;
    let length = iso(&head)
        .or_else(|| hfs(&head))
        .or_else(|| apfs(&head))
        .or_else(|| gpt(&head))
        .or_else(|| apple_map(&head));
    if let Some(length) = length {
        source.needs("the disk image", 0, length)?;
    }
    Ok(length.is_some())
}

/// ISO 9660 ends where it says, if it is one.
pub(crate) fn iso_is_whole(source: &mut Source<'_>) -> Result<(), Fault> {
    let head = source.head(64 << 10)?;
    iso(&head).map_or(Ok(()), |length| source.needs("its file system", 0, length))
}

/// ECMA-119, 8.4: the primary volume descriptor.
fn iso(head: &[u8]) -> Option<u64> {
    let volume = head.get(32 << 10..)?;
    volume.starts_with(b"\x01CD001").then_some(())?;
    Some(u64::from(u32_le(volume, 80)?) * u64::from(u16_le(volume, 128)?))
}

/// Apple's Technical Note TN1150: the volume header.
fn hfs(head: &[u8]) -> Option<u64> {
    let volume = head.get(1024..)?;
    (volume.starts_with(b"H+") || volume.starts_with(b"HX")).then_some(())?;
    Some(u64::from(u32_be(volume, 40)?) * u64::from(u32_be(volume, 44)?))
}

/// Apple File System Reference: `nx_superblock_t`.
fn apfs(head: &[u8]) -> Option<u64> {
    head.get(32..)?.starts_with(b"NXSB").then_some(())?;
    u64_le(head, 40)?.checked_mul(u32_le(head, 36)?.into())
}

/// UEFI, 5.3.2: the header names the place of its copy, which is the last block.
fn gpt(head: &[u8]) -> Option<u64> {
    let header = head.get(512..)?;
    header.starts_with(b"EFI PART").then_some(())?;
    u64_le(header, 32)?.checked_add(1)?.checked_mul(512)
}

/// Inside Macintosh: Devices, 3-12: the driver descriptor record.
fn apple_map(head: &[u8]) -> Option<u64> {
    let size = u16_be(head, 2).filter(|size| head.starts_with(b"ER") && *size > 0)?;
    Some(u64::from(size) * u64::from(u32_be(head, 4)?))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{is_raw, read};
    use crate::source::{Fault, Source};

    fn with<T>(
        bytes: &[u8],
        look: impl Fn(&mut Source<'_>) -> Result<T, Fault>,
    ) -> Result<T, String> {
        let mut input = Cursor::new(bytes);
        look(&mut Source::new(&mut input).unwrap()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn the_trailer_of_a_disk_image_names_what_lies_before_it() {
        let image = |data: u64, table: u64| {
            let mut image = vec![1; 100];
            let mut trailer = b"koly\0\0\0\x04\0\0\x02\0".to_vec();
            trailer.resize(512, 0);
            trailer[32..40].copy_from_slice(&data.to_be_bytes());
            trailer[216..224].copy_from_slice(&data.to_be_bytes());
            trailer[224..232].copy_from_slice(&table.to_be_bytes());
            image.extend(trailer);
            image
        };
        assert!(with(&image(60, 40), read).unwrap().is_some());
        assert!(with(&image(60, 41), read).unwrap_err().contains("beyond"));
        assert!(
            with(&image(u64::MAX, 1), read)
                .unwrap_err()
                .contains("data")
        );
        assert!(with(b"short", read).unwrap().is_none());
    }

    #[test]
    fn a_disk_as_it_is_says_how_long_it_is() {
        let disk = |place: usize, magic: &[u8], numbers: &[(usize, &[u8])]| {
            let mut disk = vec![0; 40 << 10];
            disk[place..place + magic.len()].copy_from_slice(magic);
            for (at, bytes) in numbers {
                disk[place + at..place + at + bytes.len()].copy_from_slice(bytes);
            }
            disk
        };
        for disk in [
            disk(32 << 10, b"\x01CD001", &[(80, &[20]), (128, &[0, 8])]),
            disk(1024, b"H+", &[(40, &[0, 0, 16, 0]), (44, &[0, 0, 0, 10])]),
            disk(32, b"NXSB", &[(4, &[0, 16]), (8, &[10])]),
            disk(512, b"EFI PART", &[(32, &[79])]),
            disk(0, b"ER\x02\0\0\0\0\x50", &[]),
        ] {
            assert!(with(&disk, is_raw).unwrap());
            assert!(with(&disk[..disk.len() - 1], is_raw).is_err());
        }
        assert!(!with(&[0; 9], is_raw).unwrap());
    }
}
