//! Where in a browser a request comes from (RFC 6454, and Fetch Metadata of the W3C).
//!
//! Nothing here makes anybody believed: a program says what it likes. A browser says the truth, and it is browsers that send
//! what they remember in a stranger's name.

use http::header::{HeaderName, ORIGIN};
use http::{HeaderMap, HeaderValue, Uri};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The host that the client asked; the gateway's word.
const ASKED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Whether a page of another origin made a browser send this. What cannot be read counts as another.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    let sites = headers.get_all(FETCH_SITE).iter();
    let mut origins = headers.get_all(ORIGIN).iter();
    let host = headers.get(ASKED_HOST).and_then(|host| host.to_str().ok());
    sites
        .map(HeaderValue::as_bytes)
        .any(|site| !matches!(site, b"same-origin" | b"none"))
        || origins.any(|origin| !is_of(origin, host))
}

/// Whether an origin is that of `host`, which names no port where it is the one of the scheme. Which scheme the client spoke
/// a server in front of the gateway knows, and the gateway does not.
fn is_of(origin: &HeaderValue, host: Option<&str>) -> bool {
    let (Ok(origin), Some(host)) = (origin.to_str(), host) else {
        return false;
    };
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |authority: &str| {
        let authority = authority.to_ascii_lowercase();
        authority
            .strip_suffix(port)
            .unwrap_or(&authority)
            .to_owned()
    };
    bare(authority) == bare(host)
}

/// An origin as browsers write it: a scheme, a host in lower case, and a port where it is not the scheme's own.
pub fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority())
    else {
        return false;
    };
    let usual = if scheme == "http" { 80 } else { 443 };
    let host = authority.host();
    let written = match authority.port_u16() {
        Some(port) if port != usual => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    };
    // A wildcard would be taken for what it means elsewhere.
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-[]:".contains(c);
    !host.is_empty() && host.chars().all(plain) && written == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(host: &str, fields: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ASKED_HOST, host.parse().unwrap());
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        is_foreign(&headers)
    }

    #[test]
    fn a_program_and_the_same_origin_are_not_foreign() {
        for (host, fields) in [
            ("apps.example.org", &[][..]),
            ("apps.example.org", &[("sec-fetch-site", "none")]),
            ("apps.example.org", &[("sec-fetch-site", "same-origin")]),
            (
                "apps.example.org",
                &[("origin", "https://apps.example.org")],
            ),
            (
                "apps.example.org:443",
                &[("origin", "https://apps.example.org")],
            ),
            (
                "apps.example.org",
                &[("origin", "http://Apps.example.org:80")],
            ),
            ("localhost:8080", &[("origin", "http://localhost:8080")]),
            ("[::1]:8080", &[("origin", "http://[::1]:8080")]),
        ] {
            assert!(!foreign(host, fields), "{host} {fields:?}");
        }
    }

    #[test]
    fn another_page_is_foreign_however_it_says_so() {
        for fields in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "Same-Origin")],
            &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://apps.example.org.evil.example")],
            &[("origin", "https://apps.example.org:8443")],
            &[("origin", "ftp://apps.example.org")],
            &[
                ("origin", "https://apps.example.org"),
                ("origin", "https://evil.example"),
            ],
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://evil.example"),
            ],
        ] {
            assert!(foreign("apps.example.org", fields), "{fields:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static("https://a"));
        assert!(is_foreign(&headers), "nobody knows what host was asked");
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for origin in [
            "https://apps.example.org",
            "http://localhost:3000",
            "http://[::1]:1",
        ] {
            assert!(is_origin(origin), "{origin}");
        }
        for other in [
            "*",
            "null",
            "",
            "apps.example.org",
            "https://apps.example.org/",
            "https://apps.example.org/x",
            "https://apps.example.org:443",
            "https://Apps.example.org",
            "https://user@apps.example.org",
            "https://*.example.org",
            "ftp://apps.example.org",
        ] {
            assert!(!is_origin(other), "{other}");
        }
    }
}
