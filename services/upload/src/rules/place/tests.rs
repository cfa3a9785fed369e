use std::collections::BTreeMap;

use proptest::prelude::{any, proptest};
use slipway_contract::package::File;
use slipway_contract::{Arch, Kind, Word};

use super::*;
use crate::parameters::RawParameters;
use crate::store::json::Document;
use crate::store::state::State;

fn package(token_id: &str, sha256: Digest, platform: &str) -> Package {
    Package {
        id: "1".to_owned(),
        app: "notes".parse().expect("a slug"),
        file: File {
            filename: "notes.apk".parse().expect("a name"),
            sha256,
            size: 1,
            kind: Word::Known(Kind::Apk),
            platform: Word::read(platform),
            arch: Word::Known(Arch::Universal),
        },
        version: Some(Parsed(Word::read("1.0"))),
        version_key: String::new(),
        blocks: None,
        facts: Document(serde_json::Value::Null),
        state: State::Stored,
        known_as: None,
        refused_status: None,
        refused_code: None,
        refused_detail: None,
        refused_entry: None,
        token_id: token_id.to_owned(),
        token_name: token_id.to_owned(),
        request_id: String::new(),
        created_at: 0,
    }
}

fn parameters(platform: Option<&str>) -> Parameters {
    let raw = RawParameters {
        filename: "notes.apk".to_owned(),
        platform: platform.map(str::to_owned),
        ..RawParameters::default()
    };
    raw.parse().expect("parameters")
}

fn release(files: &[(&str, Digest)], closed: bool, deleted: bool) -> Release {
    let files = files.iter();
    Release {
        version: Word::read("1.0"),
        files: files
            .map(|(name, digest)| (name.parse().expect("a name"), *digest))
            .collect::<BTreeMap<_, _>>(),
        closed,
        deleted,
    }
}

fn ask(known: &Known, digest: Option<Digest>) -> Result<(), Refusal> {
    let (version, filename) = ("1.0".parse(), FileName::for_upload("notes.apk"));
    let asked = Asked {
        version: &version.expect("a version"),
        filename: &filename.expect("a name"),
        digest: digest.as_ref(),
        token_id: "own",
    };
    check(known, &asked)
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

proptest! {
    #[test]
    fn a_place_never_has_two_sets_of_bytes_and_none_is_taken_from_another(
        is_own in any::<bool>(),
        given in 0..3_u8,
        held in 0..3_u8,
        waiting in 0..2000_usize,
    ) {
        let there = package(if is_own { "own" } else { "other" }, digest(held), "android");
        let ours = package("own", digest(given), "android");
        match settle(&there, &ours, &parameters(None), waiting) {
            Ok(Placing::Same) => assert_eq!(given, held),
            Ok(Placing::Replace) => assert!(is_own && given != held && waiting < MOST_WAITING),
            Err(Refusal::TooManyWaiting) => assert!(is_own && waiting >= MOST_WAITING),
            Err(refusal) => assert!(!is_own && given != held, "{refusal:?}"),
        }
        // What is refused once its bytes are known is what is refused before they come.
        let known = Known { there: Some(there), ..Known::default() };
        assert_eq!(ask(&known, Some(digest(given))).is_err(), !is_own && given != held);
        assert!(ask(&known, None).is_ok());
    }

    #[test]
    fn nothing_is_added_to_a_release_that_is_closed(
        is_there in any::<bool>(),
        deleted in any::<bool>(),
        given in 0..2_u8,
    ) {
        let files = [("notes.apk", digest(0))];
        let files = if is_there { &files[..] } else { &[] };
        let known = |closed| Known {
            release: Some(release(files, closed, deleted)),
            ..Known::default()
        };
        assert!(ask(&known(false), Some(digest(given))).is_ok());
        let refused = ask(&known(true), Some(digest(given)));
        if deleted {
            assert!(matches!(refused, Err(Refusal::ReleaseDeleted { .. })));
        } else if !is_there {
            assert!(matches!(refused, Err(Refusal::ReleaseClosed { .. })));
        } else {
            assert_eq!(refused.is_ok(), given == 0);
        }
    }
}

#[test]
fn names_that_cannot_be_told_apart_are_one() {
    let known = Known {
        names: vec!["Notes.apk".to_owned()],
        ..Known::default()
    };
    let twin = ask(&known, None).expect_err("a twin");
    assert!(matches!(twin, Refusal::Twin { there, .. } if there == "Notes.apk"));
    let released = Known {
        release: Some(release(&[("NOTES.apk", digest(0))], false, false)),
        ..Known::default()
    };
    assert!(ask(&released, None).is_err());
}

#[test]
fn the_same_bytes_are_not_said_to_be_for_something_else() {
    let same = digest(1);
    let there = package("other", same, "any");
    let ours = package("own", same, "linux");
    let settle = |platform| settle(&there, &ours, &parameters(platform), 0);
    assert_eq!(settle(None), Ok(Placing::Same));
    assert!(matches!(
        settle(Some("linux")),
        Err(Refusal::OtherTarget { .. })
    ));
}
