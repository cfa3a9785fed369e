//! How full the store is: for operators, who have to act before uploads are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use slipway_contract::internal::{Disk, Stored};
use tokio::task::spawn_blocking;

use crate::state::UploadState;
use crate::store::used;

/// Whether it was said that the disk nears its reserve.
#[derive(Clone, Default)]
pub(crate) struct Warned(Arc<AtomicBool>);

/// Whether there is less than `warning` left of what uploads may take, all in bytes.
fn is_near(free: u64, reserve: u64, warning: u64) -> bool {
    free < reserve.saturating_add(warning)
}

/// The disk of the store, as it is now.
pub(crate) fn disk(state: &UploadState) -> std::io::Result<Disk> {
    let settings = state.settings.now();
    let settings = &settings.store;
    let space = state.staging.space()?;
    let number = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
    Ok(Disk {
        size_bytes: number(space.size),
        free_bytes: number(space.free),
        reserve_bytes: number(settings.reserve_bytes),
        near_reserve: is_near(space.free, settings.reserve_bytes, settings.warn_bytes),
    })
}

/// Says in the log when the disk begins to near its reserve, and when that is over: once each, not at every look.
pub(crate) fn look_at_disk(state: &UploadState, said: &Warned) -> std::io::Result<()> {
    let disk = disk(state)?;
    if said.0.swap(disk.near_reserve, Ordering::Relaxed) == disk.near_reserve {
        return Ok(());
    }
    let (free, reserve) = (disk.free_bytes, disk.reserve_bytes);
    if disk.near_reserve {
        tracing::warn!(
            free,
            reserve,
            "the disk of the store nears its reserve, below which uploads are refused: make room (GET /api/v1/storage tells what can be freed) or give it a larger disk"
        );
    } else {
        tracing::info!(free, reserve, "the disk of the store has room again");
    }
    Ok(())
}

/// What the catalog tells an administrator of the store.
pub(crate) async fn stored(state: &UploadState) -> anyhow::Result<Stored> {
    let mut connection = state.database.read().await?;
    let ended = used::ended(&mut connection).await?;
    drop(connection);
    let (disk, staging) = (disk(state)?, state.staging.clone());
    let (trash, deleted) = spawn_blocking(move || {
        let mut deleted = 0;
        for digest in ended.iter().filter_map(|digest| digest.parse().ok()) {
            deleted += staging.length(&digest)?;
        }
        std::io::Result::Ok((staging.trash_size()?, deleted))
    })
    .await??;
    Ok(Stored {
        deleted_bytes: i64::try_from(deleted)?,
        trash_bytes: trash.bytes,
        disk,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_before_uploads_are_refused() {
        for (free, near) in [(0, true), (99, true), (149, true), (150, false)] {
            assert_eq!(is_near(free, 100, 50), near, "{free}");
        }
        assert!(is_near(u64::MAX - 1, u64::MAX, 50));
    }
}
