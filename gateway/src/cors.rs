//! Which pages of other sites may read an answer in a browser (the Fetch Standard's CORS protocol).
//!
//! What everybody may download, every page may read. What a token opens is read by pages of the origins that the operator
//! lists. Credentials that a browser holds by itself are never among it: no answer says
//! `Access-Control-Allow-Credentials`, so a page has to have the token.
//!
//! tower-http's `CorsLayer` does not fit: it answers every OPTIONS itself (`cors/mod.rs`), also that by which a tus client asks
//! what an upload may be, which is no preflight; and which origins, methods and fields are allowed, and which are exposed, is
//! another thing for each route here, while it has one set, and a `*` or the one origin, for all.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request};
use schemars::JsonSchema;
use serde::Deserialize;
use slipway_runtime::http::origin::is_origin;

use crate::routes::Route;

/// Fields of public answers beside those that every page may read (Fetch, 2.2.1).
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "accept-ranges, content-disposition, content-range, etag, repr-digest, retry-after, x-request-id",
);
/// The same of the API and of tus.
const EXPOSED_TO_LISTED: HeaderValue = HeaderValue::from_static(
    "allow, etag, location, preference-applied, retry-after, tus-checksum-algorithm, tus-extension, tus-max-size, tus-resumable, tus-version, upload-expires, upload-length, upload-metadata, upload-offset, www-authenticate, x-request-id",
);
/// Every field but `Authorization`, which the star does not stand for; those of ranges by name, for older browsers.
const ASKED_WITH: HeaderValue = HeaderValue::from_static(
    "*, if-match, if-modified-since, if-none-match, if-range, if-unmodified-since, range",
);
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD");
const METHODS_OF_LISTED: HeaderValue =
    HeaderValue::from_static("DELETE, GET, HEAD, PATCH, POST, PUT");
/// Seconds for which a browser remembers: an operator who takes an origin off the list waits no longer.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// Pages of other sites.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CorsSettings {
    /// Origins whose pages may use the API with a token and upload, each as `https://console.example.org`.
    pub origins: Vec<Origin>,
}

/// An origin as browsers write it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Origin(
    #[schemars(with = "String", regex(pattern = r"^https?://[a-z0-9.:\[\]-]+$"))]
    HeaderValue,
);

impl TryFrom<String> for Origin {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        let text = text.trim();
        anyhow::ensure!(
            is_origin(text),
            "{text:?} is no origin: write each as https://console.example.org, in lower case, without a path, and no pattern"
        );
        Ok(Self(text.parse()?))
    }
}

/// With whom the answer to a request is shared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Every page.
    Everybody,
    /// Pages of an origin that is listed.
    Listed(HeaderValue),
    /// Pages of the listed origins, and this is none.
    Nobody,
}

impl Sharing {
    /// Of the answer to `method` on `route`; `None` where there is no such address.
    pub(crate) fn of<B>(
        request: &Request<B>,
        method: &Method,
        route: Option<&Route>,
        settings: &CorsSettings,
    ) -> Self {
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        match (route, request.headers().get(ORIGIN)) {
            (Some(route), _) if is_read && route.upstream.name == "download" => Self::Everybody,
            (Some(_), Some(origin)) if settings.origins.iter().any(|listed| listed.0 == origin) => {
                Self::Listed(origin.clone())
            }
            _ => Self::Nobody,
        }
    }

