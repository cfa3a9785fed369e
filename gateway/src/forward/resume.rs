//! A download whose instance ends in the middle of it goes on from another one.
//!
//! What is under `/d` never changes and every instance serves the same, so what is left of it can be asked of any by
//! `Range` with `If-Range` (RFC 9110, 13.1.5). Only what proves to be the rest of the same bytes is taken: the same strong
//! `ETag`, the same total length and the very range. Everything else cuts the answer off where it stopped, which the
//! client sees.

use std::sync::Arc;
use std::time::Duration;

use http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, RANGE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep};

use super::instance::{Instance, Place};
use super::retry;
use super::target::Target;
use super::upstreams::{Asking, Limits, Outcome, Sending, Upstreams};
use crate::deferred_body::Received;
use crate::routes::Upstream;

/// Time in which somebody is found who goes on: a process is restarted in less, and clients wait longer for a byte.
const PATIENCE: Duration = Duration::from_secs(10);
/// Instances that go on without a byte, one after another, after which it is over.
const FRUITLESS: u32 = 3;
/// Time between two rounds through all instances.
const PAUSE: Duration = Duration::from_millis(200);

/// What it takes to go on.
pub(crate) struct Resume {
    upstreams: Arc<Upstreams>,
    upstream: Upstream,
    limits: Limits,
    head: Parts,
    rest: Rest,
    /// Who sends the body.
    instance: Arc<Instance>,
    /// So many were asked since the last byte.
    fruitless: u32,
}

/// The rest of a body, from an instance that can go on.
pub(crate) struct Continued {
    pub(crate) body: Incoming,
    pub(crate) place: Place,
    pub(crate) resume: Box<Resume>,
}

impl Resume {
    /// `None` where an answer cannot go on.
    pub(super) fn of(
        upstreams: &Arc<Upstreams>,
        sending: &Sending<'_>,
        head: Parts,
        response: &Response<Incoming>,
        target: &Target,
    ) -> Option<Box<Self>> {
        let is_file = sending.upstream.name == "download" && head.uri.path().starts_with("/d/");
        if !is_file || head.method != Method::GET {
            return None;
        }
        Some(Box::new(Self {
            upstreams: upstreams.clone(),
            upstream: *sending.upstream,
            limits: *sending.limits,
            head,
            rest: Rest::of(response.status(), response.headers())?,
            instance: target.place.instance.clone(),
            fruitless: 0,
        }))
    }

    /// So many bytes of the body have gone on to the client.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.rest.next += bytes as u64;
        self.fruitless = 0;
    }

    /// Finds an instance that goes on, another one first; `None` when nobody does.
    pub(crate) async fn go_on(mut self: Box<Self>) -> Option<Continued> {
        self.rest.ask(&mut self.head.headers)?;
        if self.fruitless >= FRUITLESS {
            return None;
        }
        self.fruitless += 1;
        let until = Instant::now() + PATIENCE;
        let mut is_first = true;
        loop {
            match self.round(is_first).await {
                Round::Goes(body, place) => {
                    self.instance = place.instance.clone();
                    let (service, from) = (self.upstream.name, self.rest.next);
                    tracing::info!(service, instance = ?self.instance.name, from, "a download goes on from this instance");
                    return Some(Continued {
                        body,
                        place,
                        resume: self,
                    });
                }
                Round::Differs => return None,
                Round::Nobody if Instant::now() >= until => return None,
                Round::Nobody => {}
            }
            // Others are there at once or are restarted, so nobody is left out after that.
            if !std::mem::take(&mut is_first) {
                sleep(PAUSE).await;
            }
        }
    }

    /// Asks each instance once.
    async fn round(&self, others_alone: bool) -> Round {
        let received = Received::default();
        let asking = Asking {
            upstream: &self.upstream,
            head: &self.head,
            received: &received,
            limits: &self.limits,
            is_tunnel: false,
        };
        let mut targets = self
            .upstreams
            .targets(self.upstream.name, self.limits.at_once);
        if others_alone {
            targets.leave_out(&self.instance);
        }
        let mut next = None;
        while let Some(mut target) = next.take().or_else(|| targets.any()) {
            let outcome = self
                .upstreams
                .attempt(&asking, &mut target, &mut None, Duration::ZERO)
                .await;
            match outcome {
                Outcome::Answered(response, _) => {
                    let (status, headers) = (response.status(), response.headers());
                    if self.rest.is_given_by(status, headers) {
                        return Round::Goes(response.into_body(), target.place);
                    }
                    if retry::is_of_instance(status) {
                        continue;
                    }
                    let (rest, instance) = (&self.rest, &target.name);
                    tracing::warn!(?instance, %status, ?headers, ?rest, "what is left of a download is not the same any more");
                    return Round::Differs;
                }
                Outcome::Misdirected(answer) => next = target.corrected(&answer),
                Outcome::NotSent(_) | Outcome::Cut(_) | Outcome::Hangs | Outcome::Failed(_) => {}
            }
        }
        Round::Nobody
    }
}

/// What became of asking each instance once.
enum Round {
    Goes(Incoming, Place),
    /// It is something else, or is not there any more.
    Differs,
    Nobody,
}

/// What is left of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rest {
    etag: HeaderValue,
    /// The next byte that the client gets, and the last one.
    next: u64,
    last: u64,
    total: u64,
}

impl Rest {
    /// Of an answer: the whole, or one range of it. `None` where not every byte is told by an `ETag`.
    fn of(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let (next, last, total) = match status {
            StatusCode::OK => {
                let total: u64 = headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
                (0, total.checked_sub(1)?, total)
            }
            StatusCode::PARTIAL_CONTENT => range(headers)?,
            _ => return None,
        };
        Some(Self {
            etag: strong_etag(headers)?.clone(),
            next,
            last,
            total,
        })
    }

