//! Our own verifiers, with words for whoever holds the file.

use std::io::{self, Read};

use slipway_signatures::minisign::{VerifyError, verify_file, verify_prehash};

use crate::{comment, key, prehash};

const CONTENT: &[u8] = b"slipway\n";

fn signature() -> String {
    key(1).sign(&prehash(CONTENT), &comment())
}

fn public_key(number: u8) -> String {
    key(number).public_key().to_string()
}

/// Both verifiers' verdict on the same bytes.
fn verify(
    content: &[u8],
    signature: &str,
    public_key: &str,
) -> Result<slipway_signatures::minisign::Verified, VerifyError> {
    let by_file = verify_file(content, signature, public_key);
    let by_prehash = verify_prehash(&prehash(content), signature, public_key);
    let words = |verdict: &Result<_, VerifyError>| verdict.as_ref().err().map(ToString::to_string);
    assert_eq!(words(&by_file), words(&by_prehash));
    by_file
}

#[test]
fn a_file_is_proven_and_its_statement_is_read() {
    let verified = verify(CONTENT, &signature(), &public_key(1)).unwrap();
    assert_eq!(verified.statement, Some(comment()));
    assert_eq!(verified.comment, comment().to_string());
    let with_carriage_returns = signature().replace('\n', "\r\n");
    verify(CONTENT, &with_carriage_returns, &public_key(1)).unwrap();
}

#[test]
fn a_bit_turned_anywhere_is_refused() {
    let good = signature();
    for place in 0..CONTENT.len() * 8 {
        let mut content = CONTENT.to_vec();
        content[place / 8] ^= 1 << (place % 8);
        let error = verify(&content, &good, &public_key(1)).expect_err("another file");
        assert!(matches!(error, VerifyError::Refuted), "{error}");
    }
    let lines: Vec<&str> = good.lines().collect();
    let begin = lines[0].len() + 1;
    // Every fifth, since an Ed25519 verification takes milliseconds in an unoptimised build.
    for place in (begin..good.len() - 1).step_by(5) {
        let mut changed = good.clone().into_bytes();
        changed[place] ^= 1;
        let Ok(changed) = String::from_utf8(changed) else {
            continue;
        };
        let verdict = verify_file(CONTENT, &changed, &public_key(1));
        assert!(verdict.is_err(), "byte {place} of\n{changed}");
        let verdict = verify_prehash(&prehash(CONTENT), &changed, &public_key(1));
        assert!(verdict.is_err(), "byte {place} of\n{changed}");
    }
}

#[test]
fn another_key_is_named() {
    let error = verify(CONTENT, &signature(), &public_key(2)).expect_err("another key");
    let words = error.to_string();
    assert!(words.contains("0101010101010101"), "{words}");
    assert!(words.contains("0202020202020202"), "{words}");
}

#[test]
fn a_key_with_a_borrowed_id_proves_nothing() {
    let forger = slipway_signatures::minisign::SecretKey::from_seed(
        slipway_signatures::minisign::KeyId::from_bytes([1; 8]),
        &[2; 32],
    );
    let forged = forger.sign(&prehash(CONTENT), &comment());
    let error = verify(CONTENT, &forged, &public_key(1)).expect_err("a forgery");
    assert!(matches!(error, VerifyError::Refuted), "{error}");
}

#[test]
fn what_is_no_key_or_no_signature_is_said_so() {
    let error = verify(CONTENT, "hello", &public_key(1)).expect_err("no signature");
    assert!(matches!(error, VerifyError::NoSignature), "{error}");
    let error = verify(CONTENT, &signature(), "hello").expect_err("no key");
    assert!(matches!(error, VerifyError::NoPublicKey), "{error}");
    let error = verify(CONTENT, &signature(), &signature()).expect_err("a signature as the key");
    assert!(matches!(error, VerifyError::NoPublicKey), "{error}");
}

/// The legacy mode signs the file's own bytes: an upload of 64 bytes could be the digest of another file.
#[test]
fn the_legacy_mode_is_refused() {
    let legacy = signature().replace("\nRUQ", "\nRWQ");
    assert_ne!(legacy, signature());
    let prehash = prehash(CONTENT);
    let as_upload = prehash.as_bytes().as_slice();
    minisign_verify::PublicKey::decode(&public_key(1))
        .unwrap()
        .verify(
            as_upload,
            &minisign_verify::Signature::decode(&legacy).unwrap(),
            true,
        )
        .expect("a verifier that takes the legacy mode is fooled");
    let error = verify(as_upload, &legacy, &public_key(1)).expect_err("the legacy mode");
    assert!(matches!(error, VerifyError::Legacy), "{error}");
}

#[test]
fn a_foreign_comment_is_proven_and_given_as_it_stands() {
    // Made by minisign 0.11 itself, from the file `slipway\n`.
    let public_key = include_str!("foreign.pub");
    let signature = include_str!("foreign.minisig");
    let verified = verify(CONTENT, signature, public_key).unwrap();
    assert_eq!(verified.comment, "made elsewhere");
    assert_eq!(verified.statement, None);
}

#[test]
fn a_file_that_cannot_be_read_is_not_proven() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let error = verify_file(CONTENT.chain(Broken), &signature(), &public_key(1));
    assert!(matches!(error, Err(VerifyError::Unreadable(_))));
}
