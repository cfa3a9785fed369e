//! Whether the service can do its own work, and what it counts.

use slipway_contract::fleet::{Saturation, Waiting};
use slipway_database::replica::follow::CopyState;
use slipway_runtime::metrics::Reading;
use slipway_runtime::{Health, clock};

use crate::state::UploadState;
use crate::{storage, store};

impl Health for UploadState {
    async fn ready(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            *self.following.copy_state.borrow() == CopyState::Usable,
            "it does not know yet who may upload"
        );
        self.staging.ready()?;
        self.database.ready().await
    }

    /// Of the places for inspections.
    async fn saturation(&self) -> anyhow::Result<Option<Saturation>> {
        Ok(Some(Saturation {
            of: "inspections".to_owned(),
            share: self.inspection.share_in_use(),
        }))
    }

    /// The oldest delivery to the catalog.
    async fn waits(&self) -> anyhow::Result<Option<Waiting>> {
        let mut connection = self.database.read().await?;
        let oldest = store::outbox::oldest(&mut connection).await?;
        Ok(oldest.map(|delivery| {
            let store::outbox::Oldest {
                app,
                filename,
                created_at,
                last_error,
            } = delivery;
            let why = last_error
                .map(|why| format!(" ({why})"))
                .unwrap_or_default();
            let words = format!("{filename} of {app} is to be handed over{why}");
            Waiting::new(&words, created_at, "catalog")
        }))
    }

    async fn readings(&self) -> anyhow::Result<Vec<Reading>> {
        let now = clock::unix_millis();
        let mut connection = self.database.read().await?;
        let outbox = store::outbox::count(&mut connection, now).await?;
        let refused = store::packages::count_refused(&mut connection).await?;
        let without_blocks = store::missing_blocks::count(&mut connection).await?;
        let sessions = store::sessions::count_open(&mut connection, now).await?;
        let staged = i64::try_from(self.staging.list()?.len())?;
        let disk = storage::disk(self)?;
        let staging = self.staging.clone();
        let trash = tokio::task::spawn_blocking(move || staging.trash_size()).await??;
        let reading = |name, help, value| Reading { name, help, value };
        Ok(vec![
            reading(
                "copy_age_seconds",
                "Seconds since the catalog said that the copy is the newest, -1 if it never did",
                self.following.age.seconds(now).unwrap_or(-1),
            ),
            reading(
                "outbox_rows",
                "Deliveries that the catalog has not confirmed",
                outbox.rows,
            ),
            reading(
                "outbox_oldest_seconds",
                "Seconds that the oldest of them waits",
                outbox.oldest_millis / 1000,
            ),
            reading(
                "packages_refused",
                "Packages that the catalog refused after they were stored",
                refused,
            ),
            reading(
                "sessions_open",
                "Uploads in pieces that are not complete",
                sessions,
            ),
            reading(
                "packages_without_blocks",
                "Packages whose list of blocks the catalog does not know yet",
                without_blocks,
            ),
            reading(
                "staging_files",
                "Files whose digest is not known yet",
                staged,
            ),
            reading(
                "storage_free_bytes",
                "Bytes that may still be written on the disk of the store",
                disk.free_bytes,
            ),
            reading(
                "storage_reserve_bytes",
                "Bytes of it that uploads leave free",
                disk.reserve_bytes,
            ),
            reading(
                "storage_near_reserve",
                "1 when so little is left that somebody should make room",
                i64::from(disk.near_reserve),
            ),
            reading(
                "trash_files",
                "Files in the trash of the store",
                trash.files,
            ),
            reading(
                "trash_bytes",
                "Bytes in the trash of the store",
                trash.bytes,
            ),
        ])
    }
}
