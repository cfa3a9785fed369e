//! Who is asked after an attempt that brought no answer to go on: a pure rule of the classes A to E.
//!
//! | class | what became of the attempt | what is asked again | whom |
//! |---|---|---|---|
//! | A | certainly nobody has seen it | everything | each other instance |
//! | B | refused before any work | everything whose body is whole | one other |
//! | C | sent, and no answer came | what changes nothing | another, then the same |
//! | D | 502, 503 or 504 for a moment | what changes nothing | one other |
//! | E | the answer has begun | nothing | nobody |
//!
//! Class A asks nothing of any service and is free; the others spend the budget of their service.

use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, StatusCode};
use slipway_runtime::http::shedding::UNPROCESSED;

use super::breaker::Event;

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    NotSent,
    Unprocessed,
    NoAnswer,
    BadGateway,
}

/// What is known of a request when an attempt has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) changes_nothing: bool,
    /// Not a byte of its body was taken from the client, or it has none.
    pub(super) is_whole: bool,
    /// It was asked again before because of class B or D.
    pub(super) was_refused: bool,
}

/// Who is asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Other,
    /// And where there is none, or that one brings nothing either, the same once more: it may be there again.
    OtherThenSame,
    Nobody,
}

/// The rule.
pub(super) fn next(class: Class, asked: Asked) -> Next {
    match class {
        Class::NotSent => Next::Other,
        Class::Unprocessed if asked.is_whole && !asked.was_refused => Next::Other,
        Class::NoAnswer if asked.changes_nothing => Next::OtherThenSame,
        Class::BadGateway if asked.changes_nothing && !asked.was_refused => Next::Other,
        _ => Next::Nobody,
    }
}

/// Whether `method` changes nothing (RFC 9110, 9.2.1), of those that a service knows.
pub(super) fn changes_nothing(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The class of an answer that another instance may do better; `None` of one to hand on.
pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap) -> Option<Class> {
    match status {
        StatusCode::SERVICE_UNAVAILABLE if is_unprocessed(headers) => Some(Class::Unprocessed),
        status if is_of_instance(status) && is_for_a_moment(headers) => Some(Class::BadGateway),
        _ => None,
    }
}

/// What an answer says of its instance. One that has too much to do is not broken.
pub(super) fn seen(status: StatusCode, headers: &HeaderMap) -> Event {
    match status {
        StatusCode::SERVICE_UNAVAILABLE if is_unprocessed(headers) => Event::Nothing,
        status if is_of_instance(status) => Event::Failed,
        _ => Event::Answered,
    }
}

/// Whether a status tells of its instance and not of what was asked for.
pub(super) fn is_of_instance(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

fn is_unprocessed(headers: &HeaderMap) -> bool {
    headers.get(UNPROCESSED).is_some_and(|value| value == "1")
}

/// Without `Retry-After`, or with one of a second at most.
fn is_for_a_moment(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(RETRY_AFTER) else {
        return true;
    };
    let seconds = value.to_str().ok().and_then(|text| text.parse().ok());
    seconds.is_some_and(|seconds: u64| seconds <= 1)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (
                name.parse().expect("a name"),
                HeaderValue::from_static(value),
            )
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn what_may_change_something_is_asked_again_only_when_nothing_was_done() {
        for (class, is_whole, wanted) in [
            (Class::NotSent, true, Next::Other),
            (Class::Unprocessed, true, Next::Other),
            (Class::Unprocessed, false, Next::Nobody),
            (Class::NoAnswer, true, Next::Nobody),
            (Class::BadGateway, true, Next::Nobody),
        ] {
            let asked = Asked {
                changes_nothing: false,
                is_whole,
                was_refused: false,
            };
            assert_eq!(next(class, asked), wanted, "{class:?}, whole: {is_whole}");
        }
    }

    #[test]
    fn a_question_is_asked_again_and_after_a_refusal_once() {
        for (class, was_refused, wanted) in [
            (Class::NotSent, true, Next::Other),
            (Class::Unprocessed, false, Next::Other),
            (Class::Unprocessed, true, Next::Nobody),
            (Class::NoAnswer, true, Next::OtherThenSame),
            (Class::BadGateway, false, Next::Other),
            (Class::BadGateway, true, Next::Nobody),
        ] {
            let asked = Asked {
                changes_nothing: true,
                is_whole: true,
                was_refused,
            };
            assert_eq!(
                next(class, asked),
                wanted,
                "{class:?}, before: {was_refused}"
            );
        }
    }

    #[test]
    fn the_class_of_an_answer_and_what_it_says_of_its_instance() {
        let shed = &[("x-slipway-unprocessed", "1"), ("retry-after", "1")][..];
        for (status, fields, class, event) in [
            (200, &[][..], None, Event::Answered),
            (500, &[], None, Event::Answered),
            (502, &[], Some(Class::BadGateway), Event::Failed),
            (503, &[], Some(Class::BadGateway), Event::Failed),
            (
                503,
                &[("retry-after", "1")],
                Some(Class::BadGateway),
                Event::Failed,
            ),
            (503, &[("retry-after", "30")], None, Event::Failed),
            (
                503,
                &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")],
                None,
                Event::Failed,
            ),
            (504, &[], Some(Class::BadGateway), Event::Failed),
            (503, shed, Some(Class::Unprocessed), Event::Nothing),
            (
                503,
                &[("x-slipway-unprocessed", "0")],
                Some(Class::BadGateway),
                Event::Failed,
            ),
            (200, shed, None, Event::Answered),
        ] {
            let (status, headers) = (
                StatusCode::from_u16(status).expect("a status"),
                headers(fields),
            );
            assert_eq!(of_answer(status, &headers), class, "{status} {fields:?}");
            assert_eq!(seen(status, &headers), event, "{status} {fields:?}");
        }
    }
}
