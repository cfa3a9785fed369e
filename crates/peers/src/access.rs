//! The one table of who may call what. What is not in it is refused.

use http::Method;

use slipway_runtime::http::pattern::matches;

/// One endpoint; `path` is a pattern.
struct Endpoint {
    callee: &'static str,
    method: Method,
    path: &'static str,
    callers: &'static [&'static str],
}

const INSTANCES: &[&str] = &["upload", "signing", "catalog", "download", "gateway"];

const TABLE: &[Endpoint] = &[
    Endpoint {
        callee: "registry",
        method: Method::GET,
        path: "/internal/instances",
        callers: INSTANCES,
    },
    Endpoint {
        callee: "registry",
        method: Method::PUT,
        path: "/internal/instances/*",
        callers: INSTANCES,
    },
    Endpoint {
        callee: "registry",
        method: Method::DELETE,
        path: "/internal/instances/*",
        callers: INSTANCES,
    },
    Endpoint {
        callee: "signing",
        method: Method::POST,
        path: "/internal/keys",
        callers: &["catalog"],
    },
    Endpoint {
        callee: "signing",
        method: Method::POST,
        path: "/internal/signatures",
        callers: &["catalog"],
    },
    Endpoint {
        callee: "catalog",
        method: Method::GET,
        path: "/internal/changes",
        callers: &["upload", "download"],
    },
    Endpoint {
        callee: "catalog",
        method: Method::POST,
        path: "/internal/packages",
        callers: &["upload"],
    },
    Endpoint {
        callee: "catalog",
        method: Method::GET,
        path: "/internal/packages/*",
        callers: &["upload"],
    },
    Endpoint {
        callee: "catalog",
        method: Method::GET,
        path: "/internal/channels/*/*",
        callers: &["upload"],
    },
    Endpoint {
        callee: "catalog",
        method: Method::POST,
        path: "/internal/removals",
        callers: &["upload"],
    },
    Endpoint {
        callee: "catalog",
        method: Method::POST,
        path: "/internal/blocks",
        callers: &["upload"],
    },
    Endpoint {
        callee: "upload",
        method: Method::GET,
        path: "/internal/held",
        callers: &["catalog"],
    },
    Endpoint {
        callee: "upload",
        method: Method::GET,
        path: "/internal/storage",
        callers: &["catalog"],
    },
    Endpoint {
        callee: "download",
        method: Method::GET,
        path: "/internal/held",
        callers: &["catalog"],
    },
    Endpoint {
        callee: "download",
        method: Method::GET,
        path: "/internal/staged/*/**",
        callers: &["catalog"],
    },
    Endpoint {
        callee: "download",
        method: Method::GET,
        path: "/internal/blobs/*",
        callers: &["catalog"],
    },
    Endpoint {
        callee: "download",
        method: Method::GET,
        path: "/internal/downloads/*/*",
        callers: &["catalog"],
    },
];

/// Who may ask for what lies outside `/internal/`, which the world is served: whoever else wants it is no client of ours.
const OUTSIDE: &str = "gateway";

/// Where every service but the registry says which instance it is, to the registry alone: so a lease carries an address
/// at which its holder has proven itself.
pub const INSTANCE_PATH: &str = "/internal/instance";

/// Whether `caller` may send `method` to `path` of `callee`.
pub fn permits(callee: &str, method: &Method, path: &str, caller: &str) -> bool {
    if !path.starts_with("/internal/") {
        return caller == OUTSIDE;
    }
    if path == INSTANCE_PATH {
        return caller == "registry" && *method == Method::GET && callee != "registry";
    }
    TABLE.iter().any(|endpoint| {
        endpoint.callee == callee
            && endpoint.method == *method
            && matches(endpoint.path, path)
            && endpoint.callers.contains(&caller)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_catalog_may_ask_for_a_signature() {
        for caller in slipway_contract::services::SERVICES {
            let permitted = permits("signing", &Method::POST, "/internal/signatures", caller);
            assert_eq!(permitted, caller == "catalog", "{caller}");
        }
    }

    #[test]
    fn what_the_world_is_served_is_asked_for_by_the_gateway_alone() {
        for caller in slipway_contract::services::SERVICES {
            for path in ["/api/v1/apps", "/d/notes/1.0/notes.apk", "/", "/internal"] {
                let permitted = permits("download", &Method::GET, path, caller);
                assert_eq!(permitted, caller == "gateway", "{caller} {path}");
            }
        }
    }

    #[test]
    fn patterns_match_whole_paths() {
        let get = |path| permits("download", &Method::GET, path, "catalog");
        assert!(get("/internal/staged/d/notes/1.0/notes.apk"));
        assert!(!get("/internal/staged"));
        assert!(get("/internal/downloads/notes/1.0"));
        assert!(!get("/internal/downloads/notes"));
        assert!(!get("/internal/downloads/notes/1.0/more"));
        assert!(!get("/internal/downloads//1.0"));
    }
}
