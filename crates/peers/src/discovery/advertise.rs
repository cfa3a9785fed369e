//! The address under which this instance has its lease.

use std::net::SocketAddr;

use slipway_runtime::Process;
use slipway_runtime::http::client::CONNECT_TIMEOUT;

/// Where others reach what `listens` here. At every address of its machine, that is the one from which this process reaches a
/// registry; `None` until the name of one can be resolved, and nobody waits for that.
pub(super) async fn address(
    process: &Process,
    listens: &str,
    registries: &[String],
) -> Option<String> {
    let listens = match listens.parse::<SocketAddr>() {
        Ok(listens) if listens.ip().is_unspecified() => listens,
        // A name, or an address that is one.
        _ => return Some(listens.to_owned()),
    };
    let address = process.address.as_ref()?;
    for registry in registries {
        if address.known().is_some() {
            break;
        }
        let found = tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::lookup_host(registry)).await;
        if let Ok(Ok(mut found)) = found
            && let Some(found) = found.next()
            && let Err(error) = address.find(found)
        {
            tracing::debug!(%error, registry, "no interface reaches this registry");
        }
    }
    address.beside(listens)
}
