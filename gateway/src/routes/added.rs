//! Routes that are added while the gateway runs, by central configuration: a pure rule.
//!
//! Whoever may configure the platform may add services of an operator's own beside it. Such a document must not lead what
//! is meant for a service of the platform elsewhere, now or when the platform grows, and no client's token to anybody: the
//! settings of the machine decide that.

use slipway_contract::{Slug, services};

use super::RouteSetting;

/// First segments of addresses that the platform has or will have, beside those of the table of services.
const RESERVED: [&str; 13] = [
    "admin", "apt", "console", "events", "f", "fdroid", "healthz", "internal", "l", "metrics",
    "readyz", "rpm", "winget",
];

/// Why a route is not added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct RouteRefused {
    /// As `routes[2].path`.
    pub key: String,
    pub reason: String,
}

/// The routes of `wanted` that are added to those of the machine's own settings, which stay whatever a document says.
pub(crate) fn added(
    local: &[RouteSetting],
    wanted: &[RouteSetting],
) -> Result<Vec<RouteSetting>, RouteRefused> {
    let mut added = Vec::new();
    for (place, route) in wanted.iter().enumerate() {
        let same =
            |other: &&RouteSetting| (&other.path, &other.service) == (&route.path, &route.service);
        let here = local.iter().find(same);
        let refused = |key: &str, reason: String| RouteRefused {
            key: format!("routes[{place}].{key}"),
            reason,
        };
        if route.authorization && !here.is_some_and(|here| here.authorization) {
            let reason = "whether a service sees the tokens of clients is said in the settings of the gateway's own machine alone";
            return Err(refused("authorization", reason.to_owned()));
        }
        if here.is_none_or(|here| here.methods != route.methods) {
            check(route).map_err(|(key, reason)| refused(key, reason))?;
            added.push(route.clone());
        }
    }
    Ok(added)
}

/// The key that is wrong, and why.
fn check(route: &RouteSetting) -> Result<(), (&'static str, String)> {
    let RouteSetting { path, service, .. } = route;
    if service.parse::<Slug>().is_err() {
        return Err(("service", format!("{service:?} is no name of a service")));
    }
    if services::find(service).is_some() {
        let reason = format!(
            "{service} is a service of the platform, whose addresses are fixed: routes are added to services of your own"
        );
        return Err(("service", reason));
    }
    let Some(rest) = path.strip_prefix('/') else {
        return Err(("path", format!("{path:?} has to begin with /")));
    };
    let first = rest.split('/').next().unwrap_or_default();
    if first.parse::<Slug>().is_err() {
        let reason = format!(
            "{path:?} has to begin with a name of its own, as /scans/** does: small letters, digits and -"
        );
        return Err(("path", reason));
    }
    if is_taken(first) {
        let reason = format!("/{first} belongs to the platform: choose another first name");
        return Err(("path", reason));
    }
    if path.trim_end_matches("/**").contains("**") {
        return Err(("path", format!("{path:?} may have ** at its end alone")));
    }
    match route
        .methods
        .iter()
        .find(|method| method.parse::<http::Method>().is_err())
    {
        Some(method) => Err(("methods", format!("{method:?} is no method"))),
        None => Ok(()),
    }
}

fn is_taken(first: &str) -> bool {
    let mut of_table = services::TABLE.iter().flat_map(|service| service.routes);
    RESERVED.contains(&first) || of_table.any(|route| route.path.split('/').nth(1) == Some(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{Routes, default_routes};

    fn own(path: &str) -> RouteSetting {
        RouteSetting::new(path, &[], "scanner")
    }

    fn key(wanted: &[RouteSetting]) -> Result<usize, String> {
        let local = default_routes();
        added(&local, wanted)
            .map(|added| added.len())
            .map_err(|refused| refused.key)
    }

    #[test]
    fn a_service_of_an_operators_own_is_added_beside_the_platform() {
        assert_eq!(
            key(&[own("/scans/**"), own("/scan"), own("/py-1/*/x")]),
            Ok(3)
        );
        // What is there already is not there twice, and nothing takes it away.
        assert_eq!(key(&default_routes()), Ok(0));
        assert_eq!(key(&[]), Ok(0));
    }

    #[test]
    fn nothing_of_the_platform_is_taken_over() {
        for path in [
            "/",
            "/**",
            "/*",
            "/*/x",
            "",
            "x",
            "/api/v1/scans",
            "/api/**",
            "/d/notes/**",
            "/d",
            "/a/**",
            "/keys/x",
            "/l/**",
            "/f/x",
            "/fdroid/**",
            "/internal/x",
            "/metrics",
            "/healthz",
            "/readyz",
            "/console/**",
            "//x",
            "/%61pi/**",
            "/API/**",
            "/A/x",
            "/a b",
            "/x/**/y",
            "/..",
        ] {
            assert_eq!(
                key(&[own("/fine"), own(path)]),
                Err("routes[1].path".to_owned()),
                "{path}"
            );
        }
        for service in ["catalog", "registry", "gateway", "No Body", ""] {
            let route = RouteSetting::new("/scans/**", &[], service);
            assert_eq!(
                key(&[route]),
                Err("routes[0].service".to_owned()),
                "{service}"
            );
        }
        let route = RouteSetting::new("/scans/**", &["GE T"], "scanner");
        assert_eq!(key(&[route]), Err("routes[0].methods".to_owned()));
    }

    #[test]
    fn a_token_goes_to_whom_the_machines_own_settings_name() {
        let trusted = RouteSetting {
            authorization: true,
            ..own("/scans/**")
        };
        let asked = added(&[own("/scans/**")], std::slice::from_ref(&trusted));
        assert_eq!(
            asked.expect_err("a document says so").key,
            "routes[0].authorization"
        );
        let local = [trusted.clone()];
        assert_eq!(
            added(&local, std::slice::from_ref(&trusted)),
            Ok(Vec::new())
        );
        // A document that does not name it takes it from nobody.
        assert_eq!(added(&local, &[own("/scans/**")]), Ok(Vec::new()));
        let credentials = |setting: &RouteSetting| {
            let routes = Routes::new(std::slice::from_ref(setting)).expect("routes");
            routes
                .find(&http::Method::GET, "/scans/1")
                .expect("a route")
                .credentials
        };
        assert!(credentials(&trusted) && !credentials(&own("/scans/**")));
    }
}
