//! The route table: which service answers which path. The first match wins.

use anyhow::{bail, ensure};
use http::{Method, StatusCode, Uri};
use slipway_contract::{Code, Slug, services};
use slipway_runtime::Problem;
use slipway_runtime::http::pattern::matches;

mod added;
mod setting;

pub(crate) use added::added;
pub use setting::RouteSetting;
pub(crate) use setting::default_routes;

/// A service that routes lead to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upstream {
    pub(crate) name: &'static str,
    /// The code of a problem when no instance is there.
    pub(crate) unavailable: Code,
    /// It is none of the platform's but an operator's own.
    pub(crate) is_own: bool,
}

#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) pattern: String,
    methods: Vec<Method>,
    pub(crate) upstream: Upstream,
    /// Whether the service sees what clients prove themselves with.
    pub(crate) credentials: bool,
}

#[derive(Debug)]
pub(crate) struct Routes(Vec<Route>);

impl Routes {
    pub(crate) fn new(settings: &[RouteSetting]) -> anyhow::Result<Self> {
        settings
            .iter()
            .map(Route::new)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The services that the routes lead to, each once.
    pub(crate) fn services(&self) -> Vec<&'static str> {
        let mut services: Vec<_> = self.0.iter().map(|route| route.upstream.name).collect();
        services.sort_unstable();
        services.dedup();
        services
    }

    /// The first route of `path` that knows `method`; 404 without a route, 405 when no route of the path knows it.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<&Route, Problem> {
        let mut of_path = self
            .0
            .iter()
            .filter(|route| matches(&route.pattern, path))
            .peekable();
        let Some(first) = of_path.peek().copied() else {
            return Err(Problem::no_such_address(path));
        };
        of_path
            .find(|route| route.methods.is_empty() || route.methods.contains(method))
            .ok_or_else(|| method_not_allowed(method, &first.methods))
    }

    /// Refuses a slash at the end with the way to the address without it. 308 keeps the method and the body (RFC 9110,
    /// 15.4.9), so that nothing is done by half. What is refused anyhow, is refused first; and the way is a path on this
    /// host: the path has one reading by now, and cannot begin with `//`, which would lead to another host (open redirect).
    pub(crate) fn check_end(&self, method: &Method, uri: &Uri) -> Result<(), Problem> {
        let bare = uri.path().strip_suffix('/').filter(|bare| !bare.is_empty());
        let Some(bare) = bare.filter(|bare| bare.is_ascii()) else {
            return Ok(());
        };
        self.find(method, bare)?;
        let query = uri.query().map(|query| format!("?{query}"));
        let location = format!("{bare}{}", query.unwrap_or_default());
        let detail = format!(
            "no address ends with a slash: ask for {bare}, or let your program follow this redirect, as `curl --location` does"
        );
        let problem = Problem::new(StatusCode::PERMANENT_REDIRECT, Code::TrailingSlash, detail);
        Err(problem.with_header("location", location))
    }
}

impl Route {
    fn new(setting: &RouteSetting) -> anyhow::Result<Self> {
        let RouteSetting {
            path,
            methods,
            service,
            authorization,
        } = setting;
        let Ok(service) = service.parse::<Slug>() else {
            bail!("the route {path} leads to {service:?}, which is no name of a service");
        };
        let name = services::named(service.as_str());
        ensure!(
            path.starts_with('/') && !path.trim_end_matches("/**").contains("**"),
            "the route {path} has to begin with / and may have ** at its end alone"
        );
        let methods = methods
            .iter()
            .map(|method| method.parse())
            .collect::<Result<_, _>>()?;
        let unavailable: Code = match name {
            // What it says to the world is in the table, and nothing else of it is for the world.
            "registry" if is_of_table(path, name) => Code::RegistryUnavailable,
            "upload" => Code::UploadUnavailable,
            "catalog" => Code::CatalogUnavailable,
            "download" => Code::DownloadUnavailable,
            name if services::find(name).is_some() => {
                bail!("the route {path} leads to {name}, which nobody outside may reach")
            }
            // An operator's own, which `slipway init --service` has made a certificate for.
            _ => Code::ServiceUnavailable,
        };
        let is_own = services::find(name).is_none();
        Ok(Self {
            pattern: path.clone(),
            methods,
            upstream: Upstream {
                name,
                unavailable,
                is_own,
            },
            credentials: *authorization || !is_own,
        })
    }
}

/// Whether the platform itself has the route.
fn is_of_table(path: &str, service: &str) -> bool {
    let row = services::find(service);
    row.is_some_and(|row| row.routes.iter().any(|route| route.path == path))
}

