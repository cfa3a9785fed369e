//! Debian's `minisign` reads what we write.

use crate::{comment, key, prehash};

const CONTENT: &[u8] = b"slipway\n";

#[test]
fn minisign_accepts_our_signature_and_says_our_comment() {
    let Some(minisign) = slipway_testkit::minisign::minisign() else {
        return;
    };
    let key = key(1);
    let signature = key.sign(&prehash(CONTENT), &comment());
    let public_key = key.public_key().to_string();
    assert_eq!(
        minisign.verify(CONTENT, &signature, &public_key),
        Ok(comment().to_string())
    );
    let empty = key.sign(&prehash(b""), &comment());
    assert!(minisign.verify(b"", &empty, &public_key).is_ok());
}

#[test]
fn minisign_refuses_whatever_was_changed() {
    let Some(minisign) = slipway_testkit::minisign::minisign() else {
        return;
    };
    let signature = key(1).sign(&prehash(CONTENT), &comment());
    let public_key = key(1).public_key().to_string();
    for (content, signature, public_key) in [
        (b"slipwax\n", &signature, &public_key),
        (
            b"slipway\n",
            &signature.replace("version:1.2.3", "version:1.2.4"),
            &public_key,
        ),
        (b"slipway\n", &signature, &key(2).public_key().to_string()),
    ] {
        minisign
            .verify(content, signature, public_key)
            .expect_err("a changed file, comment or key");
    }
}