    /// Makes a request ask for it and nothing else; `None` when nothing is left.
    fn ask(&self, headers: &mut HeaderMap) -> Option<()> {
        if self.next > self.last {
            return None;
        }
        for name in [
            IF_MATCH,
            IF_MODIFIED_SINCE,
            IF_NONE_MATCH,
            IF_UNMODIFIED_SINCE,
        ] {
            headers.remove(name);
        }
        let range = format!("bytes={}-{}", self.next, self.last);
        headers.insert(RANGE, HeaderValue::from_str(&range).ok()?);
        headers.insert(IF_RANGE, self.etag.clone());
        Some(())
    }

    /// Whether an answer is exactly that.
    fn is_given_by(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::PARTIAL_CONTENT && Self::of(status, headers).as_ref() == Some(self)
    }
}

/// The `ETag`, if it is a strong one (RFC 9110, 8.8.3), and there is one.
fn strong_etag(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut tags = headers.get_all(ETAG).iter();
    let tag = tags.next().filter(|_| tags.next().is_none())?;
    let text = tag.as_bytes();
    (text.len() >= 2 && text.starts_with(b"\"") && text.ends_with(b"\"")).then_some(tag)
}

/// First and last byte and the total of the one range of a 206 (RFC 9110, 14.4), where its length fits.
fn range(headers: &HeaderMap) -> Option<(u64, u64, u64)> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, total): (u64, u64, u64) =
        (first.parse().ok()?, last.parse().ok()?, total.parse().ok()?);
    let length = match headers.get(CONTENT_LENGTH) {
        Some(length) => length.to_str().ok()?.parse().ok()?,
        None => last.checked_sub(first)? + 1,
    };
    (first <= last && last < total && length == last - first + 1).then_some((first, last, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let field = |(name, value): &(&str, &str)| {
            let name: http::HeaderName = name.parse().expect("a name");
            (name, HeaderValue::from_str(value).expect("a value"))
        };
        fields.iter().map(field).collect()
    }

    const WHOLE: [(&str, &str); 2] = [("etag", "\"e\""), ("content-length", "100")];
    const PART: [(&str, &str); 2] = [("etag", "\"e\""), ("content-range", "bytes 10-19/100")];

    fn rest(status: u16, fields: &[(&str, &str)]) -> Option<(u64, u64, u64)> {
        let status = StatusCode::from_u16(status).expect("a status");
        let rest = Rest::of(status, &headers(fields))?;
        Some((rest.next, rest.last, rest.total))
    }

    #[test]
    fn what_is_told_byte_by_byte_can_go_on() {
        assert_eq!(rest(200, &WHOLE), Some((0, 99, 100)));
        assert_eq!(rest(206, &PART), Some((10, 19, 100)));
        let tag = WHOLE[0];
        for (status, fields) in [
            (200, &WHOLE[1..]),
            (200, &[tag]),
            (200, &[("etag", "W/\"e\""), WHOLE[1]]),
            (200, &[("etag", "\"e"), WHOLE[1]]),
            (200, &[("etag", "\""), WHOLE[1]]),
            (200, &[tag, tag, WHOLE[1]]),
            (200, &[tag, ("content-length", "0")]),
            (404, &WHOLE),
            (206, &WHOLE),
            (
                206,
                &[tag, ("content-type", "multipart/byteranges; boundary=b")],
            ),
            (206, &[tag, ("content-range", "bytes 10-19/*")]),
            (206, &[tag, ("content-range", "bytes 19-10/100")]),
            (206, &[tag, ("content-range", "bytes 10-100/100")]),
            (206, &[tag, ("content-range", "items 10-19/100")]),
            (206, &[tag, PART[1], ("content-length", "11")]),
        ] {
            assert_eq!(rest(status, fields), None, "{status} {fields:?}");
        }
    }

    #[test]
    fn the_rest_is_asked_for_whatever_the_client_asked_for_first() {
        let mut rest = Rest::of(StatusCode::PARTIAL_CONTENT, &headers(&PART)).expect("a rest");
        rest.next += 4;
        let mut asked = headers(&[
            ("range", "bytes=10-19"),
            ("if-none-match", "\"e\""),
            ("if-match", "*"),
            ("if-range", "\"e\""),
            ("accept", "*/*"),
        ]);
        rest.ask(&mut asked).expect("something is left");
        let wanted = headers(&[
            ("range", "bytes=14-19"),
            ("if-range", "\"e\""),
            ("accept", "*/*"),
        ]);
        assert_eq!(asked, wanted);
        rest.next = 20;
        assert_eq!(rest.ask(&mut asked), None);
    }

    #[test]
    fn only_the_same_bytes_are_the_rest() {
        let mut rest = Rest::of(StatusCode::OK, &headers(&WHOLE)).expect("a rest");
        rest.next = 40;
        for (status, tag, range, wanted) in [
            (206, "\"e\"", "bytes 40-99/100", true),
            (200, "\"e\"", "bytes 40-99/100", false),
            (206, "\"f\"", "bytes 40-99/100", false),
            (206, "W/\"e\"", "bytes 40-99/100", false),
            (206, "\"e\"", "bytes 40-99/101", false),
            (206, "\"e\"", "bytes 40-98/100", false),
            (206, "\"e\"", "bytes 41-99/100", false),
            (206, "\"e\"", "bytes 0-99/100", false),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let answer = headers(&[("etag", tag), ("content-range", range)]);
            assert_eq!(
                rest.is_given_by(status, &answer),
                wanted,
                "{status} {tag} {range}"
            );
        }
    }
}