    /// The fields of the answer to a preflight; `None` where the request is none, or nobody is to be let in.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<HeaderMap> {
        asked_method(request)?;
        let (methods, fields) = match self {
            Self::Everybody => (METHODS, ASKED_WITH),
            // The operator trusts the origin, and the browser knows what it is about to send.
            Self::Listed(_) => {
                let asked = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS);
                let asked = asked.cloned();
                (
                    METHODS_OF_LISTED,
                    asked.unwrap_or(HeaderValue::from_static("authorization")),
                )
            }
            Self::Nobody => return None,
        };
        Some(HeaderMap::from_iter([
            (ACCESS_CONTROL_ALLOW_METHODS, methods),
            (ACCESS_CONTROL_ALLOW_HEADERS, fields),
            (ACCESS_CONTROL_MAX_AGE, REMEMBERED),
        ]))
    }

    /// Says so in an answer.
    pub(crate) fn mark(&self, headers: &mut HeaderMap, settings: &CorsSettings) {
        let (origin, exposed) = match self {
            Self::Everybody => (HeaderValue::from_static("*"), EXPOSED),
            Self::Listed(origin) => (origin.clone(), EXPOSED_TO_LISTED),
            Self::Nobody => {
                self.vary(headers, settings);
                return;
            }
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        self.vary(headers, settings);
    }

    /// A cache must not give one origin what was said to another.
    fn vary(&self, headers: &mut HeaderMap, settings: &CorsSettings) {
        if *self != Self::Everybody && !settings.origins.is_empty() {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
    }
}

/// The method that a preflight asks for; `None` where the request is none.
pub(crate) fn asked_method<B>(request: &Request<B>) -> Option<Method> {
    let headers = request.headers();
    if request.method() != Method::OPTIONS || !headers.contains_key(ORIGIN) {
        return None;
    }
    let method = headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    Method::from_bytes(method.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{Routes, default_routes};

    const CONSOLE: &str = "https://console.example.org";

    fn settings() -> CorsSettings {
        let origins = vec![CONSOLE.to_owned().try_into().expect("an origin")];
        CorsSettings { origins }
    }

    fn sharing(method: &str, path: &str, fields: &[(&str, &str)]) -> (Request<()>, Sharing) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request");
        let routes = Routes::new(&default_routes()).expect("routes");
        let method = asked_method(&request).unwrap_or_else(|| request.method().clone());
        let route = routes.find(&method, request.uri().path());
        let sharing = Sharing::of(&request, &method, route.ok(), &settings());
        (request, sharing)
    }

    #[test]
    fn everybody_reads_what_everybody_may_download_and_the_listed_the_rest() {
        let listed = || Sharing::Listed(HeaderValue::from_static(CONSOLE));
        let packages = "/api/v1/apps/notes/packages/x.apk";
        for (method, path, origin, wanted) in [
            (
                "GET",
                "/d/notes/1.0/x.apk",
                "https://any.example",
                Sharing::Everybody,
            ),
            (
                "HEAD",
                "/keys/notes/minisign.pub",
                CONSOLE,
                Sharing::Everybody,
            ),
            ("GET", "/a/notes/", "null", Sharing::Everybody),
            ("POST", "/d/notes/1.0/x.apk", CONSOLE, Sharing::Nobody),
            ("PUT", packages, CONSOLE, listed()),
            ("GET", packages, CONSOLE, listed()),
            ("PUT", packages, "https://any.example", Sharing::Nobody),
            (
                "PUT",
                packages,
                "https://console.example.org:444",
                Sharing::Nobody,
            ),
            ("PUT", packages, "null", Sharing::Nobody),
            ("GET", "/healthz", CONSOLE, Sharing::Nobody),
            ("GET", "/nothing", CONSOLE, Sharing::Nobody),
        ] {
            let fields = [("origin", origin)];
            assert_eq!(
                sharing(method, path, &fields).1,
                wanted,
                "{method} {path} {origin}"
            );
            let ask = [fields[0], ("access-control-request-method", method)];
            let asked = sharing("OPTIONS", path, &ask).1;
            assert_eq!(asked, wanted, "preflight of {method} {path} {origin}");
        }
    }

    #[test]
    fn a_preflight_is_answered_before_there_is_a_token_and_nothing_else_is() {
        let tus = "/api/v1/apps/notes/uploads";
        let asked = [
            ("origin", CONSOLE),
            ("access-control-request-method", "POST"),
            (
                "access-control-request-headers",
                "authorization,tus-resumable,upload-length",
            ),
        ];
        let (request, of_tus) = sharing("OPTIONS", tus, &asked);
        let answer = of_tus.preflight(&request).expect("an answer");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_HEADERS], asked[2].1);
        assert!(
            answer[ACCESS_CONTROL_ALLOW_METHODS]
                .to_str()
                .unwrap()
                .contains("POST")
        );
        for (method, fields) in [
            ("OPTIONS", &asked[..1]),
            ("POST", &asked[..]),
            ("OPTIONS", &asked[1..]),
        ] {
            let (request, sharing) = sharing(method, tus, fields);
            assert_eq!(sharing.preflight(&request), None, "{method} {fields:?}");
        }
        let public = [
            ("origin", "https://any.example"),
            ("access-control-request-method", "GET"),
        ];
        let (request, sharing) = sharing("OPTIONS", "/d/notes/1.0/x.apk", &public);
        let answer = sharing.preflight(&request).expect("an answer");
        let fields = answer[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
        assert!(fields.contains("if-range") && !fields.contains("authorization"));
    }

    #[test]
    fn no_answer_lets_a_browser_send_what_it_remembers() {
        for (sharing, origin, vary) in [
            (Sharing::Everybody, Some("*"), None),
            (
                Sharing::Listed(HeaderValue::from_static(CONSOLE)),
                Some(CONSOLE),
                Some("origin"),
            ),
            (Sharing::Nobody, None, Some("origin")),
        ] {
            let mut headers = HeaderMap::new();
            sharing.mark(&mut headers, &settings());
            let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(text("access-control-allow-origin"), origin);
            assert_eq!(text("vary"), vary);
            assert_eq!(text("access-control-allow-credentials"), None);
        }
    }

    #[test]
    fn patterns_and_other_texts_are_no_origins() {
        for text in [
            "*",
            "null",
            "https://*.example.org",
            "console.example.org",
            "https://a/",
        ] {
            assert!(Origin::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
