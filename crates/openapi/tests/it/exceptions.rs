//! What differs from a released description, and why nobody breaks by it.

use slipway_openapi::compatibility::{Break, What};

pub(crate) struct Exception {
    /// The last version whose description it is about.
    pub(crate) until: &'static str,
    /// What the place begins or ends with; empty is every place.
    pub(crate) place: &'static str,
    pub(crate) what: What,
    #[expect(dead_code, reason = "for who reads this list")]
    pub(crate) why: &'static str,
}

impl Exception {
    pub(crate) fn covers(&self, version: &str, found: &Break) -> bool {
        let is_there = found.place.starts_with(self.place) || found.place.ends_with(self.place);
        version <= self.until && self.what == found.what && is_there
    }
}

pub(crate) const LIST: &[Exception] = &[
    Exception {
        until: "0.4.0",
        place: "",
        what: What::Narrowed,
        why: "The descriptions up to 0.4.0 were written by hand and left out most limits and patterns that were enforced.",
    },
    Exception {
        until: "0.4.0",
        place: " body",
        what: What::Retyped,
        why: "The bytes of a package had no type; they are bytes.",
    },
    Exception {
        until: "0.4.0",
        place: "GET /api/v1/apps/{app}/packages/{name} answer 200 ",
        what: What::MemberRemoved,
        why: "The description was wrong: the package itself was answered, since 0.1.0, and not a document that holds it.",
    },
    Exception {
        until: "0.4.0",
        place: "answer 202 .release",
        what: What::Retyped,
        why: "The description was wrong: of a package on its own `release` is null while it is on its way.",
    },
];
