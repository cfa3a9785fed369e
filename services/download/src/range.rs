//! Which part of a file a request asks for, and whether it needs it at all (RFC 9110, parts 13 and 14).
//!
//! The validator is one strong entity tag, the digest of the bytes. There is no `Last-Modified`, so conditions on a date
//! are passed over, and an `If-Range` with a date never holds.

use std::ops::Range;

use http::header::{IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderName};
use http_range_header::parse_range_header;

/// What to do about the conditions of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Holds,
    /// 304: the client has these bytes.
    NotModified,
    /// 412: the client wants to go on with other bytes.
    Failed,
}

/// What of a file to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// 200
    Whole,
    /// 206; never empty.
    Part(Range<u64>),
    /// 416
    Unsatisfiable,
}

/// Looks at `If-Match` and `If-None-Match`, in this order (RFC 9110, 13.2.2). `etag` is quoted.
pub(crate) fn condition(headers: &HeaderMap, etag: &str) -> Condition {
    if headers.contains_key(IF_MATCH) && !names(headers, &IF_MATCH, etag, Comparison::Strong) {
        return Condition::Failed;
    }
    if names(headers, &IF_NONE_MATCH, etag, Comparison::Weak) {
        return Condition::NotModified;
    }
    Condition::Holds
}

/// Looks at `Range` and `If-Range`. A header that cannot be read, and one that asks for several ranges, is answered with
/// the whole, as the RFC allows: a client has to be ready for that.
pub(crate) fn select(headers: &HeaderMap, etag: &str, size: u64) -> Selection {
    let mut given = headers.get_all(RANGE).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Selection::Whole;
    };
    // A weak tag or a date never matches here: parts of two different files would be put together.
    if headers
        .get(IF_RANGE)
        .is_some_and(|wanted| wanted.as_bytes() != etag.as_bytes())
    {
        return Selection::Whole;
    }
    let parsed = value
        .to_str()
        .ok()
        .and_then(|text| parse_range_header(text).ok());
    let Some(parsed) = parsed.filter(|ranges| ranges.len() == 1) else {
        return Selection::Whole;
    };
    match parsed.validate(size).as_deref() {
        Ok([range]) => Selection::Part(*range.start()..range.end() + 1),
        // The last bytes of an empty file are the whole of it.
        Ok(_) => Selection::Whole,
        Err(_) => Selection::Unsatisfiable,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Whether a list of entity tags holds ours or is `*`. Ours is made of hexadecimal digits, so a comma inside another
/// tag cannot make it match.
fn names(headers: &HeaderMap, name: &HeaderName, etag: &str, comparison: Comparison) -> bool {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| {
            let tag = match comparison {
                Comparison::Strong => tag,
                Comparison::Weak => tag.strip_prefix("W/").unwrap_or(tag),
            };
            tag == etag || tag == "*"
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc\"";

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    fn selected(range: &'static str, size: u64) -> Selection {
        select(&headers(&[(RANGE, range)]), ETAG, size)
    }

    #[test]
    fn a_single_range_is_cut_to_the_file() {
        assert_eq!(selected("bytes=0-0", 10), Selection::Part(0..1));
        assert_eq!(selected("bytes=2-5", 10), Selection::Part(2..6));
        assert_eq!(selected("bytes=2-", 10), Selection::Part(2..10));
        assert_eq!(
            selected("bytes=2-99999999999999999999", 10),
            Selection::Part(2..10)
        );
        assert_eq!(selected("bytes=-3", 10), Selection::Part(7..10));
        assert_eq!(selected("bytes=-30", 10), Selection::Part(0..10));
        assert_eq!(selected("Bytes=0-9", 10), Selection::Part(0..10));
    }

    #[test]
    fn a_range_outside_the_file_is_not_satisfiable() {
        for range in [
            "bytes=10-",
            "bytes=10-12",
            "bytes=-0",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(selected(range, 10), Selection::Unsatisfiable, "{range}");
        }
        for range in ["bytes=0-", "bytes=0-0"] {
            assert_eq!(selected(range, 0), Selection::Unsatisfiable, "{range}");
        }
        assert_eq!(selected("bytes=-1", 0), Selection::Whole);
    }

    #[test]
    fn what_is_no_single_range_is_answered_whole() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=0-1,4-5",
            "bytes=0-1, a-5",
            "seconds=0-1",
        ] {
            assert_eq!(selected(range, 10), Selection::Whole, "{range}");
        }
        let twice = headers(&[(RANGE, "bytes=0-1"), (RANGE, "bytes=0-1")]);
        assert_eq!(select(&twice, ETAG, 10), Selection::Whole);
        assert_eq!(select(&HeaderMap::new(), ETAG, 10), Selection::Whole);
    }

    #[test]
    fn if_range_holds_for_exactly_these_bytes() {
        for (validator, selection) in [
            ("\"abc\"", Selection::Part(0..2)),
            ("\"abd\"", Selection::Whole),
            ("W/\"abc\"", Selection::Whole),
            ("Wed, 21 Oct 2026 07:28:00 GMT", Selection::Whole),
        ] {
            let headers = headers(&[(RANGE, "bytes=0-1"), (IF_RANGE, validator)]);
            assert_eq!(select(&headers, ETAG, 10), selection, "{validator}");
        }
    }

    #[test]
    fn conditions_are_met_in_the_order_of_the_rfc() {
        for (pairs, expected) in [
            (&[][..], Condition::Holds),
            (
                &[(IF_NONE_MATCH, "\"x\", W/\"abc\"")],
                Condition::NotModified,
            ),
            (&[(IF_NONE_MATCH, "*")], Condition::NotModified),
            (&[(IF_NONE_MATCH, "\"x\"")], Condition::Holds),
            (&[(IF_MATCH, "\"abc\"")], Condition::Holds),
            (&[(IF_MATCH, "*")], Condition::Holds),
            (&[(IF_MATCH, "W/\"abc\"")], Condition::Failed),
            (
                &[(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "\"abc\"")],
                Condition::Failed,
            ),
        ] {
            assert_eq!(condition(&headers(pairs), ETAG), expected, "{pairs:?}");
        }
    }
}
