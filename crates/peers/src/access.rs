//! The one table of who may call what. What is not in it is refused.

use http::Method;
use slipway_contract::services;
use slipway_runtime::http::pattern::matches;

/// One endpoint; `path` is a pattern.
struct Endpoint {
    callee: &'static str,
    method: Method,
    path: &'static str,
    callers: Callers,
}

enum Callers {
    /// These of the table of services.
    Named(&'static [&'static str]),
    /// All of the table but the callee.
    Services,
    /// Whoever has a certificate of the platform, also a service that is not in the table: each for its own lease.
    Certified,
}

impl Callers {
    fn have(&self, callee: &str, caller: &str) -> bool {
        match self {
            Self::Named(names) => names.contains(&caller),
            Self::Services => caller != callee && services::find(caller).is_some(),
            Self::Certified => caller != callee,
        }
    }
}

const TABLE: &[Endpoint] = &[
    Endpoint {
        callee: "registry",
        method: Method::GET,
        path: "/internal/instances",
        callers: Callers::Services,
    },
    Endpoint {
        callee: "registry",
        method: Method::PUT,
        path: "/internal/instances/*",
        callers: Callers::Certified,
    },
    Endpoint {
        callee: "registry",
        method: Method::DELETE,
        path: "/internal/instances/*",
        callers: Callers::Certified,
    },
    Endpoint {
        callee: "registry",
        method: Method::PUT,
        path: "/internal/configuration/*",
        callers: Callers::Services,
    },
    Endpoint {
        callee: "registry",
        method: Method::GET,
        path: "/internal/fleet",
        callers: Callers::Named(&["gateway"]),
    },
    Endpoint {
        callee: "signing",
        method: Method::POST,
        path: "/internal/keys",
        callers: Callers::Named(&["catalog"]),
    },
    Endpoint {
        callee: "signing",
        method: Method::POST,
        path: "/internal/signatures",
        callers: Callers::Named(&["catalog"]),
    },
    Endpoint {
        callee: "catalog",
        method: Method::GET,
        path: "/internal/changes",
        callers: Callers::Named(&["upload", "download", "registry"]),
    },
    Endpoint {
        callee: "catalog",
        method: Method::POST,
        path: "/internal/packages",
        callers: Callers::Named(&["upload"]),
    },
    Endpoint {
        callee: "catalog",
        method: Method::GET,
        path: "/internal/packages/*",
        callers: Callers::Named(&["upload"]),
    },
    Endpoint {
        callee: "catalog",
        method: Method::GET,
        path: "/internal/channels/*/*",
        callers: Callers::Named(&["upload"]),
    },
    Endpoint {
        callee: "catalog",
        method: Method::POST,
        path: "/internal/removals",
        callers: Callers::Named(&["upload"]),
    },
    Endpoint {
        callee: "catalog",
        method: Method::POST,
        path: "/internal/blocks",
        callers: Callers::Named(&["upload"]),
    },
    Endpoint {
        callee: "upload",
        method: Method::GET,
        path: "/internal/held",
        callers: Callers::Named(&["catalog"]),
    },
    Endpoint {
        callee: "upload",
        method: Method::GET,
        path: "/internal/storage",
        callers: Callers::Named(&["catalog"]),
    },
    Endpoint {
        callee: "download",
        method: Method::GET,
        path: "/internal/held",
        callers: Callers::Named(&["catalog"]),
    },
    Endpoint {
        callee: "download",
        method: Method::GET,
        path: "/internal/staged/*/**",
        callers: Callers::Named(&["catalog"]),
    },
    Endpoint {
        callee: "download",
        method: Method::GET,
        path: "/internal/blobs/*",
        callers: Callers::Named(&["catalog"]),
    },
    Endpoint {
        callee: "download",
        method: Method::GET,
        path: "/internal/downloads/*/*",
        callers: Callers::Named(&["catalog"]),
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
            && endpoint.callers.have(callee, caller)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_catalog_may_ask_for_a_signature() {
        for caller in services::NAMES {
            let permitted = permits("signing", &Method::POST, "/internal/signatures", caller);
            assert_eq!(permitted, caller == "catalog", "{caller}");
        }
    }

    #[test]
    fn a_service_that_is_not_in_the_table_has_its_lease_and_nothing_else() {
        let lease = "/internal/instances/0190";
        assert!(permits("registry", &Method::PUT, lease, "scanner"));
        assert!(permits("registry", &Method::DELETE, lease, "scanner"));
        for endpoint in TABLE {
            let path = endpoint.path.replace("**", "x").replace('*', "x");
            let is_own = endpoint.path == "/internal/instances/*";
            let permitted = permits(endpoint.callee, &endpoint.method, &path, "scanner");
            assert_eq!(permitted, is_own, "{} {path}", endpoint.callee);
        }
        for callee in services::NAMES {
            assert!(!permits(callee, &Method::GET, "/", "scanner"), "{callee}");
            let asks = permits(callee, &Method::GET, INSTANCE_PATH, "scanner");
            assert!(!asks, "{callee}");
        }
    }

    #[test]
    fn the_feed_is_for_those_who_follow_it() {
        for service in &services::TABLE {
            let permitted = permits("catalog", &Method::GET, "/internal/changes", service.name);
            let follows = service.follows_catalog || service.name == "registry";
            assert_eq!(permitted, follows, "{}", service.name);
        }
    }

    #[test]
    fn what_the_world_is_served_is_asked_for_by_the_gateway_alone() {
        for caller in services::NAMES {
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

    #[test]
    fn what_is_in_the_table_is_described_and_nothing_else() {
        let document = slipway_testkit::contracts::contract("internal");
        let mut described = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            let parts = path
                .split('/')
                .map(|part| if part.starts_with('{') { "x" } else { part });
            let path = parts.collect::<Vec<_>>().join("/");
            // The staged view of the front page has no address that anybody asks for.
            if path.starts_with("/internal/") && path != "/internal/staged" {
                let methods = item.as_object().expect("operations").keys();
                described.extend(methods.map(|method| (method.to_uppercase(), path.clone())));
            }
        }
        for (method, path) in &described {
            let method: Method = method.parse().expect("a method");
            let is_permitted = services::NAMES.iter().any(|callee| {
                services::NAMES
                    .iter()
                    .any(|caller| permits(callee, &method, path, caller))
            });
            assert!(
                is_permitted,
                "{method} {path} is described, and nobody may ask for it"
            );
        }
        for endpoint in TABLE {
            let is_described = described.iter().any(|(method, path)| {
                endpoint.method == method.as_str() && matches(endpoint.path, path)
            });
            assert!(
                is_described,
                "{} {} is not described",
                endpoint.method, endpoint.path
            );
        }
    }
}
