//! What earlier versions left goes on, and what a catalog of 0.2.0 asks is answered as it reads it.

use http::StatusCode;
use serde_json::{Value, json};
use slipway_testkit::TestProcess;
use slipway_testkit::call::{call, called_by};
use slipway_testkit::database::{Engine, engines};
use slipway_testkit::earlier::{asked, leave};
use sqlx::{Row as _, query};

use crate::{Instance, statement, text};

/// Tables and rows, and the key that the rows are sealed with.
const LEFT: [(&str, &str); 2] = [
    (
        include_str!("../earlier/0.1.0.sql"),
        include_str!("../earlier/0.1.0.key"),
    ),
    (
        include_str!("../earlier/0.2.0.sql"),
        include_str!("../earlier/0.2.0.key"),
    ),
];

async fn started_on(engine: Engine, (sql, key): (&str, &str)) -> (Instance, TestProcess) {
    let test = slipway_testkit::process("signing", engine).await;
    std::fs::write(test.process.data.sealing_key(), key).expect("the sealing key");
    leave(&test.process, sql).await;
    let instance = Instance::start(&test.process).await.expect("a start");
    (instance, test)
}

/// What was stated and signed, as the catalog asks for it, and the signature.
async fn stated(signing: &Instance) -> Vec<(Value, String)> {
    let rows = query(
        "SELECT app, version, filename, sha256, size, key_id, signature FROM statements WHERE signature IS NOT NULL",
    )
    .fetch_all(&mut signing.connection().await)
    .await;
    let statement = |row: &sqlx::any::AnyRow| {
        let mut statement = json!({"size": row.get::<i64, _>("size")});
        for name in ["app", "version", "filename", "sha256", "key_id"] {
            statement[name] = row.get::<String, _>(name).into();
        }
        (statement, row.get("signature"))
    };
    rows.expect("rows").iter().map(statement).collect()
}

#[tokio::test]
async fn what_was_signed_is_given_again_and_nothing_else_is_signed_in_its_place() {
    for engine in engines() {
        for left in LEFT {
            let (signing, _folder) = started_on(engine, left).await;
            let stated = stated(&signing).await;
            assert!(stated.len() >= 3, "{stated:?}");
            for (wanted, signature) in stated {
                let (status, again) = signing.sign_by_its_key(&wanted).await;
                assert_eq!(status, StatusCode::OK, "{again}");
                assert_eq!(text(&again, "signature"), signature);
                let mut others = wanted;
                others["sha256"] = signing.store(b"other bytes").as_hex().into();
                others["size"] = 11.into();
                let (status, refused) = signing.sign_by_its_key(&others).await;
                assert_eq!(status, StatusCode::CONFLICT, "{refused}");
            }
        }
    }
}

#[tokio::test]
async fn the_keys_of_before_sign_what_comes() {
    for engine in engines() {
        for left in LEFT {
            let (signing, _folder) = started_on(engine, left).await;
            let keys = signing.count("SELECT count(*) FROM keys").await;
            signing.store(b"bytes");
            let wanted = statement("notes", "9.0.0", b"bytes");
            let (status, signed) = signing.sign(&wanted).await;
            assert_eq!(status, StatusCode::OK, "{signed}");
            let before = format!(
                "SELECT count(*) FROM keys WHERE id = '{}'",
                text(&signed, "key_id")
            );
            assert_eq!(signing.count(&before).await, 1);
            assert_eq!(signing.count("SELECT count(*) FROM keys").await, keys);
            assert_eq!(signing.sign(&wanted).await.1, signed);
        }
    }
}

#[tokio::test]
async fn a_catalog_of_0_2_0_is_answered_as_it_reads() {
    for engine in engines() {
        let (signing, _folder) = started_on(engine, LEFT[1]).await;
        signing.store("tools.bin 1.0+3\n".repeat(40).as_bytes());
        let calls = asked(include_str!("../earlier/0.2.0.json"));
        // The bytes of this one are not here.
        let calls = calls
            .iter()
            .filter(|call| call.body["filename"] != "notes.apk");
        for call_of_then in calls {
            let request = called_by(&signing.process, &call_of_then.caller, call_of_then.again());
            let (status, answer) = call(&signing.router, request).await;
            call_of_then.holds(status, &answer);
        }
    }
}
