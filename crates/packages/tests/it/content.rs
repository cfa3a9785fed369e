//! What the signatures of an APK say of its content, held against its bytes.

use std::io::{Cursor, ErrorKind};

use slipway_contract::Kind;
use slipway_packages::{ContentAlgorithm, ContentDigests, Limits, Outcome};

use crate::{fixtures, inspected};

/// By `apksigner` 31: v2 and v3 with RSA; with a large key, SHA-512; with ECDSA; with fs-verity beside it.
const SIGNED: [(&str, &[u8], &[ContentAlgorithm]); 4] = [
    (
        "rsa",
        include_bytes!("../files/signed-rsa.apk"),
        &[ContentAlgorithm::Sha256],
    ),
    (
        "rsa4096",
        include_bytes!("../files/signed-rsa4096.apk"),
        &[ContentAlgorithm::Sha512],
    ),
    (
        "ecdsa",
        include_bytes!("../files/signed-ecdsa.apk"),
        &[ContentAlgorithm::Sha256],
    ),
    (
        "verity",
        include_bytes!("../files/signed-verity.apk"),
        &[ContentAlgorithm::Sha256, ContentAlgorithm::Verity],
    ),
];
const CHANGED: &[u8] = include_bytes!("../files/apk-v3-digest-mismatch.apk");

fn content(apk: &[u8]) -> ContentDigests {
    let inspected = inspected(apk, Some(Kind::Apk), &Limits::default());
    assert!(
        matches!(inspected.outcome, Outcome::Understood(_)),
        "{:?}",
        inspected.outcome
    );
    inspected.content.expect("it is signed by v2 or v3")
}

fn fits(content: &ContentDigests, apk: &[u8]) -> bool {
    content.fit(Cursor::new(apk)).expect("memory can be read")
}

#[test]
fn an_apk_that_was_changed_after_it_was_signed_does_not_fit_its_digest() {
    for (name, apk, algorithms) in SIGNED {
        let content = content(apk);
        let found: Vec<_> = content
            .digests
            .iter()
            .map(|digest| digest.algorithm)
            .collect();
        assert_eq!(found, algorithms, "{name}");
        assert!(fits(&content, apk), "{name}");
        let parts = [0..content.block, content.directory..apk.len() as u64];
        for place in parts.into_iter().flatten().step_by(97) {
            let mut changed = apk.to_vec();
            changed[usize::try_from(place).unwrap()] ^= 1;
            assert!(!fits(&content, &changed), "{name}: {place}");
        }
        for digest in 0..content.digests.len() {
            let mut other = content.clone();
            other.digests[digest].digest.replace_range(..2, "zz");
            assert!(!fits(&other, apk), "{name}: every digest counts");
        }
    }
    assert!(!fits(&content(CHANGED), CHANGED));
}

/// Larger than a chunk and than one block of digests in a tree.
#[test]
fn every_real_apk_fits_the_digests_of_its_signature() {
    for apk in fixtures::apks() {
        let content = content(&apk.bytes);
        assert!(fits(&content, &apk.bytes), "{}", apk.path.display());
    }
}

#[test]
fn places_outside_of_the_file_are_an_error_and_no_verdict() {
    let (_, apk, _) = SIGNED[0];
    let good = content(apk);
    for change in [
        (|content| content.block = content.directory + 1) as fn(&mut ContentDigests),
        |content| content.directory = content.end + 1,
        |content| content.end += 1,
        |content| content.end = u64::MAX,
        |content| content.end = 0,
        |content| content.digests = vec![content.digests[0].clone(); 13],
    ] {
        let mut wrong = good.clone();
        change(&mut wrong);
        let error = wrong.fit(Cursor::new(apk)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
