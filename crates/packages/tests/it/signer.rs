//! The certificate of an APK, in each place where one can be.

use std::{fs, path::Path, process::Command};

use sha2::{Digest as _, Sha256};

use crate::{
    archive::{Entry, zip, zip_with},
    damage_of, facts, is_installed, output, skip,
};

/// A number's bytes before it: everything in a signing block is preceded by its length.
fn prefixed(parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    let length = super::archive::number(body.len());
    [&length.to_le_bytes()[..], &body].concat()
}

fn scheme(id: u32, certificate: &[u8]) -> Vec<u8> {
    let certificates = prefixed(&[prefixed(&[certificate.to_vec()])]);
    let signed = prefixed(&[prefixed(&[]), certificates]);
    let signers = prefixed(&[prefixed(&[signed, b"signatures".to_vec()])]);
    pair(id, &signers)
}

fn pair(id: u32, value: &[u8]) -> Vec<u8> {
    let length = value.len() as u64 + 4;
    [&length.to_le_bytes()[..], &id.to_le_bytes(), value].concat()
}

fn block(pairs: &[Vec<u8>]) -> Vec<u8> {
    let body = pairs.concat();
    let size = (body.len() as u64 + 24).to_le_bytes();
    [&size[..], &body, &size, b"APK Sig Block 42"].concat()
}

const V2: u32 = 0x7109_871a;
const V3: u32 = 0xf053_68c0;
const PADDING: u32 = 0x4272_6577;

fn signed(block: &[u8]) -> Vec<u8> {
    zip_with(&[Entry::new("AndroidManifest.xml", b"x")], block)
}

fn signer(apk: &[u8]) -> Option<String> {
    let facts = facts(apk);
    assert!(!facts.signer_verified);
    facts.signer_sha256.map(|digest| digest.as_hex())
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn the_newest_scheme_names_the_certificate() {
    let both = block(&[
        pair(PADDING, &[0; 99]),
        scheme(V2, b"old"),
        scheme(V3, b"new"),
    ]);
    assert_eq!(signer(&signed(&both)), Some(sha256(b"new")));
    assert_eq!(
        signer(&signed(&block(&[scheme(V2, b"old")]))),
        Some(sha256(b"old"))
    );
}

#[test]
fn an_apk_whose_signing_block_is_damaged_is_not_whole() {
    let mut unequal = block(&[scheme(V2, b"old")]);
    let footer = unequal.len() - 24;
    unequal[footer..footer + 8].fill(0xff);
    let mut differing = block(&[scheme(V2, b"old")]);
    differing[0] += 1;
    for block in [
        unequal,
        differing,
        block(&[pair(V2, b"")]),
        block(&[vec![0xff; 12]]),
    ] {
        let words = damage_of(&signed(&block)).unwrap();
        assert!(words.contains("signing block is damaged"), "{words}");
    }
    let unsigned = facts(&signed(&block(&[])));
    assert!(
        unsigned.warnings[0].contains("not signed"),
        "{:?}",
        unsigned.warnings
    );
}

/// The older scheme, with a signature as `jarsigner` makes it.
#[test]
fn the_certificate_of_a_signature_in_meta_inf_is_found() {
    if !is_installed("openssl") {
        return skip("signatures in META-INF, because openssl is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let (signature, certificate) = jar_signature(folder.path());
    let apk = |signature: &[u8]| {
        zip(&[
            Entry::new("AndroidManifest.xml", b"x"),
            Entry::deflated("META-INF/CERT.RSA", signature),
        ])
    };
    assert_eq!(signer(&apk(&signature)), Some(sha256(&certificate)));
    for length in 0..signature.len() {
        let facts = facts(&apk(&signature[..length]));
        assert!(facts.signer_sha256.is_none() && facts.warnings[0].contains("META-INF"));
    }
}

fn jar_signature(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    let openssl = |arguments: &[&str]| {
        output(Command::new("openssl").current_dir(folder).args(arguments));
    };
    fs::write(folder.join("CERT.SF"), "Signature-Version: 1.0\n").expect("the folder takes it");
    openssl(&[
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", "key",
        "-out", "pem",
    ]);
    openssl(&["x509", "-in", "pem", "-outform", "DER", "-out", "der"]);
    openssl(&[
        "cms", "-sign", "-binary", "-noattr", "-in", "CERT.SF", "-signer", "pem", "-inkey", "key",
        "-outform", "DER", "-out", "CERT.RSA",
    ]);
    let read = |name: &str| fs::read(folder.join(name)).expect("openssl has made it");
    (read("CERT.RSA"), read("der"))
}
