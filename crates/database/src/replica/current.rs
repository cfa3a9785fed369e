//! Whether a copy is the catalog's present state: for what is done once and cannot be taken back.

use http::Method;
use slipway_contract::feed::Page;
use slipway_peers::Peers;

use super::copy::Replica;

/// Asks the catalog whether `replica` is, now, everything that it has: whole, of the epoch that it tells and that nobody
/// holds, at its head, and without anything that was passed over. The error says what it is not.
pub async fn check_current(peers: &Peers, replica: &impl Replica) -> anyhow::Result<()> {
    let position = replica.position().await?;
    anyhow::ensure!(position.is_whole(), "the copy is not whole yet");
    anyhow::ensure!(
        !replica.is_lossy().await?,
        "the copy leaves out what a later catalog says"
    );
    let path = format!(
        "/internal/changes?epoch={}&after={}&wait=0",
        position.epoch, position.applied
    );
    let page: Page = peers
        .client
        .call("catalog", Method::GET, &path, None::<&()>)
        .await?;
    anyhow::ensure!(page.is_sure(), "the catalog waits for somebody's word");
    anyhow::ensure!(
        page.epoch == position.epoch,
        "the catalog tells another epoch"
    );
    anyhow::ensure!(
        page.head <= position.applied && page.changes.is_empty(),
        "the copy is behind"
    );
    Ok(())
}
