//! Where the registry's nodes are.

use slipway_runtime::Process;
use slipway_runtime::process::slot::announcements;

/// The name of the service that everybody looks for by settings or on this machine.
pub const REGISTRY: &str = "registry";

/// Addresses of the registry's nodes: those of the settings, else those that run in the same data folder. None for
/// a registry, which announces itself to nobody and looks for nobody.
pub fn registries(process: &Process) -> Vec<String> {
    if process.service == REGISTRY {
        return Vec::new();
    }
    let configured = &process.settings.registry.urls;
    if configured.is_empty() {
        let found = announcements(&process.data).into_iter();
        let registries = found.filter(|other| other.service == REGISTRY);
        return registries.map(|registry| registry.addr).collect();
    }
    let authority = |url: &String| {
        // Both are one way: whatever the URL says, the other end has to prove itself.
        let rest = url.strip_prefix("https://").or(url.strip_prefix("http://"));
        let rest = rest.unwrap_or(url);
        rest.trim_end_matches('/').to_owned()
    };
    configured.iter().map(authority).collect()
}
