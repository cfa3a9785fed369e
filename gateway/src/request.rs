//! What of a request is refused, and which of its headers go on.
//!
//! hyper writes every message anew, so framing cannot be smuggled through; what is left to refuse is what two readers
//! could take differently: the length of the body, the host, and names of headers.

use slipway_contract::Code;
use std::net::IpAddr;

use http::header::{AUTHORIZATION, CONNECTION, COOKIE, HOST, HeaderName, HeaderValue};
use http::uri::Authority;
use http::{HeaderMap, Method, Request, Version};
use slipway_peers::guard::{INSTANCE, RUN};
use slipway_runtime::Problem;
use slipway_runtime::http::edge::REQUEST_ID;
use slipway_runtime::http::framing::Framing;
use slipway_runtime::http::request_line::CLIENT;

use crate::routes::method_not_allowed;

/// Headers that hold for one connection alone (RFC 9110, 7.6.1), beside those that `Connection` names and `Proxy-…`.
/// `Trailer` is none of them: a service has to see what was to come after the body, since trailers themselves stay behind.
const HOP_BY_HOP: [&str; 5] = [
    "connection",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Headers of a client that would be taken for ours.
const OURS: [&str; 6] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-request-id",
];

/// Refuses what no service shall see, and returns the authority that the request is for; HTTP/1.0 may name none.
pub(crate) fn check<B>(
    request: &Request<B>,
    framing: Framing,
) -> Result<Option<Authority>, Problem> {
    if framing == Framing::Doubtful {
        // Request smuggling: a proxy before us could see another end of this body.
        return Err(refused(
            Code::FramingRefused,
            "send one content-length, or transfer-encoding: chunked alone",
        ));
    }
    // TRACE would hand a browser's script the headers that are kept from it; CONNECT is for proxies of another kind.
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
        return Err(method_not_allowed(request.method(), &[]));
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    let authority = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(authority(host.as_bytes())?),
        (None, _) if request.version() == Version::HTTP_10 => None,
        _ => return Err(host_refused()),
    };
    // In the absolute form the target's authority counts and Host does not (RFC 9112, 3.2.2).
    match request.uri().authority() {
        Some(target) => self::authority(target.as_str().as_bytes()).map(Some),
        None => Ok(authority),
    }
}

/// A host and perhaps a port, in lower case (RFC 9110, 7.2): nothing that a service could read as a path or a user.
fn authority(text: &[u8]) -> Result<Authority, Problem> {
    let text = text.to_ascii_lowercase();
    let authority = Authority::from_maybe_shared(text).map_err(|_| host_refused())?;
    let port = authority
        .as_str()
        .strip_prefix(authority.host())
        .unwrap_or("@");
    let port_is_number = port.is_empty() || authority.port_u16().is_some();
    if authority.host().is_empty() || !port_is_number || authority.as_str().contains('@') {
        return Err(host_refused());
    }
    Ok(authority)
}

fn host_refused() -> Problem {
    refused(
        Code::HostRefused,
        "send exactly one host header with a host and perhaps a port",
    )
}

fn refused(code: Code, advice: &str) -> Problem {
    Problem::bad_request(
        code,
        format!("this request could be read in more than one way: {advice}"),
    )
    .with_header(CONNECTION.as_str(), "close")
}

/// What the gateway says of a request to the service behind it.
pub(crate) struct Forwarding<'a> {
    pub(crate) id: &'a HeaderValue,
    pub(crate) client: IpAddr,
    pub(crate) authority: Option<&'a Authority>,
    /// What the client speaks.
    pub(crate) version: Version,
    pub(crate) service: &'static str,
    /// The service may see what a client proves itself to the platform with.
    pub(crate) credentials: bool,
}

/// Takes out what is not for the service and adds what the gateway knows, in this order: `Connection` names headers to
/// take out, and a client shall not name ours.
pub(crate) fn prepare(headers: &mut HeaderMap, forwarding: &Forwarding<'_>) {
    strip_hop_by_hop(headers);
    strip_internal(headers);
    for name in OURS {
        headers.remove(name);
    }
    if !forwarding.credentials {
        strip_credentials(headers);
    }
    // `X_Forwarded_For` is `X-Forwarded-For` to a program that gets its headers as CGI variables.
    retain(headers, |name| !name.contains('_'));
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    let client = forwarding.client.to_string();
    set("x-forwarded-for", &client);
    set(CLIENT.as_str(), &client);
    set("x-forwarded-proto", "http");
    if let Some(authority) = forwarding.authority {
        set("x-forwarded-host", authority.as_str());
    }
    set(HOST.as_str(), forwarding.service);
    headers.insert(REQUEST_ID.clone(), forwarding.id.clone());
    add_via(headers, forwarding.version);
}

/// Names the instance, and the run of `slipway up`, that a request is meant for: an address may belong to another process
/// by now, and to one of a copied data folder.
pub(crate) fn address_to(
    headers: &mut HeaderMap,
    instance: &HeaderValue,
    run: Option<&HeaderValue>,
) {
    headers.insert(INSTANCE.clone(), instance.clone());
    if let Some(run) = run {
        headers.insert(RUN.clone(), run.clone());
    }
}

/// Says by what protocol a message came (RFC 9110, 7.6.3): a service speaks HTTP/1.1 with us, and a body without a length
/// means something else in HTTP/1.0.
pub(crate) fn add_via(headers: &mut HeaderMap, version: Version) {
    let via = if version == Version::HTTP_10 {
        "1.0 slipway"
    } else {
        "1.1 slipway"
    };
    headers.append("via", HeaderValue::from_static(via));
}

pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    retain(headers, |name| !name.starts_with("proxy-"));
}

/// Takes out the headers that services of the platform speak to each other with.
pub(crate) fn strip_internal(headers: &mut HeaderMap) {
    retain(headers, |name| !name.starts_with("x-slipway-"));
}

/// Takes out what would let a service act as its client towards the platform: tokens, and cookies of ours.
fn strip_credentials(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    let is_ours = |cookie: &str| {
        let name = cookie.trim_start();
        let name = ["__Host-", "__Secure-"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(name);
        name.starts_with("slipway")
    };
    let kept: Vec<HeaderValue> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|text| {
            let cookies = text.split(';').filter(|cookie| !is_ours(cookie));
            let cookies = cookies.map(str::trim).collect::<Vec<_>>().join("; ");
            HeaderValue::from_str(&cookies)
                .ok()
                .filter(|value| !value.is_empty())
        })
        .collect();
    headers.remove(COOKIE);
    for value in kept {
        headers.append(COOKIE, value);
    }
}

fn retain(headers: &mut HeaderMap, keep: impl Fn(&str) -> bool) {
    let unwanted: Vec<HeaderName> = headers
        .keys()
        .filter(|name| !keep(name.as_str()))
        .cloned()
        .collect();
    for name in unwanted {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, uri: &str, hosts: &[&str]) -> Request<()> {
        let mut request = Request::builder().method(method).uri(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).expect("a request")
    }

    #[test]
    fn exactly_one_valid_host_passes() {
        for (uri, host, wanted) in [
            ("/a", "Apps.Example.ORG", "apps.example.org"),
            ("/a", "localhost:8080", "localhost:8080"),
            ("/a", "[::1]:80", "[::1]:80"),
            (
                "http://other.example/a",
                "apps.example.org",
                "other.example",
            ),
        ] {
            let authority = check(&request("GET", uri, &[host]), Framing::Plain).expect(host);
            assert_eq!(authority.expect("an authority").as_str(), wanted);
        }
    }

    #[test]
    fn a_missing_a_second_or_an_unreadable_host_is_refused() {
        for hosts in [
            &[][..],
            &["a", "a"],
            &["a", "b"],
            &[""],
            &["x/y@z"],
            &["user@host"],
            &["a b"],
            &["a:port"],
            &["a:99999"],
            &["a:"],
            &[":80"],
            &["a,b/"],
            &["a?b"],
            &["a#b"],
        ] {
            let problem =
                check(&request("GET", "/a", hosts), Framing::Plain).expect_err(&hosts.join("+"));
            assert_eq!(problem.code, Code::HostRefused);
        }
        let mut old = request("GET", "/a", &[]);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(
            check(&old, Framing::Plain).expect("HTTP/1.0 knew no Host"),
            None
        );
    }

    #[test]
    fn doubtful_framing_and_methods_for_others_are_refused() {
        let problem =
            check(&request("PUT", "/a", &["a"]), Framing::Doubtful).expect_err("doubtful");
        assert_eq!(
            (problem.status.as_u16(), problem.code),
            (400, Code::FramingRefused)
        );
        for (method, uri) in [("TRACE", "/a"), ("CONNECT", "a:80")] {
            let problem = check(&request(method, uri, &["a"]), Framing::Plain).expect_err(method);
            assert_eq!(problem.status.as_u16(), 405);
        }
    }

    #[test]
    fn no_header_of_a_client_is_taken_for_ours() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Secret"),
            ("connection", "x-forwarded-for, x-request-id"),
            ("x-secret", "1"),
            ("keep-alive", "5"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "x"),
            ("x-slipway-instance", "forged"),
            ("x-slipway-signature", "forged"),
            ("x-slipway-client", "6.6.6.6"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x_forwarded_for", "6.6.6.6"),
            ("forwarded", "for=6.6.6.6"),
            ("x-real-ip", "6.6.6.6"),
            ("x-request-id", "forged"),
            ("host", "apps.example.org"),
            ("authorization", "Bearer slw_x"),
            ("via", "1.0 edge"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let authority = Authority::from_static("apps.example.org");
        prepare(
            &mut headers,
            &Forwarding {
                id: &HeaderValue::from_static("new"),
                client: IpAddr::from([127, 0, 0, 9]),
                authority: Some(&authority),
                version: Version::HTTP_11,
                service: "upload",
                credentials: true,
            },
        );
        let mut left: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        left.sort_unstable();
        assert_eq!(
            left,
            [
                ("authorization", "Bearer slw_x"),
                ("host", "upload"),
                ("via", "1.0 edge"),
                ("via", "1.1 slipway"),
                ("x-forwarded-for", "127.0.0.9"),
                ("x-forwarded-host", "apps.example.org"),
                ("x-forwarded-proto", "http"),
                ("x-request-id", "new"),
                ("x-slipway-client", "127.0.0.9"),
            ]
        );
    }
    #[test]
    fn a_service_that_is_not_trusted_sees_no_token_and_no_cookie_of_ours() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer slw_x"),
            ("authorization", "Basic eDp5"),
            ("cookie", "theme=dark; slipway_session=x;lang=de"),
            ("cookie", "__Host-slipway=x"),
            ("cookie", "mine=1"),
            ("accept", "*/*"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        strip_credentials(&mut headers);
        let left: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(
            left,
            [
                ("accept", "*/*"),
                ("cookie", "theme=dark; lang=de"),
                ("cookie", "mine=1")
            ]
        );
    }
}
