//! Which part of a file a request asks for, and whether it needs it at all (RFC 9110, parts 13 and 14).
//!
//! The validators are a strong entity tag, the digest of the bytes, and the second at which they were published. Bytes at an
//! address never change, so the date is a strong validator too (RFC 9110, 8.8.2.2); where both are given, the tag counts.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_range_header::parse_range_header;

use crate::refusal::Refused;

/// By what a client names the bytes that it has.
pub(crate) struct Validators<'a> {
    /// Quoted.
    pub(crate) etag: &'a str,
    /// Whole seconds.
    pub(crate) modified: Option<SystemTime>,
}

/// When bytes were published, in whole seconds. A date to come is none: an origin does not say it (RFC 9110, 8.8.2.1).
/// `published_at` and `now` are Unix milliseconds.
pub(crate) fn modified(published_at: Option<i64>, now: i64) -> Option<SystemTime> {
    let published_at = published_at.filter(|at| *at <= now)?;
    let seconds = u64::try_from(published_at).ok()? / 1000;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// `Last-Modified`, with its name.
pub(crate) fn last_modified(time: SystemTime) -> (HeaderName, HeaderValue) {
    let date = HeaderValue::try_from(httpdate::fmt_http_date(time));
    (LAST_MODIFIED, date.expect("a date is visible ASCII"))
}

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
enum Selection {
    /// 200
    Whole,
    /// 206; never empty.
    Part(Range<u64>),
    /// 416
    Unsatisfiable,
}

/// What to answer about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// 304: the client has these bytes.
    NotModified,
    /// 200
    Whole,
    /// 206; never empty.
    Part(Range<u64>),
}

/// What to answer to a request for a file of `size` bytes. Ranges are defined for GET alone (RFC 9110, 14.2).
pub(crate) fn respond(
    method: &Method,
    headers: &HeaderMap,
    validators: &Validators<'_>,
    size: u64,
) -> Result<Sent, Refused> {
    match condition(headers, validators) {
        Condition::NotModified => return Ok(Sent::NotModified),
        Condition::Failed => return Err(Refused::OtherFile),
        Condition::Holds if method != Method::GET => return Ok(Sent::Whole),
        Condition::Holds => {}
    }
    match select(headers, validators, size) {
        Selection::Whole => Ok(Sent::Whole),
        Selection::Part(range) => Ok(Sent::Part(range)),
        Selection::Unsatisfiable => Err(Refused::Range { size }),
    }
}

/// Looks at the conditions in the order of RFC 9110, 13.2.2: one on a date counts only where there is none on a tag.
pub(crate) fn condition(headers: &HeaderMap, validators: &Validators<'_>) -> Condition {
    let etag = validators.etag;
    let is_later = |date| validators.modified.is_some_and(|modified| modified > date);
    let is_changed = if headers.contains_key(IF_MATCH) {
        !names(headers, &IF_MATCH, etag, Comparison::Strong)
    } else {
        date(headers, &IF_UNMODIFIED_SINCE).is_some_and(is_later)
    };
    if is_changed {
        return Condition::Failed;
    }
    let is_known = if headers.contains_key(IF_NONE_MATCH) {
        names(headers, &IF_NONE_MATCH, etag, Comparison::Weak)
    } else {
        let since = date(headers, &IF_MODIFIED_SINCE);
        validators.modified.is_some() && since.is_some_and(|since| !is_later(since))
    };
    if is_known {
        return Condition::NotModified;
    }
    Condition::Holds
}

/// A date in one of the three forms of HTTP (RFC 9110, 5.6.7). One that cannot be read, or a list, is no condition.
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut given = headers.get_all(name).iter();
    let (value, None) = (given.next()?, given.next()) else {
        return None;
    };
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

