//! What users hold is judged by Debian's own `minisign`, and cannot be turned into something else.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use slipway_signatures::minisign::{Prehasher, VerifyError, verify_file};
use slipway_testkit::database::Engine;

use crate::{first, statement};

#[tokio::test]
async fn minisign_accepts_what_was_released_and_nothing_that_was_changed() {
    let Some(minisign) = slipway_testkit::minisign::minisign() else {
        return;
    };
    let (signing, _folder) = first(Engine::Sqlite).await;
    let content = vec![7; 100_000];
    signing.store(&content);
    let signature = signing
        .signature(&statement("notes", "1.0.0", &content))
        .await;
    let key = signing.public_key("notes").await;
    let comment = minisign.verify(&content, &signature, &key);
    let comment = comment.expect("minisign accepts it");
    assert!(
        comment.contains("\tversion:1.0.0\tapp:notes\t"),
        "{comment}"
    );

    let mut flipped = content.clone();
    flipped[50_000] ^= 1;
    let other_version = signature.replace("version:1.0.0", "version:1.0.1");
    let other_key = signing.public_key("other").await;
    for (content, signature, key) in [
        (&flipped, &signature, &key),
        (&content, &other_version, &key),
        (&content, &signature, &other_key),
    ] {
        let verdict = minisign.verify(content, signature, key);
        verdict.expect_err("minisign refuses it");
    }
}

/// An uploader who could have chosen bytes signed would upload the digest of an evil file, and then that signature with
/// a comment: together a valid signature of the evil file, which was never uploaded.
#[tokio::test]
async fn two_uploads_cannot_be_made_into_a_signature_of_a_third_file() {
    let (signing, _folder) = first(Engine::Sqlite).await;
    let key = signing.public_key("notes").await;
    let evil = b"evil";
    let mut prehasher = Prehasher::default();
    prehasher.update(evil);
    let first_upload = prehasher.finish().as_bytes().to_vec();
    signing.store(&first_upload);
    let first = signing
        .signature(&statement("notes", "1.0", &first_upload))
        .await;
    let (algorithm, bytes) = signature_of(&first);
    assert_eq!(&algorithm, b"ED", "only prehashed signatures are made");

    let comment = "timestamp:1\tfile:notes.apk\tversion:9.0\tapp:notes\tsha256:0";
    let second_upload = [bytes.as_slice(), comment.as_bytes()].concat();
    signing.store(&second_upload);
    let second = signing
        .signature(&statement("notes", "2.0", &second_upload))
        .await;
    let (algorithm, global) = signature_of(&second);
    assert_eq!(&algorithm, b"ED", "only prehashed signatures are made");

    let mut lines: Vec<String> = first.lines().map(str::to_owned).collect();
    lines[2] = format!("trusted comment: {comment}");
    lines[3] = BASE64_STANDARD.encode(global);
    let forged = lines.join("\n") + "\n";
    let verdict = verify_file(evil.as_slice(), &forged, &key);
    assert!(matches!(verdict, Err(VerifyError::Refuted)), "{verdict:?}");
    if let Some(minisign) = slipway_testkit::minisign::minisign() {
        let verdict = minisign.verify(evil, &forged, &key);
        verdict.expect_err("minisign refuses it");
    }
    // Nor is any of them a signature of the upload's own bytes.
    for (upload, signature) in [(&first_upload, first), (&second_upload, second)] {
        let legacy = in_legacy_form(&signature);
        let legacy = minisign_verify::Signature::decode(&legacy).expect("the legacy form");
        let public_key = minisign_verify::PublicKey::decode(&key).expect("a key");
        assert!(public_key.verify(upload, &legacy, true).is_err());
    }
}

/// The algorithm and the signature of the second line.
fn signature_of(text: &str) -> ([u8; 2], [u8; 64]) {
    let line = text.lines().nth(1).expect("a second line");
    let line = BASE64_STANDARD.decode(line).expect("base64");
    let (algorithm, rest) = line.split_first_chunk().expect("an algorithm");
    (*algorithm, rest[8..].try_into().expect("a signature"))
}

fn in_legacy_form(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut line = BASE64_STANDARD.decode(&lines[1]).expect("base64");
    line[1] = b'd';
    lines[1] = BASE64_STANDARD.encode(line);
    lines.join("\n")
}
