//! Routes that are added while the gateway runs, by central configuration: a pure rule.
//!
//! Whoever may configure the platform may add services of an operator's own beside it. Such a document must not lead what
//! is meant for a service of the platform elsewhere, now or when the platform grows, and no client's token to anybody: the
//! settings of the machine decide that.

use slipway_contract::{Slug, services};
use slipway_runtime::settings::Refusal;

use super::setting::{RouteSetting, taken};

/// The routes of `wanted` that are added to those of the machine's own settings, which stay whatever a document says.
pub(crate) fn added(
    local: &[RouteSetting],
    wanted: &[RouteSetting],
) -> Result<Vec<RouteSetting>, Refusal> {
    let mut added = Vec::new();
    for (place, route) in wanted.iter().enumerate() {
        let same =
            |other: &&RouteSetting| (&other.path, &other.service) == (&route.path, &route.service);
        let here = local.iter().find(same);
        let refused =
            |key: &str, reason: String| Refusal::of(&format!("routes.{place}.{key}"), reason);
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
    if taken().any(|name| name == first) {
        let reason = format!("/{first} belongs to the platform: choose another first name");
        return Err(("path", reason));
    }
    let segments = rest.strip_suffix("/**").unwrap_or(rest).split('/');
    let is_odd = |segment: &str| segment.is_empty() || (segment.contains('*') && segment != "*");
    if segments.into_iter().any(is_odd) {
        let reason = format!("{path:?} may have * for a segment and ** at its end alone");
        return Err(("path", reason));
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

#[cfg(test)]
mod tests {
    use slipway_runtime::settings::sources::schema;

    use super::*;
    use crate::routes::{Routes, default_routes};
    use crate::settings::Settings;

    fn own(path: &str) -> RouteSetting {
        RouteSetting::new(path, &[], "scanner")
    }

    fn key(wanted: &[RouteSetting]) -> Result<usize, String> {
        let local = default_routes();
        added(&local, wanted)
            .map(|added| added.len())
            .map_err(|refused| refused.key.expect("a key"))
    }

    #[test]
    fn a_service_of_an_operators_own_is_added_beside_the_platform() {
        assert_eq!(
            key(&[own("/scans/**"), own("/scan"), own("/py-1/*/x")]),
            Ok(3)
        );
        for path in ["/scans/**", "/scan", "/py-1/*/x", "/apis/**"] {
            let document = serde_json::json!({"path": path, "service": "scanner"});
            assert!(schema_permits(&document), "{path}");
        }
        for document in [
            serde_json::json!({"path": "/scans/**", "service": "catalog"}),
            serde_json::json!({"path": "/scans/**", "service": "scanner", "authorization": true}),
            serde_json::json!({"path": "/scans/**", "service": "scanner", "timeout": 1}),
        ] {
            assert!(!schema_permits(&document), "{document}");
        }
        // What is there already is not there twice, and nothing takes it away.
        assert_eq!(key(&default_routes()), Ok(0));
        assert_eq!(key(&[]), Ok(0));
    }

    /// What the registry says of a document with these routes, by the schema alone.
    fn schema_permits(wanted: &serde_json::Value) -> bool {
        let schema = schema::<Settings>().expect("a schema");
        let schemas = [("gateway".to_owned(), vec![schema])].into();
        let document = "base".parse().expect("a name");
        let content = serde_json::json!({"routes": [wanted]});
        let content = content.as_object().expect("an object");
        slipway_configuration::validation::check(&document, content, &schemas).is_ok()
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
            "/x/",
            "/x//y",
            "/x/y*",
            "/..",
        ] {
            let document = serde_json::json!({"path": path, "service": "scanner"});
            assert!(!schema_permits(&document), "{path}");
            assert_eq!(
                key(&[own("/fine"), own(path)]),
                Err("routes.1.path".to_owned()),
                "{path}"
            );
        }
        for service in ["catalog", "registry", "gateway", "No Body", ""] {
            let route = RouteSetting::new("/scans/**", &[], service);
            assert_eq!(
                key(&[route]),
                Err("routes.0.service".to_owned()),
                "{service}"
            );
        }
        let route = RouteSetting::new("/scans/**", &["GE T"], "scanner");
        assert_eq!(key(&[route]), Err("routes.0.methods".to_owned()));
    }

    #[test]
    fn a_token_goes_to_whom_the_machines_own_settings_name() {
        let trusted = RouteSetting {
            authorization: true,
            ..own("/scans/**")
        };
        let asked = added(&[own("/scans/**")], std::slice::from_ref(&trusted));
        assert_eq!(
            asked.expect_err("a document says so").key.as_deref(),
            Some("routes.0.authorization")
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
