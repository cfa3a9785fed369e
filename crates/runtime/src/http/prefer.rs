//! What a client prefers (RFC 7240).

use http::HeaderMap;

/// The most seconds that an answer waits, whatever is preferred: below the time-outs of proxies. The description of `Prefer`
/// in the API says it, and the gateway waits longer for a service than this.
pub const LONGEST_WAIT_SECONDS: u64 = 300;

/// `Prefer: wait=N`, in seconds.
pub fn wait(headers: &HeaderMap) -> Option<u64> {
    let preferences = headers.get_all("prefer").iter();
    let mut tokens = preferences
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']));
    tokens.find_map(|token| token.trim().strip_prefix("wait=")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_found_among_other_preferences() {
        let wait = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", value.parse().expect("a value"));
            super::wait(&headers)
        };
        assert_eq!(wait("respond-async, wait=10"), Some(10));
        assert_eq!(wait("respond-async; wait= 0"), Some(0));
        assert_eq!(wait("wait=soon"), None);
        assert_eq!(super::wait(&HeaderMap::new()), None);
    }
}
