//! One byte wrong, at places that are the same in every run: an outcome each time, never a panic.

use slipway_contract::Kind;
use slipway_packages::Outcome;

use crate::{
    Random,
    archive::{Entry, entry, zip},
    facts, fixtures, outcome,
};

const PLACES: usize = 500;

/// Replaces one byte, looks, and puts the byte back.
fn damage(bytes: &mut [u8], place: usize, random: &mut Random, look: impl FnOnce(&[u8])) {
    let before = bytes[place];
    bytes[place] ^= u8::try_from(1 + random.below(255)).expect("it is below 256");
    look(bytes);
    bytes[place] = before;
}

#[test]
fn one_byte_of_damage_to_a_real_apk_never_panics() {
    let mut random = Random(0x51_1b_aa_77);
    for mut apk in fixtures::apks() {
        let length = apk.bytes.len();
        for round in 0..PLACES {
            // Half of them in the last part, where the directory and the signatures are.
            let place = if round % 2 == 0 {
                random.below(length)
            } else {
                length - 1 - random.below((64 << 10).min(length))
            };
            damage(&mut apk.bytes, place, &mut random, |bytes| {
                if let Outcome::Understood(facts) = outcome(bytes) {
                    assert!(
                        matches!(facts.kind, Kind::Apk | Kind::Zip),
                        "{place}: {facts:?}"
                    );
                }
            });
        }
    }
}

/// The checksums of a zip hide most damage from the parsers within: here they are right again.
#[test]
fn one_byte_of_damage_within_manifest_or_resources_never_panics() {
    let mut random = Random(0x0dd_ba11);
    for apk in fixtures::apks() {
        for name in ["AndroidManifest.xml", "resources.arsc"] {
            let parts = ["AndroidManifest.xml", "resources.arsc"];
            let mut bytes = entry(&apk.bytes, name);
            for round in 0..PLACES {
                // The headers come first, and damage to them leads furthest astray.
                let reach = if round % 2 == 0 {
                    bytes.len()
                } else {
                    bytes.len().min(4096)
                };
                damage(
                    &mut bytes.clone(),
                    random.below(reach),
                    &mut random,
                    |damaged| {
                        let entries = parts.map(|part| {
                            let whole = || entry(&apk.bytes, part);
                            let bytes = if part == name {
                                damaged.to_vec()
                            } else {
                                whole()
                            };
                            Entry::new(part, &bytes)
                        });
                        assert_eq!(facts(&zip(&entries)).kind, Kind::Apk);
                    },
                );
            }
            bytes.truncate(bytes.len() / 2);
            facts(&zip(&[
                Entry::new(name, &bytes),
                Entry::new("classes.dex", b""),
            ]));
        }
    }
}

#[test]
fn random_bytes_behind_every_magic_number_never_panic() {
    let mut random = Random(0xfeed);
    for magic in [
        &b"PK\x03\x04"[..],
        b"PK\x05\x06",
        b"!<arch>\ndebian-binary",
        b"MZ",
        b"\x7fELF",
        b"\xca\xfe\xba\xbe\0\0\0",
        b"\xcf\xfa\xed\xfe",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\xed\xab\xee\xdb",
        b"\x1f\x8b\x08",
        b"",
    ] {
        for length in 0..200 {
            let mut bytes = magic.to_vec();
            bytes.extend((0..length).map(|_| u8::try_from(random.below(256)).unwrap()));
            outcome(&bytes);
        }
    }
}
