//! Whose a draft is, what becomes of its packages, and that nothing else gets into a release.

use serde_json::Value;
use slipway_testkit::database::engines;
use sqlx::{Executor as _, query_as};

use crate::house::House;

/// What upload is told from the beginning.
async fn told(house: &House) -> Value {
    let path = "/internal/changes?epoch=&after=0";
    house.catalog.internal("upload", path).await.ok(200)
}

#[tokio::test]
async fn packages_of_an_earlier_version_are_told_with_numbers_of_their_own() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.app("paint").await;
        let mut ids = vec![house.draft("notes", "1.0", b"one").await];
        house.published("paint", "1.0").await;
        ids.push(house.draft("paint", "2.0", b"two").await);
        let before = told(&house).await;
        // As the version before packages were told has left it.
        let mut database = house.database().await;
        for sql in [
            "DROP TABLE package_tokens",
            "DROP TABLE package_rows",
            "DELETE FROM _sqlx_migrations WHERE version = 5",
        ] {
            database.execute(sql).await.expect("an older database");
        }
        house
            .another_instance(slipway_catalog::Settings::default())
            .await;

        let told = told(&house).await;
        let changes = told["changes"].as_array().expect("changes");
        let numbers: Vec<_> = changes.iter().map(|row| row["seq"].as_i64()).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        assert_eq!(numbers.last(), Some(&told["head"].as_i64()));
        let packages = changes.iter().filter(|row| row["type"] == "package");
        let packages: Vec<_> = packages.collect();
        assert_eq!(packages.len(), 3);
        for row in packages {
            assert!(row["seq"].as_i64() > before["head"].as_i64(), "{row}");
            assert_eq!(row["gone"], false);
        }
        let path = "/internal/changes?epoch=&after=0";
        let others = house.catalog.internal("download", path).await.ok(200);
        let last = others["changes"].as_array().and_then(|rows| rows.last());
        assert_eq!(last.expect("a change")["seq"], told["head"]);

        let owners = "SELECT package_id, token_name FROM package_tokens ORDER BY package_id";
        let owners: Vec<(String, String)> = query_as(owners)
            .fetch_all(&mut database)
            .await
            .expect("owners");
        assert_eq!(owners.len(), 3);
        for id in ids {
            assert!(owners.contains(&(id, "uploader".to_owned())), "{owners:?}");
        }
    }
}