/// 405 with the methods of the route; none means all that there are.
pub(crate) fn method_not_allowed(method: &Method, methods: &[Method]) -> Problem {
    let allowed: Vec<_> = methods.iter().map(Method::as_str).collect();
    let allowed = if allowed.is_empty() {
        "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS".to_owned()
    } else {
        allowed.join(", ")
    };
    Problem::method_not_allowed(method, &allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(method: &str, path: &str) -> Result<&'static str, (u16, Option<String>)> {
        let routes = Routes::new(&default_routes()).expect("the routes of the platform");
        let method = method.parse().expect("a method");
        match routes.find(&method, path) {
            Ok(route) => Ok(route.upstream.name),
            Err(problem) => {
                let head = problem.head(());
                let allow = head
                    .headers()
                    .get("allow")
                    .map(|value| value.to_str().unwrap().to_owned());
                Err((problem.status.as_u16(), allow))
            }
        }
    }

    #[test]
    fn every_address_of_the_platform_reaches_its_service() {
        for (method, path, name) in [
            ("PUT", "/api/v1/apps/notes/packages/notes.apk", "upload"),
            ("POST", "/api/v1/apps/notes/packages", "upload"),
            ("GET", "/api/v1/apps/notes/packages/0190", "upload"),
            ("POST", "/api/v1/apps/notes/uploads", "upload"),
            ("OPTIONS", "/api/v1/apps/notes/uploads", "upload"),
            ("PATCH", "/api/v1/apps/notes/uploads/0190", "upload"),
            ("POST", "/api/v1/apps", "catalog"),
            (
                "GET",
                "/api/v1/apps/notes/releases/1.0/downloads",
                "catalog",
            ),
            ("GET", "/api/v1/apps/packages/x", "catalog"),
            ("GET", "/api/v1/apps//packages/x", "catalog"),
            ("GET", "/", "download"),
            ("GET", "/a/notes", "download"),
            ("HEAD", "/d/notes/latest/android", "download"),
            ("GET", "/keys/notes/minisign.pub", "download"),
        ] {
            assert_eq!(service(method, path), Ok(name), "{method} {path}");
        }
    }

    #[test]
    fn anything_else_ends_at_the_gateway() {
        for path in [
            "/api",
            "/api/v1x",
            "/api/v2/apps",
            "/ab/notes",
            "/A/notes",
            "/key/x",
            "/favicon.ico",
        ] {
            assert_eq!(service("GET", path), Err((404, None)), "{path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let allowed = Some("GET, HEAD".to_owned());
        assert_eq!(
            service("POST", "/keys/notes/minisign.pub"),
            Err((405, allowed.clone()))
        );
        assert_eq!(service("DELETE", "/a/notes"), Err((405, allowed)));
    }

    #[test]
    fn a_slash_at_the_end_leads_to_the_address_without_it() {
        let routes = Routes::new(&default_routes()).expect("the routes of the platform");
        let end = |method: &str, uri: &str| {
            let (method, uri) = (
                method.parse().expect("a method"),
                uri.parse().expect("a URI"),
            );
            match routes.check_end(&method, &uri) {
                Ok(()) => (200, String::new()),
                Err(problem) => {
                    let head = problem.head(());
                    let location = head.headers().get("location");
                    let location = location.map(|value| value.to_str().unwrap().to_owned());
                    (problem.status.as_u16(), location.unwrap_or_default())
                }
            }
        };
        for (method, uri, status, location) in [
            ("GET", "/a/notes/", 308, "/a/notes"),
            (
                "GET",
                "/d/notes/latest/android/?arch=x86&x=%2F",
                308,
                "/d/notes/latest/android?arch=x86&x=%2F",
            ),
            ("POST", "/api/v1/apps/", 308, "/api/v1/apps"),
            (
                "PUT",
                "/api/v1/apps/n/packages/a%20b.apk/?version=1",
                308,
                "/api/v1/apps/n/packages/a%20b.apk?version=1",
            ),
            ("GET", "http://apps.example.org/a/notes/", 308, "/a/notes"),
            ("GET", "/a/notes", 200, ""),
            ("GET", "/", 200, ""),
            ("DELETE", "/a/notes/", 405, ""),
            ("GET", "/nothing/", 404, ""),
        ] {
            assert_eq!(
                end(method, uri),
                (status, location.to_owned()),
                "{method} {uri}"
            );
        }
    }

    #[test]
    fn the_first_match_wins() {
        let routes = Routes::new(&[
            RouteSetting::new("/x/**", &["PUT"], "upload"),
            RouteSetting::new("/x/*", &[], "download"),
        ])
        .expect("routes");
        let found = |method| routes.find(&method, "/x/y").expect("a route").upstream.name;
        assert_eq!(found(Method::PUT), "upload");
        assert_eq!(found(Method::GET), "download");
    }

    #[test]
    fn a_route_leads_to_a_service_of_an_operators_own() {
        let mut settings = vec![RouteSetting::new("/scans/**", &[], "scanner")];
        settings.extend(default_routes());
        let routes = Routes::new(&settings).expect("routes");
        let found = routes.find(&Method::POST, "/scans/1").expect("a route");
        assert_eq!(found.upstream.name, "scanner");
        assert_eq!(found.upstream.unavailable, Code::ServiceUnavailable);
        assert!(routes.services().contains(&"scanner"));
    }

    #[test]
    fn routes_that_would_open_the_inside_or_nothing_are_refused() {
        for (path, service) in [
            ("/s/**", "signing"),
            ("/r/**", "registry"),
            ("/x", "No Body"),
            ("/x", ""),
            ("/g/**", "gateway"),
            ("x", "catalog"),
            ("/**/x", "catalog"),
        ] {
            assert!(
                Routes::new(&[RouteSetting::new(path, &[], service)]).is_err(),
                "{path} {service}"
            );
        }
    }
}
