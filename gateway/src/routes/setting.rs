//! A route as the settings name it, and what a document may say of one.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use slipway_contract::services;

/// First segments of addresses that the platform has or will have, beside those of the table of services.
const RESERVED: [&str; 13] = [
    "admin", "apt", "console", "events", "f", "fdroid", "healthz", "internal", "l", "metrics",
    "readyz", "rpm", "winget",
];

/// A route as the settings name it. The schema is what documents may say, and `added` has the rule with its words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteSetting {
    /// Segments with `/`; `*` stands for one segment, `**` at the end for any number of them, none included.
    #[schemars(extend("pattern" = path_pattern()))]
    pub path: String,
    /// Methods of the route; none means all.
    #[serde(default)]
    pub methods: Vec<String>,
    #[schemars(extend("not" = {"enum": services::NAMES}))]
    pub service: String,
    /// The service may see the tokens of its clients, and act for them. Only the settings of this machine say so of a
    /// service of an operator's own; those of the platform see them anyway.
    #[serde(default)]
    #[schemars(extend("const" = false))]
    pub authorization: bool,
}

impl RouteSetting {
    pub(super) fn new(path: &str, methods: &[&str], service: &str) -> Self {
        Self {
            path: path.to_owned(),
            methods: methods.iter().map(|&method| method.to_owned()).collect(),
            service: service.to_owned(),
            authorization: false,
        }
    }
}

/// The routes that the platform is served by: those of the table of services.
pub(crate) fn default_routes() -> Vec<RouteSetting> {
    let of = |service: &'static services::Service| {
        let routes = service.routes.iter();
        routes.map(|route| RouteSetting::new(route.path, route.methods, service.name))
    };
    services::TABLE.iter().flat_map(of).collect()
}

/// First segments of addresses that no document leads elsewhere.
pub(super) fn taken() -> impl Iterator<Item = &'static str> {
    let of_table = services::TABLE.iter().flat_map(|service| service.routes);
    let of_table = of_table.filter_map(|route| route.path.split('/').nth(1));
    let all = RESERVED.into_iter().chain(of_table);
    all.filter(|name| !name.is_empty())
}

/// What the rule for added routes says of their paths, so that the registry refuses a document already.
fn path_pattern() -> String {
    let taken: BTreeSet<_> = taken().collect();
    let taken = taken.into_iter().collect::<Vec<_>>().join("|");
    format!("^/(?!({taken})(/|$))[a-z0-9][a-z0-9-]{{0,62}}(/([^*/]+|\\*))*(/\\*\\*)?$")
}
