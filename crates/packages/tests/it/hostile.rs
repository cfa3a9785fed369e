//! Archives that are built to harm, and honest ones that look a little like them.

use slipway_contract::{Kind, Rule};
use slipway_packages::{Limits, Outcome};

use crate::{
    archive::{Entry, number, zip, zip_64},
    damage_of, facts, outcome, outcome_within, rule,
};

fn detail(bytes: &[u8]) -> String {
    match outcome(bytes) {
        Outcome::Refused { detail, .. } => detail,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn names_that_lead_out_of_the_folder_are_refused_in_either_spelling() {
    for name in [
        "../x",
        "a/../../x",
        "a/..",
        "..",
        "/etc/passwd",
        "C:/x",
        "c:x",
        "..\\x",
        "a\\..\\..\\x",
        "a\\..",
        "a/..\\x",
        "a\\../x",
        "\\x",
        "\\\\host\\share\\x",
        "C:\\x",
        "a\0b",
    ] {
        for other in ["good", "AndroidManifest.xml", "META-INF/MANIFEST.MF"] {
            let archive = zip(&[Entry::new(other, b"1"), Entry::new(name, b"2")]);
            assert_eq!(rule(&archive), Some(Rule::Climbing), "{name:?}");
            assert!(!detail(&archive).contains('\0'));
        }
    }
    for name in ["a..b", "...", "a/...b", "b/c:d", "ünï/x", "1:x"] {
        let archive = zip(&[Entry::new(name, b"1")]);
        let facts = facts(&archive);
        assert_eq!(
            (facts.kind, facts.warnings.len()),
            (Kind::Zip, 0),
            "{name:?}"
        );
    }
}

#[test]
fn names_with_backslashes_that_stay_inside_are_said() {
    let archive = zip(&[
        Entry::new("notes\\bin\\", b""),
        Entry::new("notes\\bin\\notes.exe", b"1"),
        Entry::new("notes\\..b", b"2"),
    ]);
    let facts = facts(&archive);
    assert_eq!(facts.kind, Kind::Zip);
    assert!(facts.warnings[0].starts_with("backslashes: "), "{facts:?}");
    assert_eq!(facts.warnings.len(), 1);
}

#[test]
fn two_files_of_one_name_are_refused_where_a_system_installs_them_and_said_elsewhere() {
    let twice = |kind: &[&str], one: &str, other: &str| {
        let mut entries: Vec<Entry> = kind.iter().map(|name| Entry::new(name, b"x")).collect();
        entries.extend([one, "b", other].map(|name| Entry::new(name, b"")));
        zip(&entries)
    };
    let bundle = ["BundleConfig.pb", "base/manifest/AndroidManifest.xml"];
    for installed in [
        &["AndroidManifest.xml"][..],
        &bundle,
        &["Payload/Notes.app/Info.plist"],
    ] {
        for other in ["lib/classes.dex", "lib\\classes.dex"] {
            let archive = twice(installed, "lib/classes.dex", other);
            assert_eq!(rule(&archive), Some(Rule::Duplicate), "{installed:?}");
            assert!(detail(&archive).contains("classes.dex\""));
        }
        assert!(rule(&twice(installed, "lib/", "lib/")).is_none());
    }
    let manifests = twice(&[], "AndroidManifest.xml", "AndroidManifest.xml");
    assert_eq!(rule(&manifests), Some(Rule::Duplicate));
    for collected in [&[][..], &["META-INF/MANIFEST.MF"]] {
        let facts = facts(&twice(collected, "META-INF/LICENSE", "META-INF/LICENSE"));
        assert!(facts.warnings[0].starts_with("name_twice: "), "{facts:?}");
        assert!(facts.warnings[0].contains("\"META-INF/LICENSE\""));
    }
    assert_eq!(facts(&twice(&[], "lib/", "lib/")).warnings.len(), 0);
    let cases = zip(&[Entry::new("res/-a.xml", b""), Entry::new("res/-A.xml", b"")]);
    assert_eq!(
        facts(&cases).warnings.len(),
        0,
        "shrunk resources have such names"
    );
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let mut second = Entry::new("b", b"22");
    second.offset = Some(0);
    assert_eq!(
        rule(&zip(&[Entry::new("a", b"1"), second])),
        Some(Rule::Overlap),
        "one header"
    );

    // The better zip bomb: the data of each entry holds the headers of all that follow.
    let kernel = zip(&[Entry::new("kernel", &[0; 64])]);
    let quoted = number(kernel.len());
    let mut outer = Entry::new("outer", b"");
    outer.packed = Some(quoted);
    outer.size = Some(quoted);
    assert_eq!(
        rule(&zip(&[outer, Entry::new("kernel", &[0; 64])])),
        Some(Rule::Overlap)
    );

    let mut last = Entry::new("last", b"1");
    last.packed = Some(40);
    assert_eq!(
        rule(&zip(&[Entry::new("a", b"1"), last])),
        Some(Rule::Overlap),
        "the directory"
    );
    let mut outside = Entry::new("outside", b"1");
    outside.offset = Some(u32::MAX - 1);
    assert_eq!(
        rule(&zip(&[outside])),
        Some(Rule::Overlap),
        "behind the end"
    );
}

#[test]
fn what_unpacks_to_far_more_than_it_is_is_refused() {
    let zeros = vec![0; 8 << 20];
    let real = zip(&[Entry::deflated("zeros", &zeros)]);
    let strict = Limits {
        ratio_from: 1 << 20,
        ..Limits::default()
    };
    let refused = outcome_within(&real, &strict);
    assert!(
        matches!(
            refused,
            Outcome::Refused {
                rule: Rule::Bomb,
                ..
            }
        ),
        "{refused:?}"
    );
    assert_eq!(facts(&real).kind, Kind::Zip, "8 MiB of zeros harm nobody");

    let mut claimed = Entry::deflated("zeros", &zeros);
    claimed.size = Some(300 << 20);
    assert_eq!(rule(&zip(&[claimed])), Some(Rule::Bomb));

    // Every single entry stays small; together they fill a disk.
    let many: Vec<Entry> = (0..100)
        .map(|index| Entry {
            size: Some(3 << 20),
            ..Entry::new(&index.to_string(), b"x")
        })
        .collect();
    assert_eq!(rule(&zip(&many)), Some(Rule::Bomb));
}

#[test]
fn a_large_archive_may_unpack_to_no_more_than_the_whole_limit() {
    let entry = Entry {
        size: Some(5000),
        ..Entry::new("a", &[1; 4000])
    };
    let limits = Limits {
        unpacked: 4999,
        ..Limits::default()
    };
    let refused = outcome_within(&zip(&[entry]), &limits);
    assert!(
        matches!(
            refused,
            Outcome::Refused {
                rule: Rule::Bomb,
                ..
            }
        ),
        "{refused:?}"
    );
}

#[test]
fn absurd_counts_are_refused_before_anything_is_read() {
    let four: Vec<Entry> = (0..4)
        .map(|index| Entry::new(&index.to_string(), b""))
        .collect();
    for limits in [
        Limits {
            entries: 3,
            ..Limits::default()
        },
        Limits {
            directory: 100,
            ..Limits::default()
        },
    ] {
        let refused = outcome_within(&zip(&four), &limits);
        assert!(
            matches!(
                refused,
                Outcome::Refused {
                    rule: Rule::Count,
                    ..
                }
            ),
            "{refused:?}"
        );
    }
    let mut lie = zip_64("a", b"1");
    let end = lie.len() - 22 - 20 - 56;
    lie[end + 32..end + 40].copy_from_slice(&(1_u64 << 60).to_le_bytes());
    assert_eq!(rule(&lie), Some(Rule::Count));
}

#[test]
fn an_entry_that_is_more_than_it_says_is_not_unpacked() {
    let mut manifest = Entry::deflated("AndroidManifest.xml", &vec![0; 64 << 20]);
    manifest.size = Some(1000);
    let facts = facts(&zip(&[manifest]));
    assert_eq!(facts.kind, Kind::Apk);
    assert!(
        facts.warnings.iter().any(|w| w.contains("damaged")),
        "{:?}",
        facts.warnings
    );
    let mut large = Entry::deflated("AndroidManifest.xml", &[0; 4096]);
    large.size = Some(8 << 20);
    let facts = crate::facts(&zip(&[large]));
    assert!(
        facts.warnings.iter().any(|w| w.contains("at most")),
        "{:?}",
        facts.warnings
    );
}

#[test]
fn a_zip_without_all_of_its_parts_is_damaged() {
    let whole = zip(&[Entry::new("a", b"1"), Entry::new("b", b"2")]);
    for length in 4..whole.len() {
        assert!(damage_of(&whole[..length]).is_some(), "{length}");
    }
    let mut trailing = whole.clone();
    trailing.push(0);
    let words = damage_of(&trailing).unwrap();
    assert!(words.contains("follow the directory"), "{words}");
    let mut hole = whole;
    hole[32..36].fill(0);
    let words = damage_of(&hole).unwrap();
    assert!(words.contains("\"b\" is not where"), "{words}");
}

#[test]
fn the_64_bit_form_is_read_as_the_other() {
    let facts = facts(&zip_64("AndroidManifest.xml", b"no manifest"));
    assert_eq!(facts.kind, Kind::Apk);
    assert_eq!(
        facts.warnings.last().unwrap(),
        "AndroidManifest.xml could not be read: it is damaged",
        "the entry was found and unpacked"
    );
}
