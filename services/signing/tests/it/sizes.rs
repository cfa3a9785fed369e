//! The size in a signature: what was stated without it is signed without it, for ever.

use std::fs;

use serde_json::Value;
use slipway_testkit::database::engines;

use crate::{Instance, first, statement};

/// What an older copy of the database does not have.
const FORGET_SIGNATURES: &str = "UPDATE statements SET signature = NULL";
const FORGET_STATEMENTS: &str = "DELETE FROM statements";
/// An earlier version made the row, of a request or of its file.
const BY_AN_EARLIER: &str = "UPDATE statements SET signed_size = NULL, signature = NULL";
/// A later one than that which wrote the file.
const BY_A_LATER: &str = "UPDATE statements SET signed_size = size, signature = NULL";

fn last_field(signature: &str) -> &str {
    let comment = signature.lines().nth(2).expect("a comment");
    comment.rsplit('\t').next().expect("a field")
}

/// States `wanted` as an earlier version does it, up to the signature.
async fn stated_earlier(signing: &Instance, wanted: &Value) {
    signing.sign(wanted).await;
    signing.tamper(BY_AN_EARLIER).await;
    for (path, _) in signing.files() {
        fs::remove_file(path).expect("a file");
    }
}

/// Asks again after each loss, with a restart and without one: neither the signature nor the file changes.
async fn stays(signing: &Instance, wanted: &Value, losses: &[(bool, Option<&str>)]) {
    let signature = signing.signature(wanted).await;
    let files = signing.files();
    for (no_file, sql) in losses {
        for restart in [false, true] {
            if *no_file {
                fs::remove_file(&files[0].0).expect("a file");
            }
            if let Some(sql) = sql {
                signing.tamper(sql).await;
            }
            let started = Instance::start(&signing.process);
            let instance = if restart {
                &started.await.expect("a start")
            } else {
                signing
            };
            let again = instance.signature(wanted).await;
            assert_eq!(again, signature, "{no_file} {sql:?} {restart}");
            assert_eq!(signing.files(), files, "{no_file} {sql:?} {restart}");
        }
    }
}

#[tokio::test]
async fn a_new_statement_says_its_size_whatever_is_lost() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.store(b"bytes");
        let wanted = statement("notes", "1.0.0", b"bytes");
        let signature = signing.signature(&wanted).await;
        assert_eq!(last_field(&signature), "size:5");
        let losses = [
            (true, None),
            (true, Some(FORGET_SIGNATURES)),
            (false, Some(FORGET_SIGNATURES)),
            (false, Some(FORGET_STATEMENTS)),
            (false, Some(BY_AN_EARLIER)),
        ];
        stays(&signing, &wanted, &losses).await;
    }
}

#[tokio::test]
async fn what_an_earlier_version_stated_says_no_size_whatever_is_lost() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        let wanted = statement("notes", "1.0.0", b"bytes");
        stated_earlier(&signing, &wanted).await;
        signing.store(b"bytes");
        let signature = signing.signature(&wanted).await;
        assert!(last_field(&signature).starts_with("sha256:"), "{signature}");
        let file = String::from_utf8(signing.files().remove(0).1).expect("a text");
        assert!(!file.contains("signed_size"), "{file}");
        let losses = [
            (true, None),
            (true, Some(FORGET_SIGNATURES)),
            (false, Some(FORGET_SIGNATURES)),
            (false, Some(FORGET_STATEMENTS)),
            (false, Some(BY_A_LATER)),
        ];
        stays(&signing, &wanted, &losses).await;
    }
}