/// Looks at `Range` and `If-Range`. A header that cannot be read, and one that asks for several ranges, is answered with
/// the whole, as the RFC allows: a client has to be ready for that.
fn select(headers: &HeaderMap, validators: &Validators<'_>, size: u64) -> Selection {
    let mut given = headers.get_all(RANGE).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Selection::Whole;
    };
    if headers.contains_key(IF_RANGE) && !is_exactly(headers, validators) {
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

/// Whether `If-Range` names exactly these bytes. A weak tag or an earlier date never does: parts of two different files would
/// be put together.
fn is_exactly(headers: &HeaderMap, validators: &Validators<'_>) -> bool {
    let tag = headers.get(IF_RANGE).map(HeaderValue::as_bytes);
    let date = date(headers, &IF_RANGE);
    tag == Some(validators.etag.as_bytes()) || date.is_some() && date == validators.modified
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
    use proptest::prelude::*;

    use super::*;

    const ETAG: &str = "\"abc\"";
    const BEFORE: &str = "Wed, 21 Oct 2026 07:27:59 GMT";
    const DATE: &str = "Wed, 21 Oct 2026 07:28:00 GMT";
    const AFTER: &str = "Wed, 21 Oct 2026 07:28:01 GMT";

    fn validators() -> Validators<'static> {
        let modified = httpdate::parse_http_date(DATE).ok();
        Validators {
            etag: ETAG,
            modified,
        }
    }

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    fn selected(range: &'static str, size: u64) -> Selection {
        select(&headers(&[(RANGE, range)]), &validators(), size)
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
        assert_eq!(select(&twice, &validators(), 10), Selection::Whole);
        assert_eq!(
            select(&HeaderMap::new(), &validators(), 10),
            Selection::Whole
        );
    }

    #[test]
    fn if_range_holds_for_exactly_these_bytes() {
        for (validator, selection) in [
            ("\"abc\"", Selection::Part(0..2)),
            ("\"abd\"", Selection::Whole),
            ("W/\"abc\"", Selection::Whole),
            (DATE, Selection::Part(0..2)),
            ("Wednesday, 21-Oct-26 07:28:00 GMT", Selection::Part(0..2)),
            (BEFORE, Selection::Whole),
            (AFTER, Selection::Whole),
            ("yesterday", Selection::Whole),
        ] {
            let headers = headers(&[(RANGE, "bytes=0-1"), (IF_RANGE, validator)]);
            assert_eq!(
                select(&headers, &validators(), 10),
                selection,
                "{validator}"
            );
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
            (&[(IF_MODIFIED_SINCE, BEFORE)], Condition::Holds),
            (&[(IF_MODIFIED_SINCE, DATE)], Condition::NotModified),
            (&[(IF_MODIFIED_SINCE, AFTER)], Condition::NotModified),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Condition::Holds),
            (
                &[(IF_MODIFIED_SINCE, DATE), (IF_MODIFIED_SINCE, DATE)],
                Condition::Holds,
            ),
            (&[(IF_UNMODIFIED_SINCE, BEFORE)], Condition::Failed),
            (&[(IF_UNMODIFIED_SINCE, DATE)], Condition::Holds),
            (&[(IF_UNMODIFIED_SINCE, "yesterday")], Condition::Holds),
            // The tag counts, and a date beside it is passed over.
            (
                &[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, DATE)],
                Condition::Holds,
            ),
            (
                &[(IF_MATCH, "\"abc\""), (IF_UNMODIFIED_SINCE, BEFORE)],
                Condition::Holds,
            ),
        ] {
            assert_eq!(
                condition(&headers(pairs), &validators()),
                expected,
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn what_has_no_date_has_no_condition_on_one() {
        let undated = Validators {
            etag: ETAG,
            modified: None,
        };
        for name in [IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE] {
            assert_eq!(
                condition(&headers(&[(name, DATE)]), &undated),
                Condition::Holds
            );
        }
        let part = headers(&[(RANGE, "bytes=0-1"), (IF_RANGE, DATE)]);
        assert_eq!(select(&part, &undated, 10), Selection::Whole);
    }

    #[test]
    fn the_date_is_the_second_of_the_publication_and_never_to_come() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(modified(Some(5_999), 5_999), Some(at(5)));
        assert_eq!(modified(Some(6_000), 5_999), None);
        assert_eq!(modified(Some(-1), 5), None);
        assert_eq!(modified(None, 5), None);
    }

    #[test]
    fn a_file_is_answered_by_its_conditions_first_and_then_by_its_range() {
        let ask = |method: Method, pairs: &[(HeaderName, &'static str)]| {
            respond(&method, &headers(pairs), &validators(), 10)
        };
        let part = (RANGE, "bytes=0-1");
        assert_eq!(ask(Method::GET, &[]), Ok(Sent::Whole));
        let ranged = std::slice::from_ref(&part);
        assert_eq!(ask(Method::GET, ranged), Ok(Sent::Part(0..2)));
        assert_eq!(ask(Method::HEAD, ranged), Ok(Sent::Whole));
        let known = [part.clone(), (IF_NONE_MATCH, ETAG)];
        assert_eq!(ask(Method::GET, &known), Ok(Sent::NotModified));
        let other = [part, (IF_MATCH, "\"x\"")];
        assert_eq!(ask(Method::GET, &other), Err(Refused::OtherFile));
        let beyond = [(RANGE, "bytes=10-")];
        let refused = Refused::Range { size: 10 };
        assert_eq!(ask(Method::GET, &beyond), Err(refused));
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_and_lies_within_the_file(range in "bytes=[0-9]{0,20}-[0-9]{0,20}|[ -~]{0,20}", size: u64) {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_str(&range).expect("visible ASCII"));
            if let Selection::Part(part) = select(&headers, &validators(), size) {
                prop_assert!(part.start < part.end && part.end <= size);
            }
        }
    }
}
