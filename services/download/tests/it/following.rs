//! When an instance may be asked.

use slipway_testkit::database::engines;

use crate::world::{World, app};

#[tokio::test]
async fn an_instance_is_ready_with_a_copy_though_the_catalog_is_away() {
    for engine in engines() {
        let world = World::open(engine).await;
        assert_eq!(
            world.get_as_operator("/readyz").await.problem(),
            (503, "not_ready".to_owned())
        );
        world.apply("e", 1, vec![app("notes")]).await;
        let ready = async {
            while world.get_as_operator("/readyz").await.status != 200 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), ready)
            .await
            .expect("ready within ten seconds");
        std::fs::remove_dir_all(world.process.process.data.blobs()).unwrap();
        assert_eq!(
            world.get_as_operator("/readyz").await.problem(),
            (503, "not_ready".to_owned())
        );
    }
}

#[tokio::test]
async fn the_position_of_the_copy_can_be_watched() {
    for engine in engines() {
        let world = World::open(engine).await;
        world.apply("e", 41, vec![app("notes"), app("other")]).await;
        let scrape = world.get_as_operator("/metrics").await;
        assert!(
            scrape.text().contains("slipway_copy_applied 42\n"),
            "{}",
            scrape.text()
        );
    }
}
